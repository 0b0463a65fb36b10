"""Counters of the mail path, as the metrics tell them."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from gateway.counting import PlainCounter, counts, keep, learn


def told(registry: CollectorRegistry) -> list[str]:
    """The samples, as the metrics page has them."""
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_tally_with_labels_is_told_for_each_value() -> None:
    registry = CollectorRegistry()
    tally = PlainCounter("things_total", "Things.", ("kind", "why"), registry=registry)
    assert told(registry) == []
    tally.counts["a", "b"] += 1
    tally.counts["a", "b"] += 1
    tally.counts["c", 'd"'] += 5
    assert told(registry) == ['things_total{kind="a",why="b"} 2.0', 'things_total{kind="c",why="d\\""} 5.0']


def test_tally_without_labels_begins_at_zero() -> None:
    registry = CollectorRegistry()
    tally = PlainCounter("octets_total", "Octets.", registry=registry)
    assert told(registry) == ["octets_total 0.0"]
    tally.counts[()] += 7
    assert told(registry) == ["octets_total 7.0"]


def test_tally_of_a_name_that_is_taken_is_refused() -> None:
    registry = CollectorRegistry()
    PlainCounter("things_total", "Things.", registry=registry)
    with pytest.raises(ValueError, match="things"):
        PlainCounter("things_total", "Other things.", registry=registry)


def test_counts_of_other_processes_are_told_with_ours_and_stay_when_those_end() -> None:
    counter = PlainCounter("elsewhere_total", "Things in several processes.", ("kind",))
    try:
        counter.counts["a",] += 1
        assert counts()["elsewhere_total"] == [(("a",), 1)]
        learn(1, {"elsewhere_total": [(("a",), 5), (("b",), 1)]})
        learn(2, {"elsewhere_total": [(("a",), 10)]})
        learn(1, {"elsewhere_total": [(("a",), 6), (("b",), 2)]})
        sums = ['elsewhere_total{kind="a"} 17.0', 'elsewhere_total{kind="b"} 2.0']
        assert [line for line in told(REGISTRY) if line.startswith("elsewhere")] == sums
        keep(1)
        keep(1)
        assert [line for line in told(REGISTRY) if line.startswith("elsewhere")] == sums
        learn(1, {"elsewhere_total": [(("b",), 1)]})
        assert counter.counts["b",] == 2
        assert 'elsewhere_total{kind="b"} 3.0' in told(REGISTRY)
    finally:
        REGISTRY.unregister(counter)
