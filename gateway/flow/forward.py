"""Forward: send a copy of a held mail to a configured address for inspection, as an attachment or as it is.

The row stays what it is. Fields that ask for a receipt are left out of what is sent as it is, and the copy asks for
no delivery status: whoever wrote a held mail learns nothing (RFC 8098 §2.1).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.domain import header, trace
from gateway.domain.address import Address
from gateway.domain.reply import Reply
from gateway.domain.roles import Right, Viewer
from gateway.flow.courier import Courier
from gateway.flow.letter_book import LetterKind
from gateway.flow.own_mail import OwnMail
from gateway.flow.read import Held, Reading
from gateway.flow.transactions import Transacts
from gateway.log import event

_log = logging.getLogger("gateway.forward")

_RECEIPTS = frozenset(
    {b"disposition-notification-to", b"disposition-notification-options", b"return-receipt-to", b"x-confirm-reading-to"}
)


class Form(Enum):
    """How the mail is sent on. Stored in the row's history by value."""

    ATTACHMENT = "as an attachment"
    AS_IS = "as it is"


@dataclass(frozen=True, slots=True)
class ForwardRules:
    """What the configuration says."""

    addresses: tuple[str, ...]
    """To which mail may be sent on."""
    from_address: str = ""
    """Who sends; "" is postmaster at the recipient's domain."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What the writer of the copy is told."""

    form: Form
    sender: str
    """Address in From, or in Resent-From."""
    recipient: str
    by: str
    """The account that sends it on."""
    held: Held
    content: bytes
    """The mail; of what is sent as it is, without fields that ask for receipts."""
    now: float
    mail_id: str


Write = Callable[[Cover], OwnMail]


class ForwardTable(Protocol):
    """The row's history."""

    def note_forward(self, row_id: int, actor: str, detail: str, now: float) -> bool:
        """Write into a row's history that it was sent on; False where there is no such row."""


class ForwardTx(Protocol):
    """What forwarding needs of a transaction."""

    @property
    def reading(self) -> ForwardTable:
        """The row's history."""


ForwardStore = Transacts[ForwardTx]


class Forwarder:
    """Sends copies of held mail on, for inspection."""

    def __init__(
        self,
        rules: ForwardRules,
        reading: Reading,
        store: ForwardStore,
        write: Write,
        courier: Courier,
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._rules = rules
        self._reading = reading
        self._store = store
        self._write = write
        self._courier = courier
        self._now = now
        self._random_octets = random_octets

    @property
    def addresses(self) -> Sequence[str]:
        """To which mail may be sent on."""
        return self._rules.addresses

    async def forward(self, viewer: Viewer, row_id: int, to: str, form: Form) -> Reply | None:
        """Send a copy; return the far end's word.

        None where the viewer may not, the row is not within reach, or the address is none of those configured.
        Raises ContentGone, WrongContent.
        """
        return await self._forwarded(viewer, row_id, to, form) if to in self._rules.addresses else None

    async def inspect(self, viewer: Viewer, row_id: int, mailbox: str) -> Reply | None:
        """Send a copy as an attachment to the mailbox of who decides about a mail; return the far end's word.

        mailbox: the viewer's own; whoever calls has seen to that. None, and what it raises, as above.
        """
        may = viewer.may(Right.DECIDE_RELEASE) and bool(mailbox)
        return await self._forwarded(viewer, row_id, mailbox, Form.ATTACHMENT) if may else None

    async def _forwarded(self, viewer: Viewer, row_id: int, to: str, form: Form) -> Reply | None:
        if not viewer.may(Right.FORWARD):
            return None
        held = await self._reading.held(viewer, row_id)
        content = await self._reading.content(viewer, row_id)
        if held is None or content is None:
            return None
        now = self._now()
        # Before it goes: what left the house is in the history, whatever happens to us now.
        noted = await self._note(row_id, viewer, f"to {to}, {form.value}", now)
        if not noted:
            return None
        answer = await self._send(held, viewer, to, form, content, now)
        event(_log, "forward", pending=row_id, actor=viewer.name, recipient=to, form=form.name.lower(),
              reply=str(answer))  # fmt: skip
        if not answer.accepted:
            await self._note(row_id, viewer, f"to {to}: not taken: {answer}", self._now())
        return answer

    async def _note(self, row_id: int, viewer: Viewer, detail: str, now: float) -> bool:
        return await self._store.transact(lambda tx: tx.reading.note_forward(row_id, viewer.name, detail, now))

    async def _send(self, held: Held, viewer: Viewer, to: str, form: Form, content: bytes, now: float) -> Reply:
        sender = self._rules.from_address or f"postmaster@{held.recipient_key.rpartition('@')[2]}"
        domain = sender.rpartition("@")[2]
        mail_id = f"<{hashlib.sha256(self._random_octets(20)).hexdigest()[:32]}@{domain}>"
        if form is Form.AS_IS:
            content = without_receipts(content)
        mail = self._write(Cover(form, sender, to, viewer.name, held, content, now, mail_id))
        return await self._courier.bring(LetterKind.COPY, Address.of(to), mail, Address.of(sender))


def without_receipts(content: bytes) -> bytes:
    """Return the octets without the fields that ask their reader for a receipt; all others as they are."""
    head = header.split(content)
    cuts = tuple((one.start, one.end) for one in head.fields if one.name in _RECEIPTS)
    return b"".join(trace.without(content, cuts)) if cuts else content
