"""What a token of the API may do: parts of its owner's rights, and how its text looks."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from enum import Enum

from gateway.domain.challenge import token_text
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right

SECRET_OCTETS = 30
"""240 bits: nothing to be guessed, whatever number of tokens there is."""
PREFIX = "cgw_"
"""By which programs that look for secrets in files find one."""
_SECRET = SECRET_OCTETS * 8 // 5
_SUM_OCTETS = 5
_SUM = _SUM_OCTETS * 8 // 5


class Scope(Enum):
    """Stored by value: add members, never rename them."""

    PENDING_READ = "pending:read"
    PENDING_ACT = "pending:act"
    CONTENT_READ = "content:read"
    LISTS_READ = "lists:read"
    LISTS_WRITE = "lists:write"
    POLICY_READ = "policy:read"
    POLICY_WRITE = "policy:write"
    TEMPLATES = "templates"
    OVERVIEW_READ = "overview:read"
    OUTGOING_RETRY = "outgoing:retry"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    LOG_READ = "log:read"
    HISTORY_READ = "history:read"
    WEBHOOK = "webhook"
    ACCOUNT = "account"


SCOPES: dict[Scope, frozenset[Right]] = {
    Scope.PENDING_READ: frozenset({Right.SEE_PENDING}),
    Scope.PENDING_ACT: frozenset({Right.MODERATE, Right.FORWARD, Right.ASK_RELEASE, Right.DECIDE_RELEASE}),
    Scope.CONTENT_READ: frozenset({Right.READ_CONTENT}),
    Scope.LISTS_READ: frozenset({Right.SEE_LISTS}),
    Scope.LISTS_WRITE: frozenset({Right.EDIT_LISTS}),
    Scope.POLICY_READ: frozenset({Right.SEE_POLICY}),
    Scope.POLICY_WRITE: frozenset({Right.EDIT_POLICY}),
    Scope.TEMPLATES: frozenset({Right.EDIT_TEMPLATES}),
    Scope.OVERVIEW_READ: frozenset({Right.SEE_OVERVIEW}),
    Scope.OUTGOING_RETRY: frozenset({Right.RETRY_OUTGOING}),
    Scope.ACCOUNTS_READ: frozenset({Right.SEE_ACCOUNTS}),
    Scope.ACCOUNTS_WRITE: frozenset({Right.EDIT_ACCOUNTS}),
    Scope.LOG_READ: frozenset({Right.SEE_LOG}),
    Scope.HISTORY_READ: frozenset({Right.SEE_HISTORY}),
    Scope.WEBHOOK: frozenset({Right.WEBHOOK}),
    Scope.ACCOUNT: frozenset({Right.OWN_ACCOUNT}),
}
"""Each right but one is in one scope: looking over a user's shoulder is for eyes, in the console."""

MEANINGS: dict[Scope, str] = {
    Scope.PENDING_READ: phrase("See what waits: who wrote to whom, when, why"),
    Scope.PENDING_ACT: phrase(
        "Deliver, allow, block, delete and forward what waits; expect mail; ask for release, and decide"
    ),
    Scope.CONTENT_READ: phrase("Read the content of mail that waits"),
    Scope.LISTS_READ: phrase("See allow and deny entries"),
    Scope.LISTS_WRITE: phrase("Change allow and deny entries"),
    Scope.POLICY_READ: phrase("See policies and expected mail"),
    Scope.POLICY_WRITE: phrase("Change policies"),
    Scope.TEMPLATES: phrase("See and change the words of challenges and notices"),
    Scope.OVERVIEW_READ: phrase("See the numbers, and what is stuck on its way out"),
    Scope.OUTGOING_RETRY: phrase("Try again or delete what is stuck"),
    Scope.ACCOUNTS_READ: phrase("See accounts"),
    Scope.ACCOUNTS_WRITE: phrase("Change accounts"),
    Scope.LOG_READ: phrase("Read who did what"),
    Scope.HISTORY_READ: phrase("See what became of each mail"),
    Scope.WEBHOOK: phrase("See and try out the webhook"),
    Scope.ACCOUNT: phrase("See and change your own account, and end its sessions and tokens"),
}


def withheld_by(scopes: Iterable[Scope]) -> frozenset[Right]:
    """Return the rights that a token with these scopes does not lend."""
    lent: frozenset[Right] = frozenset().union(*(SCOPES[scope] for scope in scopes))
    return frozenset(Right) - lent


def scope_of(right: Right) -> Scope | None:
    """Return the scope that lends a right; None where none does."""
    return next((scope for scope, rights in SCOPES.items() if right in rights), None)


def secret_text(octets: bytes) -> str:
    """Write a token: what it is, its secret, and a sum by which a mistyped or a made-up one is known without a look.

    octets: SECRET_OCTETS random ones.
    """
    text = PREFIX + token_text(octets)
    return text + _sum(text)


def is_secret(text: str) -> bool:
    """True for what looks like a token of ours."""
    whole = len(text) == len(PREFIX) + _SECRET + _SUM and text.isascii() and text.startswith(PREFIX)
    return whole and text[-_SUM:] == _sum(text[:-_SUM])


def _sum(text: str) -> str:
    return token_text(zlib.crc32(text.encode()).to_bytes(_SUM_OCTETS, "big"))
