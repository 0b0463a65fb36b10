"""One's own account: what one chooses, where one is signed in, and one's tokens; and who did what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from challenge_web.api.accounts import AccountItem, SessionList, account_item, session_item
from challenge_web.api.operations import LARGEST_ID, Call, CursorText, Nothing, Operation, when, when_or_none
from challenge_web.api.problems import Problem, not_found
from challenge_web.console.routes import Names
from gateway.domain.roles import Right
from gateway.flow.account_rights import Wrong
from gateway.flow.journal import PAGE, Journal
from gateway.flow.own_account import OwnAccount
from gateway.flow.sessions import Sessions
from gateway.flow.tokens import Token, Tokens


class PersonWish(Struct, frozen=True, forbid_unknown_fields=True):
    """What one chooses for oneself."""

    full_name: Annotated[str, Meta(max_length=100)]
    time_zone: Annotated[str, Meta(max_length=100, description='As Europe/Prague; "" is UTC.')]
    language: Annotated[str, Meta(max_length=16)] = ""


class TokenItem(Struct, frozen=True):
    """A token, of which nothing signs anybody in."""

    id: int
    name: str
    scopes: tuple[str, ...]
    hint: Annotated[str, Meta(description="Its last characters.")]
    created_at: datetime
    ends_at: datetime
    used_at: datetime | None
    client: str
    current: Annotated[bool, Meta(description="This request bears it.")]


class TokenList(Struct, frozen=True):
    """One's tokens, the newest first."""

    items: tuple[TokenItem, ...]


class JournalQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which lines."""

    actor: Annotated[str, Meta(max_length=320)] = ""
    words: Annotated[str, Meta(max_length=200)] = ""
    cursor: CursorText = ""


class JournalLine(Struct, frozen=True):
    """What somebody did."""

    id: Annotated[int, Meta(le=LARGEST_ID)]
    at: datetime
    actor: str
    looked_as: str
    deed: str
    object: str
    detail: str
    client: str


class JournalPage(Struct, frozen=True):
    """Some lines, the newest first."""

    items: tuple[JournalLine, ...]
    next: str | None


class OwnResource:
    """The operations on one's own account."""

    def __init__(self, account: OwnAccount, sessions: Sessions, tokens: Tokens) -> None:
        self._account = account
        self._sessions = sessions
        self._tokens = tokens

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        own, sessions, tokens = Right.OWN_ACCOUNT, "/account/sessions", "/account/tokens"
        return (
            Operation("getOwnAccount", "GET", "/account", own, self.account, "See one's account.", AccountItem),
            Operation("changeOwnAccount", "PUT", "/account", own, self.change, "Change name, time zone and language.",
                      AccountItem, body=PersonWish),
            Operation("listOwnSessions", "GET", sessions, own, self.sessions, "See where one is signed in.", SessionList),
            Operation("endOwnSessions", "DELETE", sessions, own, self.end_all, "Sign out everywhere."),
            Operation("endOwnSession", "DELETE", f"{sessions}/{{id}}", own, self.end, "Sign out one browser.",
                      names=Names.SESSION),
            Operation("listTokens", "GET", tokens, own, self.tokens, "List one's tokens.", TokenList),
            Operation("revokeToken", "DELETE", f"{tokens}/{{id}}", own, self.revoke, "End a token.", names=Names.OTHER),
        )  # fmt: skip

    async def account(self, call: Call[Nothing, None]) -> AccountItem:
        """Return the account of who calls."""
        account = await self._account.own(call.viewer)
        if account is None:
            raise not_found()
        return account_item(account)

    async def change(self, call: Call[Nothing, PersonWish]) -> AccountItem:
        """Save what a person chooses for himself, and return his account."""
        told = call.body
        try:
            await self._account.set_person(call.viewer, told.full_name, told.time_zone, told.language)
        except Wrong as wrong:
            raise Problem("invalid", str(wrong)) from None
        account = await self._account.own(call.viewer)
        if account is None:
            raise not_found()
        return account_item(account)

    async def sessions(self, call: Call[Nothing, None]) -> SessionList:
        """Return the sessions of who calls."""
        return SessionList(tuple(map(session_item, await self._sessions.of(call.viewer))))

    async def end_all(self, call: Call[Nothing, None]) -> None:
        """End all sessions of who calls."""
        await self._sessions.end_all(call.viewer, but_this=False)

    async def end(self, call: Call[Nothing, None]) -> None:
        """End one session of who calls. Raises Problem where he has none such."""
        if not await self._sessions.end(call.viewer, call.id):
            raise not_found()

    async def tokens(self, call: Call[Nothing, None]) -> TokenList:
        """Return the tokens of who calls."""
        return TokenList(tuple(_token(one, call.token.id) for one in await self._tokens.of(call.viewer)))

    async def revoke(self, call: Call[Nothing, None]) -> None:
        """End one token of who calls. Raises Problem where he has none such."""
        if not await self._tokens.revoke(call.viewer, call.id):
            raise not_found()


class JournalResource:
    """The operation on the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        return (
            Operation("listJournal", "GET", "/journal", Right.SEE_LOG, self.page, "Read who did what.", JournalPage,
                      JournalQuery),
        )  # fmt: skip

    async def page(self, call: Call[JournalQuery, None]) -> JournalPage:
        """Return lines within reach."""
        after = call.cursors.read(call.query.cursor, int)
        found = await self._journal.page(
            call.viewer, actor=call.query.actor, words=call.query.words, before_id=int(after[0]) if after else 0
        )
        items = tuple(
            JournalLine(one.id, when(one.at), one.actor, one.looked_as, one.deed, one.object, one.detail, one.client)
            for one in found
        )
        return JournalPage(items, call.cursors.write((found[-1].id,) if len(found) == PAGE else None))


def _token(one: Token, current: int) -> TokenItem:
    return TokenItem(
        id=one.id,
        name=one.name,
        scopes=tuple(scope.value for scope in one.scopes),
        hint=one.hint,
        created_at=when(one.created_at),
        ends_at=when(one.ends_at),
        used_at=when_or_none(one.used_at),
        client=one.client,
        current=one.id == current,
    )
