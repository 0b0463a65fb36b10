"""How much one network may ask of us: token buckets, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from challenge_web.client import read_hop


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket that holds `burst` requests and is refilled at a steady rate."""

    per_minute: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one network may do. An office of hundreds behind one address must not notice them."""

    posts: Limit = Limit(60, 120)
    """Answers and buttons. Wrong answers are counted for each challenge besides."""
    pictures: Limit = Limit(120, 240)
    sounds: Limit = Limit(6, 12)
    knocks: Limit = Limit(6, 12)
    """Numbers of mails that somebody types who shows nothing else."""
    max_networks: int = 10_000
    """Buckets of each kind that are remembered; beyond it the one longest unused is forgotten."""


class Buckets:
    """One bucket for each network. A network never seen has a full one, so forgetting errs on the kind side."""

    def __init__(self, limit: Limit, max_networks: int) -> None:
        self._rate = limit.per_minute / 60.0
        self._burst = float(limit.burst)
        self._max = max_networks
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, network: str, now: float) -> float:
        """Take one from the network's bucket; return 0.0, or the seconds to wait when it is empty.

        now: seconds on a clock that never goes back.
        """
        level, seen = self._levels.pop(network, (self._burst, now))
        level = min(self._burst, level + (now - seen) * self._rate)
        wait = 0.0 if level >= 1.0 else (1.0 - level) / self._rate
        self._levels[network] = (level - 1.0 if not wait else level, now)
        if len(self._levels) > self._max:
            self._levels.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._levels)


def counted_network(address: str) -> str:
    """Return the network an address is counted with: IPv4 /24, IPv6 /56 (what a household is given)."""
    ip = read_hop(address)
    if ip is None:
        return "unknown"
    return str(
        (IPv4Network if isinstance(ip, IPv4Address) else IPv6Network)((ip, 24 if ip.version == 4 else 56), False)
    )
