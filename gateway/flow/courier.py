"""The courier: brings our letters to people, by the null reverse-path, past all that holds mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from gateway.domain import header, trace
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.envelope import Recipient
from gateway.domain.reply import Reply
from gateway.flow.challenge import OutgoingMail
from gateway.flow.letter_book import LetterBook
from gateway.flow.ports import Envelope, Hop

Send = Callable[[str, bytes, bool], Awaitable[Reply]]
"""Recipient, content and whether it needs SMTPUTF8 → the smart host's word."""


class Courier:
    """Hands over to the next hop what goes to our domains, all else to the smart host."""

    def __init__(
        self,
        domains: Collection[str],
        hop_of: Callable[[str], Hop],
        send_outside: Send,
        *,
        now: Callable[[], float],
        mark_key: bytes,
        book: LetterBook | None = None,
    ) -> None:
        """domains: ours, as A-labels. mark_key: of our release mark, by which a letter passes that comes by us again.

        book: gets a line for each letter.
        """
        self._domains = domains
        self._hop_of = hop_of
        self._send_outside = send_outside
        self._now = now
        self._mark_key = mark_key
        self._book = book

    async def bring(self, address: Address, mail: OutgoingMail) -> Reply:
        """Send it as mail that nobody may answer; return the far end's word."""
        reply = await self._brought(address, mail)
        if self._book is not None:
            await self._book.note(mail.kind, address, len(mail.content), reply)
        return reply

    async def _brought(self, address: Address, mail: OutgoingMail) -> Reply:
        if address.domain not in self._domains:
            return await self._send_outside(address.text, mail.content, mail.smtputf8)
        envelope = Envelope(NULL_PATH, (Recipient(address, notify="NEVER"),), smtputf8=mail.smtputf8)
        mark = trace.release_mark(self._mark_key, mail.content, header.split(mail.content), self._now())
        done = await self._hop_of(address.domain).deliver(envelope, [mark, mail.content], all_or_nothing=True)
        return done.replies[0]
