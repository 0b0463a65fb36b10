"""Where admins see to accounts: who may sign in, what they may do, and whose mail they see."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from challenge_web.console.gate import VIEWER, tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Form, Names, Proof, Route
from gateway.domain.address import normal_form
from gateway.domain.phrase import phrase, phrase_in, words_of
from gateway.domain.roles import Right, Role, Viewer
from gateway.flow.account_ports import Account, Kind
from gateway.flow.account_rights import Wrong
from gateway.flow.accounts import PAGE, Accounts
from gateway.flow.sessions import Sessions

ADDED = say("account-added", "The account is made. Hand its owner a link, or let him ask for one himself.")
CHANGED = say("account-changed", "Saved.")
REMOVED = say("account-removed", "The account is removed. Its mail and its list entries stay.")
SIGNED_OUT = say("account-signed-out", "Signed out.")
LOOKING = say("looking", "You see this user's pages now.")
BACK = say("looked", "These are your own pages again.")

ROLES = (
    (Role.USER.value, phrase("User: own addresses")),
    (Role.DOMAIN_ADMIN.value, phrase("Domain admin: all mail of the domains named below")),
    (Role.AUDITOR.value, phrase("Auditor: sees, without content, changes nothing")),
    (Role.SITE_ADMIN.value, phrase("Site admin: everything")),
)
KINDS = (
    (Kind.OWN.value, phrase("own mailbox")),
    (Kind.ALIAS.value, phrase("another name of it")),
    (Kind.DELEGATED.value, phrase("somebody else's, to see to")),
)
NAMES = {
    Role.USER: phrase_in("role", "user"),
    Role.DOMAIN_ADMIN: phrase_in("role", "domain admin"),
    Role.AUDITOR: phrase_in("role", "auditor"),
    Role.SITE_ADMIN: phrase_in("role", "site admin"),
}
Change = Callable[[Viewer, int, Form], Awaitable[bool]]


class AccountsPages:
    """The list of accounts, and the page of each."""

    def __init__(
        self, accounts: Accounts, sessions: Sessions, link_url: Callable[[str], str], pages: ConsolePages
    ) -> None:
        """link_url: a link's token → its address."""
        self._accounts = accounts
        self._sessions = sessions
        self._link_url = link_url
        self._pages = pages
        self._changes: dict[str, tuple[Change, str]] = {
            "role": (self._role, CHANGED),
            "disable": (lambda viewer, one, form: accounts.set_disabled(viewer, one, True), CHANGED),
            "enable": (lambda viewer, one, form: accounts.set_disabled(viewer, one, False), CHANGED),
            "give": (self._give, CHANGED),
            "take": (lambda viewer, one, form: accounts.take(viewer, one, _text(form, "address")), CHANGED),
            "sign-out": (self._sign_out, SIGNED_OUT),
            "reset-factor": (lambda viewer, one, form: accounts.reset_second_factor(viewer, one), CHANGED),
        }

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        one = "/console/accounts/{id:[0-9]{1,18}}"
        see, edit = Right.SEE_ACCOUNTS, Right.EDIT_ACCOUNTS
        return (
            Route("accounts", "/console/accounts", see, self.index, self.add, act_right=edit, proof=Proof.TO_ACT),
            Route("accounts-leave", "/console/accounts/leave", None, act=self.leave),
            Route("account-of", one, see, self.show, self.change, Names.ACCOUNT, edit, proof=Proof.TO_ACT),
            Route(
                "account-link", f"{one}/link", edit, act=self.link, names=Names.ACCOUNT,
                proof=Proof.TO_ACT, button_on="/console/accounts/{id}",
            ),
            Route(
                "account-remove", f"{one}/remove", edit, self.ask_remove, self.remove, Names.ACCOUNT,
                proof=Proof.TO_ACT,
            ),
            Route("account-look", f"{one}/look", Right.LOOK_AS_USER, act=self.look, names=Names.ACCOUNT),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """Show the accounts within reach, by name."""
        return await self._list(request)

    async def add(self, request: web.Request) -> web.StreamResponse:
        """POST /console/accounts: make an account."""
        form = await request.post()
        try:
            account = await self._accounts.add(
                viewer_of(request),
                _text(form, "name"),
                _role(_text(form, "role")),
                _words(_text(form, "addresses")),
                _words(_text(form, "domains")),
            )
        except Wrong as wrong:
            return await self._list(request, form, words_of(wrong))
        tell(request, f"{account.name}, {account.role.value}")
        raise see_other(request, f"console/accounts/{account.id}", ADDED)

    async def show(self, request: web.Request) -> web.Response:
        """Show one account."""
        return await self._page(request, await self._account(request))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Change one account in the way that the form's button names."""
        account, form = await self._account(request), await request.post()
        what = _text(form, "do")
        if what not in self._changes:
            raise web.HTTPBadRequest
        change, said = self._changes[what]
        try:
            done = await change(viewer_of(request), account.id, form)
        except Wrong as wrong:
            return await self._page(request, account, words_of(wrong))
        if not done:
            return await self._page(request, account, "There was nothing to change; somebody else may have done it")
        tell(request, f"{account.name}: {what} {_text(form, 'address') or _text(form, 'role')}".rstrip())
        raise see_other(request, f"console/accounts/{account.id}", said)

    async def link(self, request: web.Request) -> web.Response:
        """Make a one-time link to hand over; it is shown once, on this very answer."""
        account = await self._account(request)
        token = await self._accounts.link(viewer_of(request), account.id)
        if token is None:
            return await self._page(request, account, "Somebody who is shut out gets no link")
        tell(request, account.name)
        return await self._page(request, account, link=self._link_url(token))

    async def ask_remove(self, request: web.Request) -> web.Response:
        """Ask before an account is removed."""
        return self._pages.page(
            request, "accounts/remove", {"account": await self._account(request), "wrong": ""}, here="accounts"
        )

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Remove an account."""
        account = await self._account(request)
        try:
            await self._accounts.remove(viewer_of(request), account.id)
        except Wrong as wrong:
            words = {"account": account, "wrong": words_of(wrong)}
            return self._pages.page(request, "accounts/remove", words, 422, here="accounts")
        tell(request, account.name)
        raise see_other(request, "console/accounts", REMOVED)

    async def look(self, request: web.Request) -> web.StreamResponse:
        """Show the admin what this user sees."""
        account, viewer = await self._account(request), viewer_of(request)
        wanted = normal_form(_text(await request.post(), "address"))
        if wanted not in {held.address for held in account.addresses}:
            raise web.HTTPNotFound
        if not await self._sessions.look_as(viewer, wanted):
            raise web.HTTPNotFound
        tell(request, wanted)
        raise see_other(request, "console/pending", LOOKING)

    async def leave(self, request: web.Request) -> web.StreamResponse:
        """Show the admin his own pages again."""
        viewer = request.get(VIEWER)
        if viewer is not None:
            await self._sessions.look_back(viewer)
        raise see_other(request, "console/pending", BACK)

    # --- pieces ---

    async def _account(self, request: web.Request) -> Account:
        """Return what the path names. Raises HTTPNotFound, beyond the viewer's reach too."""
        account = await self._accounts.get(viewer_of(request), int(request.match_info["id"]))
        if account is None:
            raise web.HTTPNotFound
        return account

    async def _list(self, request: web.Request, form: Form | None = None, wrong: str = "") -> web.Response:
        viewer = viewer_of(request)
        words, after = request.query.get("words", "")[:200], request.query.get("after", "")[:320]
        accounts = await self._accounts.page(viewer, words, after)
        site = viewer.reach.site
        return self._pages.page(
            request,
            "accounts/list",
            {
                "accounts": accounts,
                "words": words,
                "after": after,
                "next": accounts[-1].name if len(accounts) == PAGE else "",
                "role_names": NAMES,
                "roles": ROLES if site else ROLES[:1],
                "typed": {} if form is None else {name: _text(form, name) for name in form},
                "wrong": wrong,
            },
            422 if wrong else 200,
            here="accounts",
        )

    async def _page(self, request: web.Request, account: Account, wrong: str = "", link: str = "") -> web.Response:
        viewer = viewer_of(request)
        sessions = await self._accounts.sessions_of(viewer, account.id)
        words = {
            "account": account,
            "sessions": sessions,
            "role_names": NAMES,
            "roles": ROLES if viewer.reach.site else ROLES[:1],
            "kinds": KINDS,
            "wrong": wrong,
            "link": link,
        }
        return self._pages.page(request, "accounts/account", words, 422 if wrong else 200, here="accounts")

    async def _role(self, viewer: Viewer, account: int, form: Form) -> bool:
        return await self._accounts.set_role(
            viewer, account, _role(_text(form, "role")), _words(_text(form, "domains"))
        )

    async def _give(self, viewer: Viewer, account: int, form: Form) -> bool:
        kind = next((kind for kind in Kind if kind.value == _text(form, "kind")), Kind.OWN)
        return await self._accounts.give(viewer, account, _text(form, "address"), kind)

    async def _sign_out(self, viewer: Viewer, account: int, form: Form) -> bool:
        session = _text(form, "session")
        return await self._accounts.end_sessions(viewer, account, _number(session))


def _text(form: Form, name: str) -> str:
    value = form.get(name, "")
    return value.strip()[:2000] if isinstance(value, str) else ""


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise Wrong(phrase("choose one of the roles")) from None


def _number(text: str) -> int:
    """Return a session's number; 0, which is all of them, only where none is named."""
    if not text:
        return 0
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else -1


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
