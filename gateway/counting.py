"""Counters of the mail path: a number in a dictionary until somebody asks for the metrics.

A counter of prometheus_client takes a lock, and looks itself up by its labels, for each count. These are counted by
one thread, the one with the event loop, which also answers when they are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class PlainCounter(Collector):
    """A counter with labels: `counter.counts["deliver", "allowlist"] += 1`."""

    def __init__(
        self, name: str, told: str, labels: tuple[str, ...] = (), *, registry: CollectorRegistry = REGISTRY
    ) -> None:
        """told: what it counts, in a sentence. Each key of `counts` has a value for each label, in their order."""
        self.counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self._name = name
        self._told = told
        self._labels = labels
        if not labels:
            self.counts[()] = 0
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """Name it to the registry, which then refuses a second of this name."""
        yield CounterMetricFamily(self._name, self._told, labels=self._labels)

    def collect(self) -> Iterator[Metric]:
        """Return every count, as the metrics page tells them."""
        family = CounterMetricFamily(self._name, self._told, labels=self._labels)
        for values, count in self.counts.items():
            family.add_metric(values, count)
        yield family
