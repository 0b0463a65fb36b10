"""Sites that several tests share; each test takes a mailbox or a sender of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from benchmarks.places import PATIENCE
from tests.peers.deployment import WAYS, Site, site
from tests.peers.exim_sendmail import EXIM, SENDMAIL

# For what a page has to show: Playwright's own five seconds are few on a busy machine.
expect.set_options(timeout=PATIENCE * 1000)

_PROGRAMS = (
    "postfix",
    "postconf",
    "smtp-source",
    "smtp-sink",
    "swaks",
    "dovecot",
    "slapd",
    "m4",
    "spamassassin",
    str(EXIM),
    str(SENDMAIL),
)


@pytest.fixture(scope="session", autouse=True)
def _peers_are_here() -> None:
    """A peer that is missing is a failure: nothing here is ever skipped."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    assert not missing, f"sh tests/install-peers installs what is not found: {', '.join(missing)}"


@pytest.fixture(scope="session", params=WAYS)
def any_way(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Each of the three ways in, one after the other."""
    with site(request.param) as made:
        yield made
