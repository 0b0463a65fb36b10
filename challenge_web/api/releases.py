"""Requests of release: who asks for which mail, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.messages import Forwarded
from challenge_web.api.operations import Call, CursorText, Nothing, Operation, PageSize, when, when_or_none
from challenge_web.api.problems import Problem, not_found
from challenge_web.console.routes import Names
from gateway.domain.roles import Right
from gateway.flow.forward import Forwarder
from gateway.flow.read import ContentGone, WrongContent
from gateway.flow.release_ports import LONGEST_WORDS, Case, ReleaseRequest, RequestState
from gateway.flow.releases import Asked, Decided, Releases

Words = Annotated[str, Meta(max_length=LONGEST_WORDS)]


class Request(Struct, frozen=True):
    """What somebody asks for, and what came of it."""

    id: int
    message: Annotated[int, Meta(description="The mail.")]
    recipient: str
    asked_by: Annotated[str, Meta(description='"": somebody who knew the number of the mail.')]
    words: str
    asked_at: datetime
    state: Annotated[str, Meta(description="`open`, `released`, `refused`, or `ended` with its mail.")]
    changed_at: datetime
    decided_by: str
    why: str
    inspected_by: str
    inspected_at: datetime | None


class RequestMail(Struct, frozen=True):
    """A mail about a request."""

    kind: Annotated[str, Meta(description="`ask`, or `answer`.")]
    mailbox: str
    state: str
    reply: str


class RequestCase(Struct, frozen=True):
    """A request, and the mail it is about."""

    request: Request
    sender: str
    author: str
    author_name: str
    subject: Annotated[str, Meta(description='"" without the right to read content.')]
    mails: tuple[RequestMail, ...]


class RequestPage(Struct, frozen=True):
    """Some requests, the newest first."""

    items: tuple[RequestCase, ...]
    next: str | None


class RequestQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests."""

    state: Literal["open", "released", "refused", "ended", "all"] = "open"
    limit: PageSize = 50
    cursor: CursorText = ""


class ReleaseWish(Struct, frozen=True, forbid_unknown_fields=True):
    """What the asker says."""

    words: Words = ""


class ReleaseAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What the asker is told."""

    why: Words = ""


class ReleaseAsked(Struct, frozen=True):
    """What became of asking."""

    result: Annotated[str, Meta(description="`sent`, `again`, `refused` or `limited`.")]
    request: Request | None


class ReleaseResource:
    """The operations on requests."""

    def __init__(self, releases: Releases, forwarder: Forwarder) -> None:
        self._releases = releases
        self._forwarder = forwarder

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        one, of_mail, see, decide = (
            "/release-requests/{id}", "/messages/{id}/release-request", Right.SEE_OVERVIEW, Right.DECIDE_RELEASE
        )  # fmt: skip
        named, row, also = Names.REQUEST, Names.ROW, (Right.SEE_PENDING,)
        return (
            Operation("listReleaseRequests", "GET", "/release-requests", see, self.page, "See who asks for a mail.",
                      RequestPage, RequestQuery, also=also),
            Operation("getReleaseRequest", "GET", one, see, self.one, "See one request.", RequestCase, also=also,
                      names=named),
            Operation("grantReleaseRequest", "POST", f"{one}/release", decide, self.grant,
                      "Let the mail go to its recipient.", Request, body=ReleaseAnswer, also=also, names=named,
                      problems=(409,)),
            Operation("refuseReleaseRequest", "POST", f"{one}/refuse", decide, self.refuse, "Do not let the mail go.",
                      Request, body=ReleaseAnswer, also=also, names=named, problems=(409,)),
            Operation("inspectReleaseRequest", "POST", f"{one}/inspect", decide, self.inspect,
                      "Send a copy of the mail to your own mailbox.", Forwarded,
                      also=(Right.READ_CONTENT, see, *also), names=named, problems=(409,)),
            Operation("askForRelease", "POST", of_mail, Right.ASK_RELEASE, self.ask,
                      "Ask the people in charge to let a mail go.", ReleaseAsked, body=ReleaseWish, also=also,
                      names=row, problems=(409,)),
            Operation("getReleaseRequestOfMessage", "GET", of_mail, Right.SEE_PENDING, self.of_mail,
                      "See what came of asking for a mail.", Request, names=row),
        )  # fmt: skip

    async def page(self, call: Call[RequestQuery, None]) -> RequestPage:
        """Return a page of requests of release."""
        told = call.query
        start = call.cursors.read(told.cursor, int)
        state = None if told.state == "all" else RequestState(told.state)
        found = await self._releases.page(call.viewer, state, int(start[0]) if start else 0, told.limit)
        cases, more = found or ((), 0)
        return RequestPage(tuple(map(case_of, cases)), call.cursors.write((more,) if more else None))

    async def one(self, call: Call[Nothing, None]) -> RequestCase:
        """Return one request of release."""
        found = await self._releases.one(call.viewer, call.id)
        if found is None:
            raise not_found()
        return case_of(found)

    async def grant(self, call: Call[Nothing, ReleaseAnswer]) -> Request:
        """Let the mail go."""
        return _decided(await self._releases.release(call.viewer, call.id, call.body.why))

    async def refuse(self, call: Call[Nothing, ReleaseAnswer]) -> Request:
        """Do not let it go."""
        return _decided(await self._releases.refuse(call.viewer, call.id, call.body.why))

    async def inspect(self, call: Call[Nothing, None]) -> Forwarded:
        """Send a copy to who asks."""
        case = await self._releases.one(call.viewer, call.id)
        if case is None:
            raise not_found()
        mailbox = await self._releases.own_mailbox(call.viewer)
        if not mailbox:
            raise Problem("conflict", "Your account has no mailbox of its own.")
        try:
            answer = await self._forwarder.inspect(call.viewer, case.request.row, mailbox)
        except (ContentGone, WrongContent):
            answer = None
        if answer is None:
            raise Problem("conflict", "The content of this mail is not kept any more, or is not its own.")
        if answer.accepted:
            await self._releases.inspected(call.viewer, call.id)
        return Forwarded(answer.accepted, str(answer))

    async def ask(self, call: Call[Nothing, ReleaseWish]) -> ReleaseAsked:
        """Ask who may for the release of a mail."""
        if not await self._releases.sees(call.viewer, call.id):
            raise not_found()
        asked = await self._releases.ask(call.viewer, call.id, call.body.words)
        if asked is None:
            raise Problem("conflict", "The mail does not wait, or you can let it go yourself.")
        found = None if asked is Asked.LIMITED else await self._releases.of_mail(call.viewer, call.id)
        return ReleaseAsked(asked.value, None if found is None else request_of(found))

    async def of_mail(self, call: Call[Nothing, None]) -> Request:
        """Return the newest request for a mail."""
        found = await self._releases.of_mail(call.viewer, call.id)
        if found is None:
            raise not_found()
        return request_of(found)


def _decided(decided: Decided | None) -> Request:
    if decided is None:
        raise not_found()
    if not decided.done:
        raise Problem("conflict", "Somebody has decided before, or the mail has ended.")
    return request_of(decided.request)


def case_of(case: Case) -> RequestCase:
    """Return a request with the mail it is about, as programs are told it."""
    mail = case.mail
    return RequestCase(
        request=request_of(case.request),
        sender=mail.sender if mail else "",
        author=mail.author if mail else "",
        author_name=mail.author_name if mail else "",
        subject=mail.subject if mail else "",
        mails=tuple(RequestMail(one.kind.value, one.mailbox, one.state, one.last_reply) for one in case.told),
    )


def request_of(told: ReleaseRequest) -> Request:
    """Return a request as programs are told it."""
    return Request(
        id=told.id,
        message=told.row,
        recipient=told.recipient_key,
        asked_by=told.asked_by,
        words=told.words,
        asked_at=when(told.asked_at),
        state=told.state.value,
        changed_at=when(told.changed_at),
        decided_by=told.decided_by,
        why=told.why,
        inspected_by=told.inspected_by,
        inspected_at=when_or_none(told.inspected_at),
    )
