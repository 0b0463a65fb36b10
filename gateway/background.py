"""What the service does by itself with mail that waits: deliver, ask, expire, describe; each as the work of one loop."""

from __future__ import annotations

import asyncio
import functools
import random
import secrets
import time
from collections.abc import Awaitable, Callable

from gateway import assembly
from gateway.flow.challenge import Challenger, Compose
from gateway.flow.courier import Outside
from gateway.flow.deliver import Deliverer
from gateway.flow.describe import Describer
from gateway.flow.expire import Expirer
from gateway.flow.ports import Hop
from gateway.settings import Settings
from gateway.store.store import Store
from gateway.workers.clock import Clock

Work = Callable[[], Awaitable[int]]
"""Does a piece, and tells how much it was."""

DESCRIBE_REST = 4.0
"""How often as long as it worked the describing worker rests: it takes no more than a fifth of the time."""


def make_deliverer(
    settings: Settings, store: Store, hop_for: Callable[[str], Hop], site_key: bytes, now: Callable[[], float]
) -> Deliverer:
    """Return what hands released mail to the next hop. hop_for: recipient domain → next hop."""
    rules = assembly.deliver_rules(settings, site_key)
    return Deliverer(rules, store, hop_for, now=now, chance=random.random, lease=_fresh_lease)


def challenge_work(settings: Settings, store: Store, write: Compose, send: Outside, clock: Clock) -> Work:
    """Ask senders. write: makes the letter. send: hands it to the outside."""
    challenger = Challenger(
        store,
        settings.web.public_url,
        write,
        functools.partial(send, settings.challenge.sender),
        now=clock.now,
        chance=random.random,
        lease=_fresh_lease,
        random_octets=secrets.token_bytes,
    )

    async def work() -> int:
        # By a clock that jumped, a sender might be asked twice within the days it is to be left alone.
        return await challenger.run_once() if clock.trusted() else 0

    return work


def expiry_work(settings: Settings, store: Store, clock: Clock, wake_deliveries: Callable[[], None]) -> Work:
    """End what waited long enough, and forget what ended long ago."""
    expirer = Expirer(
        store,
        assembly.policy(settings),
        assembly.retention_seconds(settings),
        assembly.digest_rules(settings),
        now=clock.now,
        wake_deliveries=wake_deliveries,
    )

    async def work() -> int:
        if not clock.trusted():
            return 0
        return await expirer.run_once() + await expirer.purge_once()

    return work


def describe_work(store: Store, longest_rest: float) -> Work:
    """Put what was kept into the list. longest_rest: in seconds, behind each piece."""
    describer = Describer(store)

    async def work() -> int:
        begun = time.monotonic()
        count = await describer.run_once()
        # Mail that comes in goes before its description.
        await asyncio.sleep(min(DESCRIBE_REST * (time.monotonic() - begun), longest_rest))
        return count

    return work


def _fresh_lease() -> int:
    return secrets.randbits(62)
