"""What the page wants to know of the gateway, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.evidence import Evidence
from gateway.domain.lifecycle import ChallengeState, State
from gateway.settings import Endpoint


@dataclass(frozen=True, slots=True)
class Held:
    """One message that waits, or waited, for one recipient."""

    id: int
    """As `challenge-gateway pending show` takes it."""
    recipient: str
    message_id: str
    """Message-ID of the mail, with angle brackets; "" where it has none."""
    state: State
    reason: str
    """Why it was held: a value of `policy.Reason`."""
    silence: str
    """Why its sender is not asked: a value of `challenge.Silence`; "" where it is."""
    challenge: ChallengeState | None
    """Of the challenge sent for it; None where there is none."""
    evidence: Evidence
    expires_at: float
    """Seconds since the epoch."""


class DemoView(Protocol):
    """The running gateway, as the demo's page sees it."""

    @property
    def smtp(self) -> Endpoint:
        """Where it takes mail."""

    @property
    def public_url(self) -> str:
        """Address of its pages, without a slash at the end."""

    async def pending_for(self, sender: str) -> Sequence[Held]:
        """Return what was held from this reverse-path, newest first, in every state; a hundred are enough.

        sender: in normal form (`gateway.domain.address.normal_form`).
        """

    async def enter(self, who: str, client: str, agent: str) -> str:
        """Sign somebody in, without a question, and return the session's secret.

        who: a key of `accounts.ACCOUNTS`. client, agent: the browser's address, and what it says of itself.
        """
