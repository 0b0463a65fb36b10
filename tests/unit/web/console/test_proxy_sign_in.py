"""Who may say by a header field who somebody is."""

from __future__ import annotations

import ipaddress
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from challenge_web.console.proxy_sign_in import ProxySignIn
from gateway.flow.mailbox_name import MailboxNames
from gateway.flow.sessions import Arrival, Entered
from gateway.flow.sign_in_ports import Identity

JOE = "joe@example.org"
PROXIES = (ipaddress.ip_network("192.0.2.1"), ipaddress.ip_network("2001:db8::/64"))


class SignIn:
    async def admit(self, identity: Identity, way: str, wanted: str, arrival: Arrival) -> Entered | None:
        raise AssertionError(f"{identity} was let in")


class Threshold:
    async def entered(self, request: web.Request, entered: Entered) -> web.StreamResponse:
        raise AssertionError

    def arrival_of(self, request: web.Request) -> Arrival:
        return Arrival("")


def request(peer: str, *fields: tuple[str, str]) -> web.Request:
    transport = Mock()
    transport.get_extra_info = lambda name, default=None: (peer, 4711) if name == "peername" else default
    headers = web.Response().headers  # Of the kind that holds a field twice.
    headers.clear()
    headers.extend(fields)
    return make_mocked_request("POST", "/sign-in/proxy", headers=headers, transport=transport)


def pages(header: str = "X-Remote-User") -> ProxySignIn:
    names = MailboxNames(frozenset({"example.org"}), "example.org")
    return ProxySignIn(SignIn(), Threshold(), header, PROXIES, names)


@pytest.mark.parametrize("peer", ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::7"])
@pytest.mark.parametrize("name", ["joe", "JOE@example.org", " joe "])
def test_listed_proxy_says_who_it_is(peer: str, name: str) -> None:
    offer = pages().offer(request(peer, ("x-remote-user", name)))
    assert offer is not None
    assert (offer.text, offer.form) == (f"Go on as {JOE}", True)


@pytest.mark.parametrize(
    ("peer", "fields"),
    [
        ("192.0.2.2", [("X-Remote-User", "joe")]),
        ("192.0.2.2", [("X-Remote-User", "joe"), ("X-Forwarded-For", "192.0.2.1")]),
        ("2001:db8:0:1::1", [("X-Remote-User", "joe")]),
        ("", [("X-Remote-User", "joe")]),
        ("192.0.2.1", []),
        ("192.0.2.1", [("X-Remote-User", "joe"), ("X-Remote-User", "mia")]),
        ("192.0.2.1", [("X-Remote-User", "joe"), ("x-remote-user", "joe")]),
        ("192.0.2.1", [("X-Remote-User", "joe,mia")]),
        ("192.0.2.1", [("X-Remote-User", "joe@elsewhere.example")]),
        ("192.0.2.1", [("X_Remote_User", "joe")]),
    ],
)
async def test_nobody_else_and_nothing_doubtful_is_believed(peer: str, fields: list[tuple[str, str]]) -> None:
    asked = request(peer, *fields)
    assert pages().offer(asked) is None
    with pytest.raises(web.HTTPForbidden):
        await pages().enter(asked)
