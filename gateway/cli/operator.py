"""Who the command line is for the services that ask who asks."""

from __future__ import annotations

from gateway.cli.options import actor
from gateway.domain.roles import Reach, Role, Viewer


def operator() -> Viewer:
    """Return the person at the machine: whoever can write the store may do everything."""
    return Viewer(0, actor(), Role.SITE_ADMIN, Reach(site=True))
