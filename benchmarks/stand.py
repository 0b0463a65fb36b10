"""What the benchmarks compare: the gateway and a private Postfix, side by side, with everything they need.

The whole product is on: look-up in the lists, evidence (SPF from a name server on this machine, then from the cache),
policy, trace fields, log, metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway_process import GatewayProcess
from benchmarks.load import Server
from benchmarks.peers import PrivatePostfix, SmtpSink
from benchmarks.places import HOST, answers, free_port, open_folder, wait_until
from benchmarks.surroundings import Surroundings, sender_zones

KNOWN, UNKNOWN = "ann@known.example", "eve@unknown.example"


@dataclass(frozen=True, slots=True)
class Stand:
    """Everything that runs during a benchmark."""

    gateway: GatewayProcess
    postfix: PrivatePostfix
    sink: SmtpSink
    relay_port: int
    """Postfix with smtpd_proxy_filter to the sink."""
    hold_port: int
    """Postfix with the HOLD action."""


@contextmanager
def stand() -> Iterator[Stand]:
    """Start the gateway, a private Postfix, the sink and the name server; stop them in the end."""
    with (
        open_folder("gateway-bench") as folder,
        Surroundings(sender_zones(("known.example", "unknown.example"), HOST)) as around,
        SmtpSink(folder) as sink,
    ):
        postfix, relay_port, hold_port = _postfix(folder, sink)
        gateway = GatewayProcess(
            folder,
            {
                "smtp.stage": "before-queue",
                "relay.next_hop": f"{HOST}:{sink.port}",
                "relay.smart_host": f"{HOST}:{around.outside.port}",
                "dns.servers": [f"{HOST}:{around.dns_port}"],
            },
        )
        with postfix, gateway:
            wait_until(lambda: answers(relay_port) and answers(hold_port), "Postfix answers")
            gateway.command("lists", "add", "allow", KNOWN)
            yield Stand(gateway, postfix, sink, relay_port, hold_port)


def _postfix(folder: Path, sink: SmtpSink) -> tuple[PrivatePostfix, int, int]:
    relay_port, hold_port = free_port(), free_port()
    postfix = PrivatePostfix(
        folder,
        {
            "relay_domains": "example.org",
            "relay_recipient_maps": "",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "default_process_limit": "120",
        },
    )
    postfix.remove_service("smtp/inet")
    postfix.add_service(f"{HOST}:{relay_port} inet n - n - - smtpd\n  -o smtpd_proxy_filter={HOST}:{sink.port}")
    postfix.add_service(
        f"{HOST}:{hold_port} inet n - n - - smtpd\n"
        "  -o {smtpd_recipient_restrictions=check_recipient_access static:HOLD, permit_mynetworks, reject}"
    )
    return postfix, relay_port, hold_port


def relay_servers(at: Stand) -> tuple[Server, Server]:
    """The gateway and Postfix, both of which hand everything to the sink."""
    seen = at.sink.count()

    def sunk(sent: int) -> None:
        nonlocal seen
        seen += sent
        wait_until(lambda: at.sink.count() >= seen, f"the sink took {sent} mails", 5)
        if at.sink.count() != seen:
            raise RuntimeError(f"the sink took {at.sink.count() - seen} mails more than were sent")

    return (
        Server("gateway", at.gateway.smtp_port, lambda: at.gateway.pid, sunk),
        Server("postfix", at.relay_port, lambda: at.postfix.pid, sunk),
    )


def hold_servers(at: Stand) -> tuple[Server, Server]:
    """The gateway and Postfix, both of which keep everything on disk."""
    held = _held(at)

    def in_store(sent: int) -> None:
        nonlocal held
        held += sent
        if _held(at) != held:
            raise RuntimeError(f"the gateway held {_held(at) - held + sent} of {sent} mails")

    def in_queue(sent: int) -> None:
        found = at.postfix.queued("hold")
        at.postfix.empty("hold")
        if found != sent:
            raise RuntimeError(f"Postfix held {found} of {sent} mails")

    return (
        Server("gateway", at.gateway.smtp_port, lambda: at.gateway.pid, in_store),
        Server("postfix", at.hold_port, lambda: at.postfix.pid, in_queue),
    )


def _held(at: Stand) -> int:
    return int(at.gateway.metric("gateway_decisions_total", disposition="hold"))
