"""What may be offered to a client: what every server further on offers."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.flow.ports import Features, Hop


class CommonFeatures:
    """What all of these servers have in common. Each new client asks, and the answer hardly ever changes."""

    def __init__(self, hops: Iterable[Hop]) -> None:
        """hops: the same one may come many times, once for each of its domains."""
        self._hops = tuple({id(hop): hop for hop in hops}.values())
        self._seen: list[Features] = []
        self._common = _common(self._seen)

    def now(self) -> Features:
        """Return it as last seen."""
        seen = [hop.features for hop in self._hops]
        if seen != self._seen:
            self._seen, self._common = seen, _common(seen)
        return self._common


def _common(offers: list[Features]) -> Features:
    return Features(
        known=all(offer.known for offer in offers),
        size=min((offer.size for offer in offers if offer.size), default=0),
        eight_bit=all(offer.eight_bit for offer in offers),
        smtputf8=all(offer.smtputf8 for offer in offers),
        dsn=all(offer.dsn for offer in offers),
    )
