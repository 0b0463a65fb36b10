"""config/prometheus and config/grafana ask for what the gateway tells, and nothing else; each alert has its line of advice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from gateway.domain.outgoing import Untaught
from gateway.domain.policy import Disposition, Reason
from gateway.flow import answer, challenge, deliver, digests, expire, outgoing, receive, webhook
from tests.architecture.tree import ROOT

ALERTS = yaml.safe_load((ROOT / "config/prometheus/alerts.yml").read_text("utf-8"))
DASHBOARD = json.loads((ROOT / "config/grafana/challenge-gateway.json").read_text("utf-8"))
TROUBLE = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")

_COUNTERS = (answer, challenge, deliver, digests, expire, outgoing, receive, webhook)
"""The modules that count; they register their counters when they are imported."""
_OF_OTHERS = {
    "up": {"job", "instance"},
    "node_filesystem_avail_bytes": {"mountpoint"},
    "node_filesystem_size_bytes": {"mountpoint"},
}
"""Prometheus's own, and the node exporter's."""
_PROCESS = {"process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total",
            "process_open_fds", "process_max_fds"}  # fmt: skip
_SELECTOR = re.compile(r"\b([a-z_]+)(?:\{([^}]*)\})?(?=[\s\[)]|$)")
_MATCHER = re.compile(r'(\w+)(=~|=|!~|!=)"([^"]*)"')
_WORDS = {"by", "sum", "and", "or", "unless", "offset", "changes", "rate", "increase", "min", "d", "h", "m"}


def _alerts() -> list[dict[str, Any]]:
    (group,) = ALERTS["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def _targets() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (one["expr"] for one in DASHBOARD["annotations"]["list"])


EXPRESSIONS = [*(rule["expr"] for rule in _alerts()), *_targets()]


def _labels() -> dict[str, dict[str, set[str]]]:
    """Return each metric of the table in docs/operations.md with its labels, and the values these can have."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, labels, words in re.findall(r"^\| `(gateway_\w+)(?:\{([\w,]+)\})?` \| (.*)$", OPERATIONS, re.MULTILINE):
        values = set(re.findall(r"`([a-z-]+)`", words))
        found[name] = {label: values for label in labels.split(",") if label}
    found["gateway_decisions_total"] = {
        "disposition": {each.value for each in Disposition},
        "reason": {each.value for each in Reason},
    }
    # The page of outgoing mail lists the others.
    found["gateway_outgoing_learned_total"]["what"] |= {each.value for each in Untaught}
    return found


def test_table_of_metrics_has_the_labels_and_values_that_counters_begin_with() -> None:
    assert all(_COUNTERS)
    known = _labels()
    for family in REGISTRY.collect():
        for sample in family.samples:
            if family.name.startswith("gateway_") and sample.name.endswith("_total"):
                assert sample.labels.keys() == known[sample.name].keys()
                assert all(value in known[sample.name][label] for label, value in sample.labels.items()), sample


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression_asks_for_metrics_and_labels_that_exist(expression: str) -> None:
    known = _labels()
    flat = re.sub(r"\bby \([^)]*\)", "", expression)
    asked = [(name, labels) for name, labels in _SELECTOR.findall(flat) if name not in _WORDS]

    assert asked
    for name, labels in asked:
        assert name in known or name in _PROCESS or name in _OF_OTHERS, name
        for label, sign, value in _MATCHER.findall(labels):
            if label in ("job", "instance"):
                continue
            assert sign in ("=", "=~")
            if name in known:
                assert set(value.split("|")) <= known[name].get(label, set()), (name, label, value)
            else:
                assert label in _OF_OTHERS[name]


@pytest.mark.parametrize("expression", [each for each in EXPRESSIONS if " by (" in each])
def test_expression_groups_by_labels_that_exist(expression: str) -> None:
    labels = {label for of_one in _labels().values() for label in of_one} | {"instance"}

    for names in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {name.strip() for name in names.split(",")} <= labels


def test_each_counter_of_rare_events_begins_at_zero() -> None:
    samples = {
        (sample.name, *sample.labels.values()): sample.value for each in REGISTRY.collect() for sample in each.samples
    }

    for rare in (("gateway_deliveries_total", "gave-up"), ("gateway_digests_total", "refused"),
                 ("gateway_challenges_total", "failed"), ("gateway_expired_total", "delete")):  # fmt: skip
        assert rare in samples


def test_each_alert_has_level_words_and_a_line_of_advice() -> None:
    advice = re.findall(r"^\| `([A-Z]\w+)` \|", TROUBLE, re.MULTILINE)
    rules = _alerts()

    assert [rule["alert"] for rule in rules] == advice
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["runbook"] == "docs/troubleshooting.md#alerts"
    assert "\n## Alerts\n" in TROUBLE


def test_dashboard_places_its_panels_without_overlap_and_names_its_source() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert [each["name"] for each in DASHBOARD["templating"]["list"]] == ["datasource", "job", "instance"]
