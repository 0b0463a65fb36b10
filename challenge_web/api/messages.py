"""One mail: what is known of it, the question to its sender once more, and a copy of it for inspection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.message_content import found_in
from challenge_web.api.operations import Call, Nothing, Operation, when, when_or_none
from challenge_web.api.problems import Problem, invalid, not_found, sentence
from challenge_web.console.routes import Names
from gateway.domain.explain import SILENCES
from gateway.domain.roles import Right
from gateway.domain.timeline import Asked, timeline
from gateway.flow.ask_again import AskAgain
from gateway.flow.forward import Form, Forwarder
from gateway.flow.queue import Queue
from gateway.flow.read import Held, Reading


class Step(Struct, frozen=True):
    """Something that happened to it."""

    at: datetime
    what: str
    who: str


class Message(Struct, frozen=True):
    """One mail for one recipient, without what is in it."""

    id: int
    state: str
    reason: str
    silence: str
    sender: str
    author: str
    author_name: str
    recipient: str
    subject: Annotated[str, Meta(description='"" without the right to read content.')]
    size: int
    received_at: datetime
    expires_at: datetime
    changed_at: datetime
    attempts: int
    due_at: datetime | None
    last_reply: str
    client: str
    client_name: str
    helo: str
    protocol: str
    queue_id: Annotated[str, Meta(description="Of the mail server in front.")]
    transaction_id: str
    message_id: str
    list_id: str
    source: str
    content_kept: bool
    history: tuple[Step, ...]


class ForwardWish(Struct, frozen=True, forbid_unknown_fields=True):
    """To whom a copy goes."""

    to: Annotated[str, Meta(max_length=320, description="One of [console] forward_to.")]
    form: Literal["attachment", "as_is"] = "attachment"


class Forwarded(Struct, frozen=True):
    """What the server said that the copy was sent to."""

    accepted: bool
    reply: str


class AskedAgain(Struct, frozen=True):
    """The challenge that goes to the sender."""

    challenge: int


class MessageResource:
    """The operations on one mail."""

    def __init__(self, reading: Reading, forwarder: Forwarder, queue: Queue, asker: AskAgain) -> None:
        self._reading = reading
        self._forwarder = forwarder
        self._queue = queue
        self._asker = asker

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        at, row = "/messages/{id}", Names.ROW
        return (
            Operation(
                "getMessage", "GET", at, Right.SEE_PENDING, self.message, "See what is known of a mail.", Message,
                names=row,
            ),
            Operation(
                "seeMessage", "POST", f"{at}/seen", Right.SEE_PENDING, self.seen, "Note that a mail was seen.", names=row
            ),
            Operation(
                "askAgain", "POST", f"{at}/ask-again", Right.MODERATE, self.ask_again, "Ask its sender once more.", AskedAgain,
                names=row, problems=(409,),
            ),
            Operation(
                "forwardMessage", "POST", f"{at}/forward", Right.FORWARD, self.forward,
                "Send a copy on for inspection.", Forwarded, body=ForwardWish, also=(Right.READ_CONTENT, Right.SEE_PENDING), names=row,
            ),
        )  # fmt: skip

    async def message(self, call: Call[Nothing, None]) -> Message:
        """Return what is known of a mail, without its content."""
        held = await self._held(call)
        return _message(held, content=call.viewer.may(Right.READ_CONTENT))

    async def seen(self, call: Call[Nothing, None]) -> None:
        """Note that it was seen."""
        await self._held(call)
        await self._queue.see(call.viewer, call.id)

    async def ask_again(self, call: Call[Nothing, None]) -> AskedAgain:
        """Let the sender be asked once more, within the caps."""
        ruling = await self._asker.ask(call.viewer, call.id)
        if ruling is None:
            raise not_found()
        if ruling.why_not is not None:
            later = f" It can be asked from {when(ruling.from_).isoformat()} on." if ruling.from_ is not None else ""
            raise Problem("conflict", sentence(SILENCES[ruling.why_not]) + later)
        return AskedAgain(ruling.challenge)

    async def forward(self, call: Call[Nothing, ForwardWish]) -> Forwarded:
        """Send a copy on."""
        await self._held(call)
        if call.body.to not in self._forwarder.addresses:
            raise invalid("to", "It is none of the addresses that mail may be sent on to.")
        form = Form.AS_IS if call.body.form == "as_is" else Form.ATTACHMENT
        answer = await found_in(self._forwarder.forward(call.viewer, call.id, call.body.to, form))
        return Forwarded(answer.accepted, str(answer))

    async def _held(self, call: Call[Nothing, object]) -> Held:
        held = await self._reading.held(call.viewer, call.id)
        if held is None:
            raise not_found()
        return held


def _message(held: Held, *, content: bool) -> Message:
    return Message(
        id=held.id,
        state=held.state.value,
        reason=held.reason,
        silence=held.silence,
        sender=held.sender,
        author=held.author,
        author_name=held.author_name,
        recipient=held.recipient,
        subject=held.subject if content else "",
        size=held.size,
        received_at=when(held.received_at),
        expires_at=when(held.expires_at),
        changed_at=when(held.changed_at),
        attempts=held.attempts,
        due_at=when_or_none(held.due_at),
        last_reply=held.last_reply,
        client=held.client,
        client_name=held.client_name,
        helo=held.helo,
        protocol=held.protocol,
        queue_id=held.queue_id,
        transaction_id=held.transaction_id,
        message_id=held.mail_id,
        list_id=held.list_id,
        source=held.source,
        content_kept=held.content_kept,
        history=tuple(Step(when(step.at), step.words, step.who) for step in timeline(held.history, _asks(held))),
    )


def _asks(held: Held) -> tuple[Asked, ...]:
    return (*held.asked_before, *([held.asked] if held.asked else ()))
