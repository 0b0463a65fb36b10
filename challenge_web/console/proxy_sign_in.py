"""Sign-in by what a reverse proxy says: a button, and behind it a session like any other.

The field is read when the button is pressed and at no other time. So the session ends as all do, can be seen and
revoked, and nobody who signs out is back in by himself.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from challenge_web.client import Network, is_within, peer_of, read_address
from challenge_web.console.forms import text_of
from challenge_web.console.gate import SIGN_IN
from challenge_web.console.openid import Admits, Threshold
from challenge_web.console.pages import see_other
from challenge_web.console.routes import Route
from challenge_web.console.sign_in import Offer
from gateway.flow.mailbox_name import MailboxNames
from gateway.flow.sign_in_ports import Identity

_WAY = "proxy"


class ProxySignIn:
    """The button and what it does."""

    def __init__(
        self, sign_in: Admits, threshold: Threshold, header: str, proxies: Sequence[Network], names: MailboxNames
    ) -> None:
        """header: the field. proxies: from whom it is believed."""
        self._sign_in = sign_in
        self._threshold = threshold
        self._header = header
        self._proxies = tuple(proxies)
        self._names = names

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (Route(f"{SIGN_IN}-proxy", "/sign-in/proxy", None, self.to_form, self.enter),)

    def offer(self, request: web.Request) -> Offer | None:
        """Return the button; None where no proxy says who it is."""
        address = self._address(request)
        return Offer(f"Go on as {address}", "sign-in/proxy", form=True) if address else None

    async def to_form(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in/proxy: back to where the button is."""
        raise see_other(request, "sign-in")

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """POST /sign-in/proxy: begin a session."""
        address = self._address(request)
        if not address:
            raise web.HTTPForbidden
        wanted = text_of(await request.post(), "next")
        identity = Identity(address, (address,))
        entered = await self._sign_in.admit(identity, _WAY, wanted, self._threshold.arrival_of(request))
        if entered is None:
            raise web.HTTPForbidden
        return await self._threshold.entered(request, entered)

    def _address(self, request: web.Request) -> str:
        """Return whom the proxy names; "" for nobody, for more than one, and where it is no proxy of ours."""
        values = request.headers.getall(self._header, ())
        if len(values) != 1 or not self._believed(request):
            return ""
        read = self._names.read(values[0].strip())
        return read[1] if read is not None else ""

    def _believed(self, request: web.Request) -> bool:
        """True where a listed address has made this connection. Nothing that a request says can change that."""
        return is_within(read_address(peer_of(request)), self._proxies)
