"""What the checks found out about a message. A value that is None was not looked for or not found out in time."""

from __future__ import annotations

import ipaddress
from enum import Enum
from functools import lru_cache

from gateway.domain.value import value_class


class Result(Enum):
    """A method's result, in the words of the registry of RFC 8601 §2.7."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"  # SPF only.
    NEUTRAL = "neutral"
    POLICY = "policy"  # DKIM: signed, but not in a way we accept (weak key, From not covered).
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@value_class(frozen=True, slots=True)
class Spf:
    """What SPF says of the client (RFC 7208 §2.6)."""

    result: Result
    domain: str
    """The domain that was checked, in A-labels: that of MAIL FROM, or HELO where the reverse-path is null."""
    of_helo: bool = False


@value_class(frozen=True, slots=True)
class Dkim:
    """What became of one signature (RFC 6376 §3.9)."""

    result: Result
    domain: str
    """d=, in lower-case A-labels."""
    selector: str
    note: str = ""
    """A few words for people where the result is not pass; never the signer's own text."""


@value_class(frozen=True, slots=True)
class Dmarc:
    """What the author's domain asks for, and whether it is met (RFC 7489 §6.6)."""

    result: Result
    domain: str
    """The From domain."""
    policy: str = "none"
    """p= (or sp=) as published: none, quarantine, reject."""


class Method(Enum):
    """How an identity vouched for a mail, the strongest first; DKIM survives forwarding, SPF does not."""

    DKIM = "dkim"
    SPF = "spf"
    NETWORK = "network"  # The client's network: the last resort where a person trusts a sender that proves nothing.


@value_class(frozen=True, slots=True)
class Proof:
    """An identity that vouched for a mail: a pass that is aligned with its author's domain (RFC 7489 §3.1)."""

    method: Method
    domain: str
    """The DKIM d= or the SPF domain, lower-case A-labels; for NETWORK a network such as 192.0.2.0/24."""

    def __str__(self) -> str:
        return f"{self.method.value}:{self.domain}"

    @classmethod
    def parse(cls, text: str) -> Proof:
        """Read `dkim:example.net`. Raises ValueError."""
        method, _, domain = text.partition(":")
        if not domain:
            raise ValueError(f"not a proof: {text!r}")
        return cls(Method(method), domain)


@value_class(frozen=True, slots=True)
class Evidence:
    """All that was found out about who sent a message."""

    spf: Spf | None = None
    dkim: tuple[Dkim, ...] = ()
    dmarc: Dmarc | None = None
    proofs: tuple[Proof, ...] = ()
    """Empty when nobody vouches for the author."""
    reverse_path_proven: bool = False
    """The domain of the reverse-path vouched too, so that a challenge reaches who sent the mail, not a forged victim."""
    sender_domain_takes_mail: bool | None = None
    """False: null MX, no MX or address record, or a reserved name (RFC 7505 §3, RFC 6761 §6)."""
    source: str = "own"
    """`own`, or the authserv-id of the upstream whose Authentication-Results we took (RFC 8601 §5)."""


NO_EVIDENCE = Evidence()


def vouched_as_well(required: tuple[Proof, ...], found: tuple[Proof, ...]) -> bool:
    """True when what was found is as good as what is required: the same identity, by the same or a stronger method."""
    for need in required:
        for have in found:
            if have.domain != need.domain:
                continue
            if have.method is need.method or (need.method is Method.SPF and have.method is Method.DKIM):
                return True
    return False


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return the /24 or /64 around a client's address; "" for what is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 64), strict=False))


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def in_network(address: str, network: Network) -> bool:
    """True where a client's address lies in a network; False for what is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip in network


def proof_to_require(proofs: tuple[Proof, ...], network: str) -> str:
    """Return what an entry made from a mail shall demand of the next: the identities that vouched for this one.

    A sender that proves nothing is bound to its network, so that the entry never opens the door to whoever
    writes this address on a mail.
    """
    chosen = proofs or ((Proof(Method.NETWORK, network),) if network else ())
    return " ".join(str(proof) for proof in chosen) or "aligned"
