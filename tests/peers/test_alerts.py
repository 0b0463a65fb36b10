"""Prometheus's own tool on the shipped alerts: each fires when it should, and is silent when it should not."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import yaml

from benchmarks.gateway_process import ROOT
from tests.peers.exim_sendmail import UNPACKED

FILES = ROOT / "config/prometheus"
MONITORING = (ROOT / "docs/monitoring.md").read_text("utf-8")


def test_shipped_alerts_fire_and_are_silent_as_their_cases_say() -> None:
    told = subprocess.run(
        [UNPACKED / "usr/bin/promtool", "test", "rules", FILES / "alerts_test.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr


def test_configuration_shown_for_prometheus_is_one_it_takes(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", MONITORING, re.MULTILINE | re.DOTALL)
    file = tmp_path / "prometheus.yml"
    file.write_text(shown.replace("/etc/prometheus/challenge-gateway.yml", str(FILES / "alerts.yml")))

    told = subprocess.run(
        [UNPACKED / "usr/bin/promtool", "check", "config", file], capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stdout + told.stderr
    assert str(FILES / "alerts.yml") in file.read_text()
    (job,) = (one["job_name"] for one in yaml.safe_load(shown)["scrape_configs"])
    assert f'job="{job}"' in (FILES / "alerts.yml").read_text("utf-8")


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent() -> None:
    (group,) = yaml.safe_load((FILES / "alerts.yml").read_text("utf-8"))["groups"]
    cases = [
        case
        for test in yaml.safe_load((FILES / "alerts_test.yml").read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]
    names = {rule["alert"] for rule in group["rules"]}
    for fires in (True, False):
        counted = Counter(case["alertname"] for case in cases if bool(case["exp_alerts"]) is fires)
        assert counted.keys() == names
