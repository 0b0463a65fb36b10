"""A site: Postfix and the gateway set up as config/postfix says, mailboxes behind, the world outside.

The shipped files are used as they are. What differs on a test machine is put on top by the means an administrator
has: `postconf` for Postfix, environment variables for the gateway.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gateway_process import ROOT, GatewayProcess
from benchmarks.peers import PrivatePostfix
from benchmarks.places import HOST, answers, free_port, open_folder, wait_until
from benchmarks.surroundings import Surroundings, sender_zones
from gateway.demo.mailboxes import Mail
from tests.certificates import make_certificate

CONFIG = ROOT / "config" / "postfix"
WAYS = ("before-queue", "after-queue", "edge")

OUTSIDE = "127.0.0.66"
"""The address of the world: it may send for the domains below, and no server of ours trusts it."""
FORGER = "127.0.0.77"
"""Another address of the world, which may send for nobody."""
STRANGERS = ("stranger.example", "friend.example", "spam.example", "list.example")
LIMIT = 1_000_000
"""Octets a mail may have at the door to the world."""

_MAILBOXES = ("joe", "mia", "sam", "kim", "lea", "tom", "una", "postmaster")


@dataclass(frozen=True, slots=True)
class Answer:
    """The last thing an SMTP server said about a mail."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Site:
    """Everything of one deployment."""

    way: str
    around: Surroundings
    postfix: PrivatePostfix
    gateway: GatewayProcess
    port: int
    """The door to the world: Postfix's, or at the edge the gateway's."""
    inner_port: int
    """Postfix's door for mail the gateway lets in."""
    submission_port: int
    """The door at which users send."""

    @property
    def is_behind_queue(self) -> bool:
        """True where Postfix has answered the world before the gateway sees a mail."""
        return self.way == "after-queue"

    def send(
        self,
        sender: str,
        recipient: str,
        content: bytes,
        *,
        client: str = OUTSIDE,
        options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> Answer:
        """Bring a mail to the door as the world does, and return what the door said last."""
        with smtplib.SMTP(HOST, self.port, "mail.outside.example", timeout=60, source_address=(client, 0)) as door:
            door.ehlo()
            code, text = door.mail(sender, options)
            if code == 250:
                code, text = door.rcpt(recipient, rcpt_options)
            if code == 250:
                code, text = door.data(content)
            return Answer(code, text.decode())

    def pending(self, recipient: str) -> list[dict[str, Any]]:
        """Return what waits for a recipient."""
        rows: list[dict[str, Any]] = self.gateway.data("pending", "list", "--for", recipient)
        return rows

    def held(self, recipient: str) -> dict[str, Any]:
        """Wait until just one mail is held for a recipient, and return its row."""
        rows: list[dict[str, Any]] = []

        def is_held() -> bool:
            rows[:] = self.pending(recipient)
            return bool(rows)

        wait_until(is_held, f"a mail is held for {recipient}")
        (row,) = rows
        return row

    def challenge_to(self, sender: str) -> Mail:
        """Wait for the one challenge to a sender."""
        (mail,) = self.around.outside.wait(sender)
        return mail

    def settle(self) -> None:
        """Wait until Postfix has nothing left to do."""
        self.wait_for_postfix(lambda: self.postfix.queued() == 0, "Postfix's queue is empty")

    def wait_for_postfix(self, happened: Callable[[], bool], what: str) -> None:
        """Wait until something happened in Postfix. Raises TimeoutError with its last words."""
        try:
            wait_until(happened, what)
        except TimeoutError as late:
            raise TimeoutError(f"{late}\n{self.postfix.log()[-4000:]}") from late


@contextmanager
def site(way: str, *, gateway_runs: bool = True) -> Iterator[Site]:
    """Set a site up, start it, and take it down."""
    mailboxes = [f"{name}@{domain}" for name in _MAILBOXES for domain in ("example.org", "branch.example.org")]
    with (
        open_folder(f"gateway-{way}") as folder,
        Surroundings(sender_zones(STRANGERS, OUTSIDE), recipients=mailboxes) as around,
    ):
        inner_port, challenges_port, front_port = free_port(), free_port(), free_port()
        submission_port, outgoing_port, back_port = free_port(), free_port(), free_port()
        config = folder / "gateway.toml"
        config.write_bytes(b"".join((CONFIG / part / "gateway.toml").read_bytes() for part in (way, "outgoing")))
        gateway = GatewayProcess(
            folder,
            {
                # Where things are on this machine.
                "relay.next_hop": f"{HOST}:{inner_port}",
                "relay.smart_host": f"{HOST}:{challenges_port}",
                "outgoing.listen": [f"{HOST}:{outgoing_port}"],
                "outgoing.next_hop": f"{HOST}:{back_port}",
                "dns.servers": [f"{HOST}:{around.dns_port}"],
                # A second domain, whose mailboxes the gateway reaches without this Postfix.
                "domains.names": ["example.org", "branch.example.org"],
                "relay.domains": f'{{ "branch.example.org" = "{HOST}:{around.inside.port}" }}',
                # Work of a moment.
                "challenge.work_bits": 6,
                **_way_settings(way, folder),
            },
            config=config,
        )
        port = gateway.smtp_port if way == "edge" else front_port
        postfix = PrivatePostfix(
            folder,
            {
                "relay_domains": "example.org, branch.example.org",
                "relay_recipient_maps": f"inline:{{ {', '.join(f'{address}=x' for address in mailboxes)} }}",
                # Mailboxes of example.org are behind; branch.example.org is reached by the front door again.
                "transport_maps": f"inline:{{ example.org=smtp:[{HOST}]:{around.inside.port}, "
                f"branch.example.org=smtp:[{HOST}]:{port} }}",
                "virtual_alias_maps": "inline:{ team@example.org=joe@branch.example.org }",
                "relayhost": f"[{HOST}]:{around.outside.port}",
                # Where the gateway is at the door to the world, its own limit is to be seen.
                "message_size_limit": str(LIMIT if way == "after-queue" else LIMIT // 2),
            },
        )
        postfix.install(CONFIG / way)
        postfix.move(f"{HOST}:10026", inner_port)
        postfix.move(f"{HOST}:10027", challenges_port)
        # What users send goes through the gateway as well, as docs/outgoing.md says.
        postfix.add_service("submission inet n - n - - smtpd\n  -o smtpd_relay_restrictions=permit_mynetworks,reject")
        postfix.append(CONFIG / "outgoing")
        postfix.option("submission/inet", "content_filter", "outgoing:$gateway_outgoing")
        postfix.option("submission/inet", "receive_override_options", "no_address_mappings")
        postfix.move("submission", submission_port)
        postfix.move(f"{HOST}:10028", back_port)
        postfix.set("gateway_outgoing", f"[{HOST}]:{outgoing_port}")
        if way == "before-queue":
            postfix.move("smtp", front_port)
            postfix.set("gateway_smtp", f"{HOST}:{gateway.smtp_port}")
            postfix.set("message_size_limit", str(2 * LIMIT))
        if way == "after-queue":
            postfix.move("smtp", front_port)
            postfix.set("gateway_smtp", f"[{HOST}]:{gateway.smtp_port}")
        with postfix:
            wait_until(lambda: answers(inner_port), "Postfix answers")
            if gateway_runs:
                gateway.start()
            try:
                yield Site(way, around, postfix, gateway, port, inner_port, submission_port)
            finally:
                gateway.kill()


def _way_settings(way: str, folder: Path) -> dict[str, str | int]:
    if way == "edge":
        certificate, key = folder / "mx.pem", folder / "mx.key"
        make_certificate(certificate, key, "mx.example.org")
        return {
            "smtp.max_message_octets": LIMIT,
            "smtp.tls_certificate": str(certificate),
            "smtp.tls_key": str(key),
        }
    return {"smtp.max_message_octets": LIMIT} if way == "before-queue" else {}
