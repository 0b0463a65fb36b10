"""A gateway that is killed, and what stands around it and is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.places import HOST, open_folder
from benchmarks.surroundings import Surroundings, sender_zones


@pytest.fixture
def around() -> Iterator[Surroundings]:
    """Name server and mailboxes."""
    with Surroundings(sender_zones(("known.example", "stranger.example"), HOST)) as made:
        yield made


@pytest.fixture
def folder() -> Iterator[Path]:
    """For store and log."""
    with open_folder("gateway-crash") as made:
        yield made


@pytest.fixture
def settings(around: Surroundings) -> dict[str, str | int | list[str]]:
    """A gateway among these, whose clients are the senders themselves."""
    return {
        "smtp.stage": "edge",
        "domains.names": ["example.org"],
        "relay.next_hop": f"{HOST}:{around.inside.port}",
        "relay.smart_host": f"{HOST}:{around.outside.port}",
        "dns.servers": [f"{HOST}:{around.dns_port}"],
    }
