"""What the configuration says about taking mail in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.domain.address import normal_domain
from gateway.domain.challenge import Caps
from gateway.domain.envelope import Client
from gateway.domain.evidence import Network, in_network
from gateway.domain.policy import Policy


class Stage(Enum):
    """Where the gateway stands, `[smtp] stage`."""

    BEFORE_QUEUE = "before-queue"
    AFTER_QUEUE = "after-queue"
    EDGE = "edge"


@dataclass(frozen=True, slots=True)
class ReceiveRules:
    """What the configuration says about taking mail in."""

    stage: Stage
    hostname: str
    domains: frozenset[str]
    """Ours, as A-labels."""
    policy: Policy
    caps: Caps
    mark_key: bytes
    """Signs what we let on, so that it is known when it comes round again."""
    near: tuple[Network, ...] = ()
    """Our own servers. Only from them is a release mark believed: whoever got a mail we let on could send it again."""
    max_hops: int = 50
    check_recipients: bool = True
    reply_days: float = 0
    """For how long a mail of ours is known by replies to it; 0: not at all."""
    score_field: str = ""
    """Header field in which a filter in front says how spam-like a mail is; "" where none does."""


def own_domains(names: Sequence[str]) -> frozenset[str]:
    """Return our domains as they are compared."""
    return frozenset(normal_domain(name) for name in names)


def comes_from_near(near: tuple[Network, ...], client: Client) -> bool:
    """True for a client that is one of our own servers, or the machine that the MTA in front runs on."""
    if not client.address:
        return client.source == "LOCAL"
    return any(in_network(client.address, network) for network in near)
