"""Whose request it is: the address that made the connection, or what trusted proxies say of the one before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Settings are turned into a `Site` in processes that serve no pages: they shall not load this.
    from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def address_of(request: web.Request, trusted: Sequence[Network]) -> str:
    """Return the client's address; "" where it is not known. trusted: proxies whose word is taken."""
    return client_address(peer_of(request), request.headers.getall("X-Forwarded-For", ()), trusted)


def peer_of(request: web.Request) -> str:
    """Return the address that made the connection; "" where there is none, as in a test."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) else ""


def client_address(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """Return the client's address: the peer, or what trusted proxies say of the one before them.

    forwarded: the values of X-Forwarded-For, in the order of the fields. They are read from the right, for only
    what a trusted proxy appended is worth anything; a client can put whatever it likes to the left of it.
    """
    client = peer
    if not trusted:
        return client
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while hops and is_within(read_hop(client), trusted):
        told = read_hop(hops.pop())
        if told is None:
            break
        client = str(told)
    return client


def is_within(address: Address | None, networks: Iterable[Network]) -> bool:
    """True for an address in one of the networks."""
    return address is not None and any(
        address.version == network.version and address in network for network in networks
    )


def read_hop(text: str) -> Address | None:
    """Read an address as proxies write it: with a port, in brackets. None for what is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return read_address(text)


def read_address(text: str) -> Address | None:
    """Read an address; IPv4 within IPv6 is IPv4, and a zone does not count. None for what is none."""
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip
