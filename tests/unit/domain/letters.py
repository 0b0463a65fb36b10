"""Plain values for the tests of the domain."""

from __future__ import annotations

from gateway.domain import header
from gateway.domain.address import Address
from gateway.domain.evidence import Dkim, Evidence, Method, Proof, Result, Spf
from gateway.domain.header import Header
from gateway.domain.lists import ALIGNED, Entry, Verdict
from gateway.domain.message import Message, read_message
from gateway.domain.policy import Seen

ANNA = Address.of("anna@oak.example")
JOE = Address.of("joe@example.org")
NETWORK = "192.0.2.0/24"

DKIM_OAK = Proof(Method.DKIM, "oak.example")
SPF_OAK = Proof(Method.SPF, "oak.example")
NET = Proof(Method.NETWORK, NETWORK)

PROVEN = Evidence(
    spf=Spf(Result.PASS, "oak.example"),
    dkim=(Dkim(Result.PASS, "oak.example", "s1"),),
    proofs=(DKIM_OAK, SPF_OAK),
    reverse_path_proven=True,
    sender_domain_takes_mail=True,
)


def block(*lines: str) -> bytes:
    """Return content with these header lines and a short body."""
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape") + b"\r\nHello\r\n"


def head_of(*lines: str) -> Header:
    return header.split(block(*lines))


def letter(*lines: str) -> Message:
    """Return the facts of a letter from Anna to Joe with more header lines."""
    return read_message(head_of("From: Anna Roth <anna@oak.example>", "To: joe@example.org", *lines))


def seen(
    *,
    message: Message | None = None,
    recipient: Address = JOE,
    reverse_path: Address = ANNA,
    evidence: Evidence = PROVEN,
    entry: Entry | None = None,
    network: str = NETWORK,
    released_before: bool = False,
) -> Seen:
    return Seen(recipient, reverse_path, message or letter(), evidence, entry, network, released_before)


def allow(pattern: str = "anna@oak.example", scope: str = "", proof: str = ALIGNED) -> Entry:
    return Entry(Verdict.ALLOW, pattern, scope, proof)


def deny(pattern: str = "anna@oak.example", scope: str = "") -> Entry:
    return Entry(Verdict.DENY, pattern, scope)
