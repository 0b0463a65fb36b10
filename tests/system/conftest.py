"""A gateway at the edge with its surroundings."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.gateway_process import GatewayProcess
from benchmarks.places import HOST, refuses
from benchmarks.surroundings import Surroundings, sender_zones
from tests.forked_gateway import ForkedGateway

STRANGERS = ("stranger.example", "friend.example", "river.example")
OUTSIDE = "127.0.0.66"
"""May send for the strangers' domains."""
FORGER = "127.0.0.77"
"""May send for nobody."""


@dataclass(frozen=True, slots=True)
class Site:
    """A running gateway and what is around it."""

    around: Surroundings
    gateway: GatewayProcess

    def send(
        self, reverse_path: str, recipients: str | list[str], content: bytes, *, client: str = OUTSIDE
    ) -> tuple[int, str]:
        """Bring a mail and return the last thing that was said."""
        named = [recipients] if isinstance(recipients, str) else recipients
        with smtplib.SMTP(HOST, self.gateway.smtp_port, "mail.outside.example", 60, (client, 0)) as door:
            door.ehlo()
            code, text = door.mail(reverse_path)
            for recipient in named:
                if code == 250:
                    code, text = door.rcpt(recipient)
            if code == 250:
                code, text = door.data(content)
            return code, text.decode()

    def refuses(self) -> bool:
        """True when nobody listens at its door any more."""
        return refuses(self.gateway.smtp_port)


MakeSite = Callable[..., Site]


@pytest.fixture
def kind() -> type[GatewayProcess]:
    """How a gateway begins; a module to which the start itself matters has another."""
    return ForkedGateway


@pytest.fixture
def make_site(tmp_path: Path, kind: type[GatewayProcess]) -> Iterator[MakeSite]:
    """Start gateways with settings of their own; all are ended with the test."""
    with ExitStack() as stack:
        number = 0

        def make(settings: Mapping[str, str | int | float | list[str]] | None = None, *, start: bool = True) -> Site:
            nonlocal number
            number += 1
            folder = tmp_path / f"site-{number}"
            folder.mkdir()
            around = stack.enter_context(Surroundings(sender_zones(STRANGERS, OUTSIDE)))
            gateway = kind(
                folder,
                {
                    "smtp.stage": "edge",
                    # One starts sooner; several have tests of their own, and are at work in those with a real Postfix.
                    "smtp.processes": 1,
                    "smtp.trusted_clients": [],
                    "smtp.max_connections_per_client": 200,
                    "relay.next_hop": f"{HOST}:{around.inside.port}",
                    "relay.next_hop_tls": "none",
                    "relay.smart_host": f"{HOST}:{around.outside.port}",
                    "relay.smart_host_tls": "none",
                    "dns.servers": [f"{HOST}:{around.dns_port}"],
                    "challenge.work_bits": 4,
                    **(settings or {}),
                },
            )
            stack.callback(gateway.kill)
            if start:
                gateway.start()
            return Site(around, gateway)

        yield make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """One with the default settings."""
    return make_site()
