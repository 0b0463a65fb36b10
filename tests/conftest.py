"""What holds for all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests.corpus import FOLDER, OWN, corpus

# The same examples in each run, and no time limit: a busy machine is not a fault of the code.
settings.register_profile(
    "gateway", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gateway")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the constants that hypothesis mixes into its examples be those of the modules that are loaded now.

    It looks for more whenever a module was loaded since, and which ones were by then hangs on the tests that came before in the
    same process. There is no setting for it.
    """
    constants = providers._get_local_constants()
    providers._get_local_constants = lambda: constants


# Where Debian keeps servers; not on the path of everybody.
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"

# Compiled modules are kept, also where pytest is run without make: some two hundred processes would compile them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The settings of whoever runs the tests are not those of the tests.
for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
    del os.environ[name]


DOMAIN = Path(__file__).parent / "unit" / "domain"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure coverage where it counts: the domain's own tests cover it; traced, all others take half as long again.

    The marker `no_cover` would do so for the test alone, and not for what sets it up. It is for tests in the domain that
    try many thousand values where others have been on each branch.
    """
    plugin = item.config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is None or not controller.started or DOMAIN in item.path.parents:
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two more than there are processors: while some wait for a server or a process, others work."""
    return min(len(os.sched_getaffinity(0)) + 2, 8)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what mails the tests are run on: the corpus is not part of the project."""
    found = len(corpus())
    where = f"{found} mails at {FOLDER}" if found else f"no corpus at {FOLDER} (CORPUS_DIR names another place)"
    return f"mails: {len(OWN)} of our own; {where}"
