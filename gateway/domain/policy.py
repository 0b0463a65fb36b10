"""The decision: pure, one ladder, one answer with a stable reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.domain.address import Address
from gateway.domain.challenge import Asking, may_ask
from gateway.domain.evidence import Evidence, Proof
from gateway.domain.lists import Entry, Verdict, sender_keys
from gateway.domain.message import Message
from gateway.domain.value import value_class


class Disposition(Enum):
    """What becomes of a message for one recipient."""

    DELIVER = "deliver"
    HOLD = "hold"
    REJECT = "reject"  # Refused inside the session; behind a queue dropped with a record.


class Reason(Enum):
    """Why. The value is stored, logged, counted and shown: add members, never rename them."""

    ROLE_RECIPIENT = "role-recipient"
    RELEASED_BEFORE = "released-before"
    DENYLIST = "denylist"
    ALLOWLIST = "allowlist"
    CHANGED_PROOF = "changed-proof"
    UNPROVEN_ALLOWED = "allowlisted-but-unproven"
    NULL_REVERSE_PATH = "null-reverse-path"
    AUTOMATIC = "automatic-mail"
    UNPROVEN = "unproven-sender"
    UNKNOWN = "unknown-sender"


class Expiry(Enum):
    """What happens to mail that nobody answered or moved in time."""

    DELETE = "delete"
    DELIVER_AS_SPAM = "deliver-as-spam"


class Scope(Enum):
    """Who is opened to a sender by one answered challenge."""

    RECIPIENT = "recipient"
    DOMAIN = "domain"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one recipient, after site, domain and user settings were merged."""

    asking: Asking = Asking.AUTHENTICATED
    scope: Scope = Scope.DOMAIN
    days: float = 14
    """How long mail waits."""
    on_expiry: Expiry = Expiry.DELETE


@value_class(frozen=True, slots=True)
class Seen:
    """Everything the decision may look at, for one recipient."""

    recipient: Address
    reverse_path: Address
    message: Message
    evidence: Evidence
    entry: Entry | None
    """The list entry that wins for this sender and recipient."""
    network: str = ""
    """Of the client, as `evidence.network_of` tells it."""
    released_before: bool = False
    """The mail bears our own, valid release mark and comes from a server of ours: it went out and came round again."""


@value_class(frozen=True, slots=True)
class Decision:
    """The answer for one recipient."""

    disposition: Disposition
    reason: Reason
    ask: bool = False
    """Send the sender a challenge, unless the caps forbid it at that moment."""
    silence: str = ""
    """Why no challenge is sent, where ask is False and the mail is held: a reason of `challenge.Silence`."""


ROLE_LOCAL_PARTS = frozenset({"postmaster", "abuse"})
"""RFC 5321 §4.5.1, RFC 2142 §4: must always be reachable."""


def decide(policy: Policy, seen: Seen) -> Decision:
    """Return the first answer in the ladder; the last step always answers."""
    if seen.recipient.local in ROLE_LOCAL_PARTS:
        return Decision(Disposition.DELIVER, Reason.ROLE_RECIPIENT)
    entry, evidence = seen.entry, seen.evidence
    if entry is not None and entry.verdict is Verdict.DENY:
        return Decision(Disposition.REJECT, Reason.DENYLIST)
    if seen.released_before:
        return Decision(Disposition.DELIVER, Reason.RELEASED_BEFORE)
    # An entry names an identity, and an unproven identity is only a claim: without this test anyone
    # could pass by forging a known sender.
    if entry is not None and entry.satisfied_by(_vouching_for(entry, seen), seen.network):
        return Decision(Disposition.DELIVER, Reason.ALLOWLIST)
    silence = may_ask(policy.asking, seen.recipient, seen.reverse_path, seen.message, evidence)
    return Decision(
        Disposition.HOLD,
        _hold_reason(seen),
        ask=silence is None,
        silence="" if silence is None else silence.value,
    )


def _vouching_for(entry: Entry, seen: Seen) -> tuple[Proof, ...]:
    """Return who vouches for the very sender that the entry names; proofs speak for the author.

    An entry that names the reverse-path only would else let in whoever has a signature for an author of his
    own, or replays a signed mail, and writes a known reverse-path on the envelope.
    """
    author = seen.message.author
    names_author = author is not None and entry.pattern in sender_keys(author)
    if not names_author and not seen.evidence.reverse_path_proven:
        return ()
    return seen.evidence.proofs


def _hold_reason(seen: Seen) -> Reason:
    if seen.reverse_path.is_null:
        return Reason.NULL_REVERSE_PATH
    if seen.message.automatic:
        return Reason.AUTOMATIC
    if not seen.evidence.proofs:
        return Reason.UNPROVEN if seen.entry is None else Reason.UNPROVEN_ALLOWED
    return Reason.UNKNOWN if seen.entry is None else Reason.CHANGED_PROOF
