"""The decision: pure, one ladder, one answer with a stable reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum

from gateway.domain.address import Address
from gateway.domain.challenge import Asking, may_ask
from gateway.domain.evidence import Evidence, Proof
from gateway.domain.expecting import Window
from gateway.domain.language import AUTO
from gateway.domain.lists import Entry, Verdict, sender_keys
from gateway.domain.message import Message
from gateway.domain.sources import vouching_for_source
from gateway.domain.value import value_class


class Disposition(StrEnum):
    """What becomes of a message for one recipient."""

    DELIVER = "deliver"
    HOLD = "hold"
    REJECT = "reject"  # Refused inside the session; behind a queue dropped with a record.


class Reason(StrEnum):
    """Why. The value is stored, logged, counted and shown: add members, never rename them."""

    ROLE_RECIPIENT = "role-recipient"
    RELEASED_BEFORE = "released-before"
    DENYLIST = "denylist"
    ALLOWLIST = "allowlist"
    HOLDING_OFF = "holding-off"
    EXPECTED = "expected"
    ANSWERS_US = "answers-our-mail"
    CHANGED_PROOF = "changed-proof"
    UNPROVEN_ALLOWED = "allowlisted-but-unproven"
    NULL_REVERSE_PATH = "null-reverse-path"
    AUTOMATIC = "automatic-mail"
    UNPROVEN = "unproven-sender"
    UNKNOWN = "unknown-sender"


class Mode(Enum):
    """What becomes of mail from unknown senders. Stored by value: add members, never rename them."""

    OFF = "off"  # It is delivered; only deny entries keep anything out.
    QUARANTINE = "quarantine"  # It waits for a person.
    CHALLENGE = "challenge"  # It waits, and its sender is asked where that is in order.


class Expiry(Enum):
    """What happens to mail that nobody answered or moved in time."""

    DELETE = "delete"
    DELIVER_AS_SPAM = "deliver-as-spam"


class Scope(Enum):
    """Who is opened to a sender by one answered challenge."""

    RECIPIENT = "recipient"
    DOMAIN = "domain"
    SITE = "site"


_WIDTH = {Scope.RECIPIENT: 0, Scope.DOMAIN: 1, Scope.SITE: 2}


def narrowest(scopes: Iterable[Scope]) -> Scope:
    """Return the one of some scopes that opens least."""
    return min(scopes, key=_WIDTH.__getitem__)


class Templates(Enum):
    """Whose words a challenge is written in."""

    DOMAIN = "domain"  # The domain's own; the site's where it has none.
    SITE = "site"  # The site's own; the shipped ones where it has none.
    SHIPPED = "shipped"  # Those of the files.


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one recipient, after site, domain and user settings were merged."""

    asking: Asking = Asking.AUTHENTICATED
    scope: Scope = Scope.DOMAIN
    days: float = 14
    """How long mail waits."""
    on_expiry: Expiry = Expiry.DELETE
    mode: Mode = Mode.CHALLENGE
    language: str = AUTO
    """Of challenges: a tag of RFC 5646, or `auto` for the language of the mail they answer."""
    expecting: bool = True
    """Whether "I am expecting mail" is heard."""
    templates: Templates = Templates.DOMAIN
    written_to: bool = True
    """Whether those are let in whom the recipient has written to, and replies to his mail."""


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
    expected: Window | None = None
    """The open window that lets this mail in, as `expecting.opening` found it."""
    answers: bool = False
    """It cites a mail that the recipient sent to its author's domain, or reports that such a mail was not delivered."""


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
    if policy.mode is Mode.OFF:
        return Decision(Disposition.DELIVER, Reason.HOLDING_OFF)
    # Whoever cites a mail has seen it, or a copy of it: that counts only for who is proven.
    if seen.answers and policy.written_to and evidence.proofs:
        return Decision(Disposition.DELIVER, Reason.ANSWERS_US)
    # Below the lists: a window is for those nobody knows yet, and never opens to whom somebody has denied.
    if seen.expected is not None and policy.expecting:
        return Decision(Disposition.DELIVER, Reason.EXPECTED)
    asking = policy.asking if policy.mode is Mode.CHALLENGE else Asking.OFF
    silence = may_ask(asking, seen.recipient, seen.reverse_path, seen.message, evidence)
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
    if entry.names_source:
        return vouching_for_source(entry, seen.evidence)
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
