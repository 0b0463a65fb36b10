"""The whole world of the demo: names, our users' mailboxes, strangers, and settings to run a gateway among them."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gateway.demo.dns import DnsServer
from gateway.demo.mailboxes import MailboxServer
from gateway.demo.ports import free_place
from gateway.demo.samples import SCORE_FIELD
from gateway.demo.zones import ZoneData
from gateway.settings import Endpoint, Settings, load

DOMAIN = "example.org"
"""Ours."""
SECOND_DOMAIN = "example.net"
"""Ours too, with people of its own."""
USERS = ("joe@example.org", "mia@example.org", "postmaster@example.org", "abuse@example.org", "lea@example.net")

LOG_LEVEL: Final = "warning"
LOG_FORMAT: Final = "text"
"""What the gateway says beside the demo's own lines."""

_SMTP = Endpoint("127.0.0.1", 2525)
_WEB = Endpoint("127.0.0.1", 8080)
_MONITOR = Endpoint("127.0.0.1", 9090)

# A mail from this machine passes SPF where 127.0.0.1 may send for the domain. The bank names an address of
# RFC 5737 instead: whoever writes in its name from here is a forger.
ZONES: ZoneData = {
    DOMAIN: {"@": {"MX": ["10 mail"], "TXT": ["v=spf1 ip4:127.0.0.1 -all"]}, "mail": {"A": ["127.0.0.1"]}},
    SECOND_DOMAIN: {"@": {"MX": [f"10 mail.{DOMAIN}"], "TXT": ["v=spf1 ip4:127.0.0.1 -all"]}},
    "stranger.example": {
        "@": {"MX": ["10 mail"], "TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
        "mail": {"A": ["127.0.0.1"]},
        "_dmarc": {"TXT": ["v=DMARC1; p=reject"]},
    },
    "oak.example": {
        "@": {"MX": ["10 mail"], "TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
        "mail": {"A": ["127.0.0.1"]},
    },
    "river.example": {
        "@": {"MX": ["10 mail"], "TXT": ["v=spf1 ip4:127.0.0.1 ip6:::1 -all"]},
        "mail": {"A": ["127.0.0.1"], "AAAA": ["::1"]},
    },
    "plain.example": {"@": {"MX": ["10 mail"]}, "mail": {"A": ["127.0.0.1"]}},
    "bank.example": {
        "@": {"MX": ["10 mail"], "TXT": ["v=spf1 ip4:192.0.2.25 -all"]},
        "mail": {"A": ["192.0.2.25"]},
    },
    "127.in-addr.arpa": {"1.0.0": {"PTR": ["mail.stranger.example."]}},
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where the gateway itself will listen."""

    smtp: Endpoint
    web: Endpoint
    monitor: Endpoint

    @classmethod
    def choose(cls, smtp: Endpoint = _SMTP, web: Endpoint = _WEB, monitor: Endpoint = _MONITOR) -> Self:
        """Take these, and in place of a taken port a free one. Raises OSError when a host is not ours."""
        return cls(free_place(smtp), free_place(web), free_place(monitor))


class World:
    """Everything around the gateway; use as `async with World() as world`."""

    def __init__(self, state: Path | None = None) -> None:
        """state: a folder that is kept; None makes a temporary one, removed at the end."""
        self._state = state
        self._stack = AsyncExitStack()
        self.dns = DnsServer(ZONES)
        self.inside = MailboxServer(hostname=f"mail.{DOMAIN}", recipients=USERS)
        """Our users' mailboxes: the gateway's next hop."""
        self.outside = MailboxServer(hostname="mail.strangers.example")
        """Everybody else's mailboxes: the gateway's smart host."""
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """Where the gateway's store and configuration are. Raises RuntimeError before the world was started."""
        if self._folder is None:
            raise RuntimeError("the demo's world is not running")
        return self._folder

    @property
    def config_file(self) -> Path:
        """The configuration that `settings_for` writes; every command takes it as --config."""
        return self.folder / "gateway.toml"

    @property
    def command(self) -> str:
        """How the command line is called from the folder where the demo was."""
        called = Path(sys.argv[0])
        return shlex.quote(str(called)) if called.name == "challenge-gateway" else "python -m gateway"

    async def __aenter__(self) -> Self:
        """Start all servers. Raises OSError when the folder cannot be made."""
        async with AsyncExitStack() as stack:
            if self._state is None:
                self._folder = Path(tempfile.mkdtemp(prefix="challenge-gateway-demo-"))
                stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            else:
                self._state.mkdir(parents=True, exist_ok=True)
                self._folder = self._state.resolve()
            for server in (self.dns, self.inside, self.outside):
                await stack.enter_async_context(server)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def by_hand(self, smtp: Endpoint) -> tuple[tuple[str, str], ...]:
        """Return ways to send a mail by hand: what it needs, and the shell command."""
        return (("swaks", swaks_line(smtp)), ("plain Python", python_line(smtp)))

    def mailboxes_of(self, address: str) -> MailboxServer:
        """Return the server that has this mailbox."""
        _, at, domain = address.rpartition("@")
        return self.inside if not at or domain.lower() in (DOMAIN, SECOND_DOMAIN) else self.outside


def settings_for(world: World, places: Places, more: Mapping[str, Mapping[str, object]] | None = None) -> Settings:
    """Return settings of a gateway that lives in this world, and write them to `world.config_file`.

    The file makes every other command work beside the demo. more: section → key → value, over the demo's own.
    Raises gateway.settings.SettingsError.
    """
    tables: dict[str, dict[str, object]] = {
        "smtp": {
            "listen": [str(places.smtp)],
            "processes": 1,
            "stage": "edge",
            "hostname": f"gateway.{DOMAIN}",
            "trusted_clients": [],
            "max_message_octets": 10_485_760,
        },
        "domains": {"names": [DOMAIN, SECOND_DOMAIN]},
        "relay": {
            "next_hop": str(world.inside.endpoint),
            "next_hop_tls": "none",
            "smart_host": str(world.outside.endpoint),
            "smart_host_tls": "none",
            "refusal_cache_seconds": 5,
        },
        "web": {"listen": [str(places.web)], "public_url": f"http://{places.web}"},
        "monitor": {"listen": [str(places.monitor)]},
        "store": {"url": "sqlite:///gateway.db"},
        "dns": {"servers": [str(world.dns.endpoint)]},
        "evidence": {"score_field": SCORE_FIELD},
        "challenge": {"organisation": "Example Organisation", "contact": f"postmaster@{DOMAIN}"},
        "console": {"forward_to": [f"abuse@{DOMAIN}"]},
        "log": {"level": LOG_LEVEL, "format": LOG_FORMAT},
    }
    for section, values in (more or {}).items():
        tables.setdefault(section, {}).update(values)
    world.config_file.write_text(_toml(tables), "utf-8")
    return load(world.config_file, {}, serving=True)


def _toml(tables: Mapping[str, Mapping[str, object]]) -> str:
    # A JSON text, number, truth value or list of those is one of TOML too.
    return "\n".join(
        "\n".join([f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""])
        for section, values in tables.items()
    )


def banner(web: Endpoint, smtp: Endpoint) -> str:
    """Return the three lines the demo prints: what it is, what to open, how to send a mail by hand."""
    moved = [
        f"port {wanted.port} is taken, so {name} is on {got.port}"
        for name, wanted, got in (("the page", _WEB, web), ("SMTP", _SMTP, smtp))
        if got.port != wanted.port
    ]
    note = f" ({'; '.join(moved)})" if moved else ""
    return "\n".join(
        (
            f"A challenge-response mail gateway with a small world around it, on this machine only; Ctrl-C ends it{note}.",
            f"Open http://{web}/demo/ to write a mail as a stranger and follow it, or to be signed in as Joe or an admin.",
            f"Or send by hand. With swaks: {swaks_line(smtp)}  With plain Python: {python_line(smtp)}",
        )
    )


def swaks_line(smtp: Endpoint) -> str:
    """Return a shell command that sends a mail as a stranger, with swaks."""
    return f"swaks -s {smtp} -f ada@stranger.example -t joe@{DOMAIN}"


def python_line(smtp: Endpoint) -> str:
    """Return a shell command that sends a mail as a stranger, with Python alone."""
    mail = f"From: ada@stranger.example\\nTo: joe@{DOMAIN}\\nSubject: Hello\\n\\nHello Joe!\\n"
    return (
        f"python3 -c \"import smtplib; smtplib.SMTP('{smtp.host}', {smtp.port}).sendmail("
        f"'ada@stranger.example', 'joe@{DOMAIN}', '{mail}')\""
    )
