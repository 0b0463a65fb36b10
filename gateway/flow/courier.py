"""The courier: brings every letter of ours, past all that holds mail, and writes it into the letter book."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from gateway.domain import header, trace
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.envelope import Envelope, Recipient
from gateway.domain.reply import Reply
from gateway.flow.letter_book import LetterBook, LetterKind
from gateway.flow.own_mail import OwnMail
from gateway.flow.ports import Hop

Outside = Callable[[str, str, bytes, bool], Awaitable[Reply]]
"""Reverse-path, recipient, content and whether it needs SMTPUTF8 → the smart host's word."""


class Courier:
    """Hands over to the next hop what goes to our domains, all else to the smart host."""

    def __init__(
        self,
        domains: Collection[str],
        hop_for: Callable[[str], Hop],
        outside: Outside,
        *,
        now: Callable[[], float],
        mark_key: bytes,
        book: LetterBook | None = None,
    ) -> None:
        """domains: ours, as A-labels. mark_key: of our release mark, by which a letter passes that comes by us again.

        book: gets a line for each letter.
        """
        self._domains = domains
        self._hop_for = hop_for
        self._outside = outside
        self._now = now
        self._mark_key = mark_key
        self._book = book

    async def bring(self, kind: LetterKind, recipient: Address, mail: OwnMail, sender: Address = NULL_PATH) -> Reply:
        """Send a letter, and ask for no delivery status; return the far end's word.

        sender: the reverse-path; by the null one nobody may answer.
        """
        reply = await self._brought(recipient, mail, sender)
        if self._book is not None:
            await self._book.note(kind, recipient, len(mail.content), reply, sender.text)
        return reply

    async def _brought(self, recipient: Address, mail: OwnMail, sender: Address) -> Reply:
        if recipient.domain not in self._domains:
            return await self._outside(sender.text, recipient.text, mail.content, mail.smtputf8)
        envelope = Envelope(
            sender,
            (Recipient(recipient, notify="NEVER"),),
            body_8bit=not mail.content.isascii(),
            smtputf8=mail.smtputf8,
        )
        mark = trace.release_mark(self._mark_key, mail.content, header.split(mail.content), self._now())
        done = await self._hop_for(recipient.domain).deliver(envelope, [mark, mail.content], all_or_nothing=True)
        return done.replies[0]
