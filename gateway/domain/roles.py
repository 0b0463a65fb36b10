"""Who may do what, to whose mail: one table of rights, and the reach of one person."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gateway.domain.address import without_tag


class Role(Enum):
    """Of an account. Stored by value: add members, never rename them."""

    USER = "user"  # Own addresses, aliases, delegated ones.
    DOMAIN_ADMIN = "domain-admin"  # All mail of the listed domains.
    AUDITOR = "auditor"  # Sees what admins see, but no content, and changes nothing.
    SITE_ADMIN = "site-admin"  # Everything.


class Right(Enum):
    """What a page or a button asks for."""

    OWN_ACCOUNT = "own-account"  # One's own sessions, factors, choices.
    SEE_PENDING = "see-pending"  # Rows: who wrote to whom, when, why it waits.
    READ_CONTENT = "read-content"  # Text, parts, source.
    MODERATE = "moderate"  # Authorize, deliver, blacklist, delete.
    ASK_RELEASE = "ask-release"  # Ask the people in charge to let a mail go that one may not deliver oneself.
    DECIDE_RELEASE = "decide-release"  # Answer those who ask.
    FORWARD = "forward"  # Send a held mail on for inspection.
    SEE_LISTS = "see-lists"
    EDIT_LISTS = "edit-lists"
    SEE_POLICY = "see-policy"
    EDIT_POLICY = "edit-policy"
    EDIT_TEMPLATES = "edit-templates"
    SEE_OVERVIEW = "see-overview"
    RETRY_OUTGOING = "retry-outgoing"
    SEE_ACCOUNTS = "see-accounts"
    EDIT_ACCOUNTS = "edit-accounts"
    LOOK_AS_USER = "look-as-user"  # Read-only, named in a banner, and logged.
    SEE_LOG = "see-log"
    SEE_HISTORY = "see-history"  # What became of each mail.
    WEBHOOK = "webhook"  # See how the program stands that is told of mail, try it out, let it be told again.


_USER = frozenset(
    {
        Right.OWN_ACCOUNT,
        Right.SEE_PENDING,
        Right.READ_CONTENT,
        Right.MODERATE,
        Right.ASK_RELEASE,
        Right.FORWARD,
        Right.SEE_LISTS,
        Right.EDIT_LISTS,
        Right.SEE_POLICY,
        Right.EDIT_POLICY,
        Right.SEE_HISTORY,
    }
)

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.USER: _USER,
    Role.AUDITOR: frozenset(
        {
            Right.OWN_ACCOUNT,
            Right.SEE_PENDING,
            Right.SEE_LISTS,
            Right.SEE_POLICY,
            Right.SEE_OVERVIEW,
            Right.SEE_ACCOUNTS,
            Right.SEE_LOG,
            Right.SEE_HISTORY,
        }
    ),
    Role.DOMAIN_ADMIN: _USER
    | {
        Right.EDIT_TEMPLATES,
        Right.SEE_OVERVIEW,
        Right.RETRY_OUTGOING,
        Right.DECIDE_RELEASE,
        Right.SEE_ACCOUNTS,
        Right.EDIT_ACCOUNTS,
        Right.LOOK_AS_USER,
        Right.SEE_LOG,
    },
    Role.SITE_ADMIN: frozenset(Right),
}
"""What is not here is refused."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose mail a person has to do with. Foreign things are as if they were not there."""

    site: bool = False
    """All of it."""
    domains: frozenset[str] = frozenset()
    """As lower-case A-labels."""
    addresses: frozenset[str] = frozenset()
    """Recipients in normal form, without sub-address."""

    def covers_recipient(self, key: str) -> bool:
        """True for a recipient's normal form; a sub-address belongs to its base address."""
        return self.covers_domain(key.rpartition("@")[2]) or without_tag(key) in self.addresses or key in self.addresses

    def covers_domain(self, domain: str) -> bool:
        """True where all mail of this domain is meant."""
        return self.site or (bool(domain) and domain in self.domains)

    def covers_scope(self, scope: str) -> bool:
        """True for the scope of a list entry or a policy: "" the site, `@domain`, or a recipient."""
        if not scope:
            return self.site
        return self.covers_domain(scope[1:]) if scope.startswith("@") else self.covers_recipient(scope)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who is signed in."""

    account: int
    name: str
    """Under which the account signs in, and which the log and the list entries bear: an address, or a chosen name."""
    role: Role
    reach: Reach
    session: int = 0
    second_factor: bool = False
    """This session showed one."""
    fresh: bool = False
    """Its owner showed to be who he is a short while ago: he may change what signs him in."""
    language: str = ""
    time_zone: str = "UTC"
    """Of IANA's data base."""
    looks_as: str = ""
    """The user whose pages an admin looks at; then nothing may be changed."""
    withheld: frozenset[Right] = field(default=frozenset())
    """Taken from the role by the policy of the domain or the site."""

    def may(self, right: Right) -> bool:
        """True where the role has the right."""
        if self.looks_as and right not in _LOOKING:
            return False
        return right in RIGHTS[self.role] and right not in self.withheld


_LOOKING = frozenset({Right.SEE_PENDING, Right.SEE_LISTS, Right.SEE_POLICY})
"""What remains of a user's rights while an admin looks over his shoulder: not the content, and no button."""
