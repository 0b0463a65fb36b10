"""What people have arranged: list entries, choices of policy, and mail that they expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.domain.address import Address
from gateway.domain.expecting import Window
from gateway.domain.levels import Choice, effective_policy, policy_scope
from gateway.domain.lists import Entry
from gateway.domain.policy import Policy
from gateway.flow.outgoing_ports import SentTx


@dataclass(frozen=True, slots=True)
class Arrangements:
    """All of it that counts for one message, as of one moment; recipients are named by their normal form."""

    entries: Sequence[Entry] = ()
    """Those that name one of its senders, whatever their scope."""
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    """Recipient → choices that count for it; without one where nobody has chosen anything."""
    windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    """Recipient → windows that may open for it, those that have ended too; without one where there are none."""


@dataclass(frozen=True, slots=True)
class Use:
    """One mail that came in through a window."""

    window: int
    message_key: bytes
    """Same for a client's retry: hash of reverse-path and content."""
    at: float
    recipient: str
    sender: str
    """The author's address."""
    subject: str


class PolicyTx(Protocol):
    """Choices of policy, as the verbs of the mail path need them, within one transaction of the store."""

    def choices(self, scopes: Sequence[str]) -> tuple[Choice, ...]:
        """Return the choices of these scopes."""


class ExpectingTx(Protocol):
    """Expected mail, as the verbs of the mail path need it, within one transaction of the store."""

    def used_by(self, windows: Sequence[int], message_key: bytes) -> frozenset[int]:
        """Return which of these windows this very mail has used before."""

    def use(self, use: Use) -> bool:
        """Count a mail; False where the window was for one mail and another came first."""

    def forget(self, before: float) -> None:
        """Drop what ended before then, with the mails that used it."""


class ArrangementsTx(Protocol):
    """All of it, in one transaction of the store."""

    @property
    def policies(self) -> PolicyTx:
        """Choices of policy."""

    @property
    def expecting(self) -> ExpectingTx:
        """Mail that people expect."""

    @property
    def sent(self) -> SentTx:
        """Mail that people sent to the outside."""


class ArrangementsStore(Protocol):
    """Copies of what was arranged, each as it stands now."""

    async def arrangements(self, patterns: tuple[str, ...], recipients: Sequence[Address]) -> Arrangements:
        """Return what counts for a message. patterns: of the list entries that name its senders. Raises StoreDown."""

    async def entries(self, patterns: tuple[str, ...], patience: float = 0.0) -> Sequence[Entry]:
        """Return the list entries with one of these patterns. Raises StoreDown.

        patience: as they stood so many seconds ago will do; 0: as they stand now.
        """


def policy_for(base: Policy, arranged: Arrangements, recipient: Address) -> Policy:
    """Return what holds for a recipient. base: the configuration's policy."""
    choices = arranged.choices.get(recipient.key)
    # Nearly always nobody has chosen anything: no work then.
    return effective_policy(base, policy_scope(recipient), choices) if choices else base
