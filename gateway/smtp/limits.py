"""What one client, and all of them together, may take from us."""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address

from gateway.smtp.share import Share

Network = IPv4Network | IPv6Network


def plain_address(host: str) -> str:
    """Return a socket's peer address as text: IPv4 where it was mapped into IPv6, without a zone."""
    if ":" not in host:
        return host
    host = host.partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


class TrustedClients:
    """The networks whose servers may speak for others (XFORWARD, XCLIENT)."""

    _MOST = 10_000

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks
        self._known: dict[str, bool] = {}

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= self._MOST:
                self._known.clear()
            known = self._known[address] = self._look(address)
        return known

    def _look(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed.version == network.version and parsed in network for network in self._networks)


def counted_as(address: str) -> str | bytes:
    """Return what counts as one client: an IPv4 address, or an IPv6 /64, of which anyone can fill the rest."""
    if ":" not in address:
        return address
    try:
        return socket.inet_pton(socket.AF_INET6, address)[:8]
    except OSError:
        return address


class Connections:
    """Counts the open ones, in total and by client network."""

    def __init__(self, most: int, most_per_client: int, share: Share | None = None) -> None:
        """share: where there are other processes at the door, whose connections count as well."""
        self._most = most
        self._most_per_client = most_per_client
        self._by_client: Counter[str | bytes] = Counter()
        self._share = share
        self.total = 0
        """Of this process."""

    @property
    def everywhere(self) -> int:
        """How many are open in all processes."""
        return self.total if self._share is None else self.total + self._share.connections_elsewhere()

    @property
    def full(self) -> bool:
        """True where no further connection is taken."""
        return self.everywhere >= self._most

    def enter(self, address: str, trusted: bool) -> bool:
        """Admit one more, or return False; a trusted server brings the mail of many, so only the total holds."""
        client = None if trusted else counted_as(address)
        if self.everywhere >= self._most or (client is not None and self._count(client) >= self._most_per_client):
            return False
        self._note(1, client)
        return True

    def leave(self, address: str, trusted: bool) -> None:
        """Forget one that had been admitted."""
        self._note(-1, None if trusted else counted_as(address))

    def _count(self, client: str | bytes) -> int:
        elsewhere = 0 if self._share is None else self._share.client_elsewhere(client)
        return self._by_client[client] + elsewhere

    def _note(self, change: int, client: str | bytes | None) -> None:
        self.total += change
        if client is not None:
            self._by_client[client] += change
            if not self._by_client[client]:
                del self._by_client[client]
        if self._share is not None:
            self._share.note_connection(change, client)


class Memory:
    """The octets of content in flight, over all sessions."""

    def __init__(self, most: int, share: Share | None = None) -> None:
        """share: where there are other processes at the door, whose content counts as well."""
        self._most = most
        self._share = share
        self.taken = 0
        """By this process."""

    def take(self, octets: int) -> bool:
        """Account for so many more (or fewer), or return False when they would be too many."""
        if not self.has_room(octets):
            return False
        self._note(octets)
        return True

    def has_room(self, octets: int) -> bool:
        """True where a message of this size could be taken now."""
        elsewhere = 0 if self._share is None else self._share.octets_elsewhere()
        return self.taken + elsewhere + octets <= self._most

    def give(self, octets: int) -> None:
        """Give octets back that were taken."""
        self._note(-octets)

    def _note(self, octets: int) -> None:
        self.taken += octets
        if self._share is not None:
            self._share.note_octets(self.taken)


@dataclass(slots=True)
class Patience:
    """What a session may do wrong before we end it; forgiven by each mail it delivers."""

    max_errors: int
    """Commands refused for their form or order."""
    max_junk: int
    """Commands that lead nowhere: NOOP, RSET, VRFY, EHLO …"""
    max_unknown: int
    """Recipients refused for good, while they are more than those accepted: somebody guesses addresses."""
    errors: int = 0
    junk: int = 0
    unknown: int = 0
    accepted: int = field(default=0)

    @property
    def lost(self) -> bool:
        """True when the session has used it up."""
        return (
            self.errors > self.max_errors
            or self.junk > self.max_junk
            or (self.unknown > self.max_unknown and self.unknown > self.accepted)
        )

    def forgive(self) -> None:
        """A mail was delivered."""
        self.errors = self.junk = self.unknown = self.accepted = 0
