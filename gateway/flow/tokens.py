"""Tokens: with which programs come in through the API in somebody's name, with a part of his rights, for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.domain.challenge import token_hash
from gateway.domain.durations import DAY
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right, Viewer
from gateway.domain.scopes import SCOPES, SECRET_OCTETS, Scope, is_secret, secret_text, withheld_by
from gateway.flow.account_ports import AccountsTx, viewer_from
from gateway.flow.account_rights import Wrong, editable
from gateway.flow.transactions import StoreOf
from gateway.log import event

_log = logging.getLogger("gateway.tokens")

MOST = 50
"""Tokens of one account."""
LONGEST_NAME = 100
_TOUCH = 60.0
"""Seconds between two notes that a token is used."""
_REMEMBERED = 30 * DAY
"""Seconds for which a token that has ended is still listed."""
_HINT = 4


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token about to be kept."""

    hash: bytes
    account: int
    name: str
    scopes: tuple[Scope, ...]
    created_at: float
    ends_at: float
    hint: str
    """The last characters of its text, by which its owner knows it again."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, of which nothing signs anybody in."""

    id: int
    account: int
    name: str
    scopes: tuple[Scope, ...]
    created_at: float
    ends_at: float
    hint: str
    used_at: float | None
    client: str
    """Address it was last used from."""


class TokenTable(Protocol):
    """Tokens in the store."""

    def add(self, new: NewToken) -> int:
        """Keep a token; return its id."""

    def find(self, hashed: bytes) -> Token | None:
        """Return the one of a secret's hash, whatever its age."""

    def get(self, token_id: int) -> Token | None:
        """Return a token by its id; None where there is none."""

    def of_account(self, account_id: int) -> Sequence[Token]:
        """Return an account's, the newest first."""

    def touch(self, token_id: int, now: float, client: str) -> None:
        """Note that it is used."""

    def remove(self, token_id: int) -> bool:
        """Drop one; False where there is none such."""

    def sweep(self, ended_before: float) -> int:
        """Drop those that ended before then; return how many."""


class TokensTx(AccountsTx, Protocol):
    """What tokens need of a transaction."""

    @property
    def tokens(self) -> TokenTable:
        """Tokens."""


TokensStore = StoreOf[TokensTx]


@dataclass(frozen=True, slots=True)
class Made:
    """A fresh token: its text is told this once."""

    secret: str
    token: Token


class Tokens:
    """Makes, knows and revokes tokens."""

    def __init__(
        self,
        store: TokensStore,
        longest_days: float,
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self.longest_days = longest_days
        self._now = now
        self._random_octets = random_octets

    # --- who is it ---

    async def viewer(self, secret: str, client: str) -> tuple[Viewer, Token] | None:
        """Return who a token speaks for, with the rights it lends; None for one that is wrong, old, or was revoked."""
        if not is_secret(secret):
            return None
        now, hashed = self._now(), token_hash(secret)

        def work(tx: TokensTx) -> tuple[Viewer, Token] | None:
            token = tx.tokens.find(hashed)
            if token is None or not token.created_at <= now < token.ends_at:
                return None
            account = tx.accounts.get(token.account)
            if account is None or account.disabled:
                return None
            return replace(viewer_from(account, 0, False), withheld=withheld_by(token.scopes)), token

        found = await self._store.look(work)
        if found is not None and (found[1].used_at is None or abs(now - found[1].used_at) >= _TOUCH):
            await self._store.transact(lambda tx: tx.tokens.touch(found[1].id, now, client))
        return found

    # --- one's own ---

    async def of(self, viewer: Viewer) -> Sequence[Token]:
        """Return the viewer's own."""
        if not viewer.may(Right.OWN_ACCOUNT):
            return ()
        return await self._store.look(lambda tx: tx.tokens.of_account(viewer.account))

    async def make(self, viewer: Viewer, name: str, scopes: Sequence[Scope], days: float) -> Made:
        """Make one for who is signed in. Raises Wrong.

        Not for a token: who finds one must not be able to make himself another that lasts longer.
        """
        if not viewer.session or not viewer.may(Right.OWN_ACCOUNT):
            raise Wrong(phrase("tokens are made by who is signed in"))
        if any(not any(viewer.may(right) for right in SCOPES[scope]) for scope in scopes):
            raise Wrong(phrase("a token can do nothing that you may not do yourself"))
        return await self._made(viewer, viewer.account, name, scopes, days)

    async def revoke(self, viewer: Viewer, token_id: int) -> bool:
        """End one of the viewer's own; False where there is none such."""
        if not viewer.may(Right.OWN_ACCOUNT):
            return False

        def work(tx: TokensTx) -> bool:
            token = tx.tokens.get(token_id)
            return token is not None and token.account == viewer.account and tx.tokens.remove(token_id)

        return self._revoked(viewer, token_id, await self._store.transact(work))

    # --- those of others ---

    async def make_for(
        self, viewer: Viewer, account_id: int, name: str, scopes: Sequence[Scope], days: float
    ) -> Made | None:
        """Make one for somebody within reach; None for nobody. Raises Wrong."""
        if await self._store.look(lambda tx: editable(tx, viewer, account_id)) is None:
            return None
        return await self._made(viewer, account_id, name, scopes, days)

    async def of_account(self, viewer: Viewer, account_id: int) -> Sequence[Token]:
        """Return the tokens of somebody within reach."""

        def work(tx: TokensTx) -> Sequence[Token]:
            return tx.tokens.of_account(account_id) if editable(tx, viewer, account_id) else ()

        return await self._store.look(work)

    async def revoke_of(self, viewer: Viewer, token_id: int) -> bool:
        """End one of somebody within reach; False where there is none such."""

        def work(tx: TokensTx) -> bool:
            token = tx.tokens.get(token_id)
            return token is not None and editable(tx, viewer, token.account) is not None and tx.tokens.remove(token_id)

        return self._revoked(viewer, token_id, await self._store.transact(work))

    async def sweep(self) -> int:
        """Drop those that ended long ago. Returns how many."""
        now = self._now()
        return await self._store.transact(lambda tx: tx.tokens.sweep(now - _REMEMBERED))

    async def _made(self, viewer: Viewer, account_id: int, name: str, scopes: Sequence[Scope], days: float) -> Made:
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise Wrong(
                phrase("a token needs a name of at most {most} characters that says what it is for", most=LONGEST_NAME)
            )
        if not scopes:
            raise Wrong(phrase("choose at least one thing that the token may do"))
        if not 1 <= days <= self.longest_days:
            raise Wrong(phrase("a token is good for 1 to {most} days", most=f"{self.longest_days:g}"))
        secret, now = secret_text(self._random_octets(SECRET_OCTETS)), self._now()
        chosen = tuple(scope for scope in Scope if scope in scopes)
        new = NewToken(token_hash(secret), account_id, name, chosen, now, now + days * DAY, secret[-_HINT:])

        def work(tx: TokensTx) -> Token:
            if len(tx.tokens.of_account(account_id)) >= MOST:
                raise Wrong(phrase("there are {most} tokens already; revoke one first", most=MOST))
            token = tx.tokens.get(tx.tokens.add(new))
            assert token is not None
            return token

        token = await self._store.transact(work)
        event(_log, "token-made", token=token.id, account=account_id, scopes=[each.value for each in chosen],
              actor=viewer.name)  # fmt: skip
        return Made(secret, token)

    def _revoked(self, viewer: Viewer, token_id: int, done: bool) -> bool:
        if done:
            event(_log, "token-revoked", token=token_id, actor=viewer.name)
        return done
