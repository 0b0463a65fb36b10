"""What holds for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.corpus import FOLDER, OWN, corpus

# The same examples in each run, and no time limit: a busy machine is not a fault of the code.
settings.register_profile(
    "gateway", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gateway")

# Where Debian keeps servers; not on the path of everybody.
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"

# The settings of whoever runs the tests are not those of the tests.
for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
    del os.environ[name]


DOMAIN = Path(__file__).parent / "unit" / "domain"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure coverage where it counts: the domain's own tests cover it; traced, all others take half as long again."""
    for item in items:
        if DOMAIN not in item.path.parents:
            item.add_marker("no_cover")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: while one waits for a server or a process, another works."""
    return min(len(os.sched_getaffinity(0)) + 1, 8)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what mails the tests are run on: the corpus is not part of the project."""
    found = len(corpus())
    where = f"{found} mails at {FOLDER}" if found else f"no corpus at {FOLDER} (CORPUS_DIR names another place)"
    return f"mails: {len(OWN)} of our own; {where}"
