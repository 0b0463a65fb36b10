"""The dialogue with a server further on: one delivery or one question after the other on a kept connection."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain import reply as replies
from gateway.domain.address import Address
from gateway.domain.envelope import Envelope, Recipient
from gateway.domain.reply import Reply
from gateway.domain.value import value_class
from gateway.flow.ports import Features
from gateway.relay import commands
from gateway.relay.ehlo import Offer
from gateway.relay.faults import Unanswered
from gateway.relay.replies import passed_on
from gateway.relay.wire import TIMED_OUT, Wire


@value_class(frozen=True, slots=True)
class Outcome:
    """How a delivery ended on one connection."""

    replies: tuple[Reply, ...]
    """One for each recipient, in order, fit for our own client's ears; see `flow.ports.Delivery`."""
    sent: bool
    """Someone's mail was accepted."""
    refused: tuple[int, ...] = ()
    """Which recipients were refused at RCPT, by index."""


class Connection:
    """A server that has greeted us and told its extensions, ready for transactions."""

    def __init__(self, wire: Wire, offer: Offer, command_seconds: float, data_seconds: float) -> None:
        self._wire = wire
        self._offer = offer
        self._command_seconds = command_seconds
        self._data_seconds = data_seconds
        self._in_transaction = False
        self.uses = 0
        """How many transactions and questions it has carried."""

    @property
    def features(self) -> Features:
        """What the server offers."""
        return self._offer.features

    @property
    def usable(self) -> bool:
        """False once it ended, or was left in the middle of a transaction."""
        return not self._in_transaction and not self._wire.failure

    def close(self) -> None:
        """Take leave of the server; at once, without a word, where it does not expect a command."""
        if self._in_transaction:
            self._wire.fail("abandoned")
        self._wire.quit()

    async def deliver(self, envelope: Envelope, content: Sequence[bytes], all_or_nothing: bool) -> Outcome:
        """Hand a message over; see `flow.ports.Hop.deliver`.

        Raises Unanswered when the connection turned out to be dead before MAIL was answered.
        """
        recipients = envelope.recipients
        smtputf8 = commands.needs_smtputf8(envelope, content)
        if smtputf8 and not self._offer.features.smtputf8:
            return _for_all(replies.HOP_LACKS_SMTPUTF8, recipients)
        opening = commands.xforward(envelope.client, self._offer.xforward) if envelope.client else []
        opening.append(commands.mail(envelope, self._offer, sum(map(len, content)), envelope.smtputf8 or smtputf8))
        rcpts = [commands.rcpt(recipient, self._offer) for recipient in recipients]

        self._begin()
        # RFC 2920 §3.1: DATA may go with the RCPTs, as long as we do not mind who of them is refused.
        at_once = self._offer.pipelining and (len(rcpts) == 1 or not all_or_nothing)
        said = await self._ask(opening, rcpts, ["DATA"] if at_once else [])
        if [answer for answer in said[: len(opening) + len(rcpts)] if 300 <= answer.code < 400]:
            self._wire.fail("takes a command for another")
        answers = said[len(opening) :][: len(rcpts)]
        data = said[-1] if at_once and len(said) == len(opening) + len(rcpts) + 1 else None
        mail = self._answer_to_mail(said, len(opening))
        if not mail.accepted:
            await self._cancel(data)
            return _for_all(_refusal(mail), recipients)

        refused = {i: _refusal(answer) for i, answer in enumerate(answers) if not answer.accepted}
        whole = len(answers) == len(rcpts)
        if not whole or len(refused) == len(rcpts) or (refused and all_or_nothing):
            await self._cancel(data)
            # Whoever was taken hears so, although nothing was sent: not they are the reason.
            rest = replies.RCPT_OK if whole else replies.NEXT_HOP_DOWN
            return Outcome(_merged(refused, rest, recipients), False, tuple(refused))
        if data is None:
            data = next(iter(await self._say(["DATA"])), None)
        if data is None or data.code != 354:
            await self._cancel(data)
            return Outcome(_merged(refused, _refusal(data), recipients), False, tuple(refused))

        final = await self._wire.transfer(content, self._command_seconds, self._data_seconds)
        if final is None or 300 <= final.code < 400:
            self._wire.fail("no final reply")
        self._in_transaction = False
        sent = final is not None and final.accepted
        verdict = passed_on(final) if final and sent else _refusal(final)
        return Outcome(_merged(refused, verdict, recipients), sent, tuple(refused))

    async def verify(self, reverse_path: Address, recipient: Recipient, smtputf8: bool) -> tuple[Reply, bool]:
        """Ask whether a recipient is taken; the second value is True when the answer was to RCPT.

        Raises Unanswered as `deliver` does.
        """
        smtputf8 = smtputf8 or not reverse_path.is_ascii or not recipient.address.is_ascii
        if smtputf8 and not self._offer.features.smtputf8:
            if not recipient.address.is_ascii or not reverse_path.is_ascii:
                return replies.HOP_LACKS_SMTPUTF8, False
            smtputf8 = False
        mail_line, rcpt_line = commands.probe(reverse_path, recipient, smtputf8)
        self._begin()
        if self._offer.pipelining:
            said = await self._wire.flight([mail_line, rcpt_line], self._command_seconds, last="RSET")
        else:
            said = await self._ask([mail_line], [rcpt_line], [])
        mail = self._answer_to_mail(said, 1)
        if not self._offer.pipelining:
            await self._cancel(None)
        self._in_transaction = False
        answer = said[1] if len(said) > 1 else None
        if not mail.accepted:
            return _refusal(mail), False
        if answer is not None and answer.accepted:
            return passed_on(answer), True
        return _refusal(answer), answer is not None

    async def is_alive(self) -> bool:
        """Ask whether the server still answers (NOOP)."""
        self._begin()
        said = await self._say(["NOOP"])
        self._in_transaction = False
        return bool(said) and said[0].accepted

    def _begin(self) -> None:
        self.uses += 1
        self._in_transaction = True

    async def _ask(self, opening: list[str], rcpts: list[str], data: list[str]) -> list[Reply]:
        if self._offer.pipelining:
            return await self._wire.flight([*opening, *rcpts, *data], self._command_seconds)
        said = await self._say(opening)
        if len(said) == len(opening) and said[-1].accepted:
            said += await self._say(rcpts)
        return said

    async def _say(self, lines: list[str]) -> list[Reply]:
        """Send commands one by one, each after the reply to the one before."""
        said: list[Reply] = []
        for line in lines:
            answer = await self._wire.flight([line], self._command_seconds)
            if not answer:
                break
            said += answer
        return said

    def _answer_to_mail(self, said: list[Reply], at: int) -> Reply:
        """Return the reply to MAIL, the last of the `at` commands that open a transaction."""
        if len(said) >= at and said[at - 1].code != 421:
            return said[at - 1]
        if self._wire.failure == TIMED_OUT:  # Once more would take as long again.
            return replies.NEXT_HOP_DOWN
        raise Unanswered(self._wire.failure)

    async def _cancel(self, data: Reply | None) -> None:
        """Leave a transaction without content; the server is ready for the next one afterwards."""
        if data is not None and data.code == 354:
            # RFC 2920 §3.1: DATA was accepted although no recipient was, so it waits for the dot.
            self._wire.owe(".")
        elif data is not None and data.code < 400:
            self._wire.fail("nonsense in reply to DATA")
        elif self._offer.pipelining:
            self._wire.owe("RSET")
        else:
            await self._say(["RSET"])
        self._in_transaction = False


def _refusal(reply: Reply | None) -> Reply:
    """Return a refusal as our client may hear it; what is neither refusal nor sense means: not now."""
    if reply is None or reply.code < 400:
        return replies.NEXT_HOP_DOWN
    return passed_on(reply)


def _for_all(reply: Reply, recipients: Sequence[Recipient]) -> Outcome:
    return Outcome((reply,) * len(recipients), False)


def _merged(refused: dict[int, Reply], rest: Reply, recipients: Sequence[Recipient]) -> tuple[Reply, ...]:
    return tuple([refused.get(i, rest) for i in range(len(recipients))])
