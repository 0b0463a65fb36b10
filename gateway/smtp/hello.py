"""What EHLO offers a client: nothing that the servers further on lack (RFC 5321 §4.1.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gateway.domain.reply import Reply
from gateway.flow.ports import Features
from gateway.smtp import paths, xclient


@dataclass(frozen=True, slots=True)
class Hello:
    """One answer to EHLO."""

    offer: paths.Offer
    """What the client may use from now on."""
    octets: bytes
    """The reply that says so."""


@lru_cache(maxsize=64)  # Every client asks, and hardly anything of it ever changes.
def hello(hostname: str, max_octets: int, features: Features, offer_tls: bool, trusted: bool) -> Hello:
    """Return the answer.

    hostname, max_octets: ours. features: of the servers further on. trusted: the client may speak for others.
    """
    known = features.known
    if known and features.size:
        max_octets = min(max_octets, features.size)
    offer = paths.Offer(
        max_octets=max_octets,
        smtputf8=features.smtputf8 if known else trusted,
        # A server in front hands its client's parameters on without asking what we offer.
        dsn=trusted or (known and features.dsn),
        auth=trusted,
    )
    words = [hostname, f"SIZE {max_octets}", "PIPELINING"]
    if features.eight_bit or not known:
        words.append("8BITMIME")
    if offer_tls:
        words.append("STARTTLS")
    if known and features.smtputf8:
        words.append("SMTPUTF8")
    if known and features.dsn:
        words.append("DSN")
    if trusted:
        words.append("XFORWARD " + " ".join(xclient.XFORWARD_NAMES))
        words.append("XCLIENT " + " ".join(xclient.XCLIENT_NAMES))
    words.append("ENHANCEDSTATUSCODES")
    return Hello(offer, Reply(250, "", "\n".join(words)).lines().encode("ascii", "replace"))
