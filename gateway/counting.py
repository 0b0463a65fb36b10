"""Counters of the mail path: a number in a dictionary until somebody asks for the metrics.

A counter of prometheus_client takes a lock, and looks itself up by its labels, for each count. These are counted by
one thread, the one with the event loop, which also answers when they are asked for.

Where several processes take mail, the service learns from the others what they have counted, and tells the sums.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

Labels = tuple[str, ...]


class PlainCounter(Collector):
    """A counter with labels: `counter.counts["deliver", "allowlist"] += 1`."""

    def __init__(
        self, name: str, told: str, labels: tuple[str, ...] = (), *, registry: CollectorRegistry = REGISTRY
    ) -> None:
        """told: what it counts, in a sentence. Each key of `counts` has a value for each label, in their order."""
        self.counts: defaultdict[Labels, int] = defaultdict(int)
        self.elsewhere: dict[int, dict[Labels, int]] = {}
        """What other processes have counted, by their number."""
        self._name = name
        self._told = told
        self._labels = labels
        if not labels:
            self.counts[()] = 0
        registry.register(self)
        if registry is REGISTRY:
            _counters[name] = self

    def describe(self) -> Iterator[Metric]:
        """Name it to the registry, which then refuses a second of this name."""
        yield CounterMetricFamily(self._name, self._told, labels=self._labels)

    def collect(self) -> Iterator[Metric]:
        """Return every count, as the metrics page tells them."""
        family = CounterMetricFamily(self._name, self._told, labels=self._labels)
        sums = Counter(self.counts)
        for counts in self.elsewhere.values():
            sums.update(counts)
        for values, count in sums.items():
            family.add_metric(values, count)
        yield family


_counters: dict[str, PlainCounter] = {}
"""Of this process, by name."""


def counts() -> dict[str, list[tuple[Labels, int]]]:
    """Return what this process has counted: the name of each counter, its labels and numbers."""
    return {name: list(counter.counts.items()) for name, counter in _counters.items()}


def learn(process: int, told: Mapping[str, Sequence[tuple[Labels, int]]]) -> None:
    """Take over what another process has counted since it began."""
    for name, numbers in told.items():
        _counters[name].elsewhere[process] = dict(numbers)


def keep(process: int) -> None:
    """Let the counts of a process that has ended stay: the next one of its number begins at nothing."""
    for counter in _counters.values():
        for labels, count in counter.elsewhere.pop(process, {}).items():
            counter.counts[labels] += count
