"""The unit file passes systemd's own checks."""

from __future__ import annotations

import re
import subprocess

from tests.architecture.tree import ROOT

UNIT = ROOT / "config/systemd/challenge-gateway.service"
MOST_EXPOSED = 2.0


def test_unit_verified_by_systemd_has_no_fault() -> None:
    run = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_unit_judged_by_systemd_is_hardly_exposed() -> None:
    run = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", UNIT],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", run.stdout)
    assert found, run.stdout + run.stderr
    assert float(found[1]) < MOST_EXPOSED
