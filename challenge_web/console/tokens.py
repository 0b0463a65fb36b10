"""Tokens of one's own, with which programs come in through the API: made, listed, revoked."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from challenge_web.console.forms import text_of
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Names, Proof, Route
from gateway.domain.phrase import phrases, words_of
from gateway.domain.roles import Right, Viewer
from gateway.domain.scopes import MEANINGS, SCOPES, Scope
from gateway.flow.account_rights import Wrong
from gateway.flow.tokens import Made, Tokens

REVOKED = say("token-revoked", "Revoked. Whatever still uses this token is refused from now on.")
_DAYS = (7, 30, 90, 365)
_HERE = "account"


class TokenPages:
    """The page of tokens."""

    def __init__(self, tokens: Tokens, pages: ConsolePages) -> None:
        self._tokens = tokens
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        own, at = Right.OWN_ACCOUNT, "/console/account/tokens"
        revoke = f"{at}/{{id:[0-9]{{1,18}}}}/revoke"
        return (
            Route("account-tokens", at, own, self.show, self.make, proof=Proof.TO_SEE),
            Route("account-token-revoke", revoke, own, act=self.revoke, names=Names.OTHER),
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        """GET: list them, and offer to make one."""
        return await self._page(request)

    async def make(self, request: web.Request) -> web.StreamResponse:
        """POST: make one; its text is shown once, on this very answer."""
        form, viewer = await request.post(), viewer_of(request)
        scopes = [scope for scope in Scope if scope.value in form.getall("scope", [])]
        days = text_of(form, "days")
        try:
            made = await self._tokens.make(
                viewer, text_of(form, "name"), scopes, int(days) if days.isdecimal() and len(days) < 6 else 0
            )
        except Wrong as wrong:
            typed = {"name": text_of(form, "name")[:200], "days": days[:6]}
            return await self._page(request, typed=typed, ticked=scopes, wrong=words_of(wrong), status=422)
        tell(request, f"{made.token.name}: {' '.join(scope.value for scope in made.token.scopes)}")
        return await self._page(request, made=made)

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """POST: end one of the viewer's tokens."""
        if not await self._tokens.revoke(viewer_of(request), int(request.match_info["id"])):
            raise web.HTTPNotFound
        tell(request, f"token {request.match_info['id']}")
        raise see_other(request, "console/account/tokens", REVOKED)

    async def _page(
        self,
        request: web.Request,
        *,
        made: Made | None = None,
        typed: dict[str, str] | None = None,
        ticked: Sequence[Scope] = (),
        wrong: str = "",
        status: int = 200,
    ) -> web.Response:
        viewer = viewer_of(request)
        days = [count for count in _DAYS if count <= self._tokens.longest_days]
        words = {
            "tokens": await self._tokens.of(viewer),
            "made": made,
            "scopes": [(scope.value, MEANINGS[scope], scope in ticked) for scope in _lendable(viewer)],
            "days": [
                (str(count), phrases(count, "{n} day", "{n} days"))
                for count in days or [max(1, int(self._tokens.longest_days))]
            ],
            "typed": typed or {"name": "", "days": "90"},
            "wrong": wrong,
        }
        return self._pages.page(request, "account/tokens", words, status, here=_HERE)


def _lendable(viewer: Viewer) -> list[Scope]:
    """Return what a token of this person could do."""
    return [scope for scope in Scope if any(viewer.may(right) for right in SCOPES[scope])]
