"""What happens to mail while a server of the chain is down: the one before it keeps it, and it arrives once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.places import wait_until
from tests.peers.deployment import WAYS, Site, site
from tests.peers.letters import letter, trace_above

SENDER, RECIPIENT = "ben@friend.example", "mia@example.org"


@pytest.fixture(scope="module", params=WAYS)
def own_site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site whose parts are stopped here, so that nobody else shares it."""
    with site(request.param) as made:
        made.gateway.command("lists", "add", "allow", SENDER)
        yield made


def test_next_hop_that_is_down_defers_and_the_server_in_front_keeps_the_mail(own_site: Site) -> None:
    before, content = len(own_site.around.inside.mails(RECIPIENT)), letter(SENDER, RECIPIENT)
    # One goes through first, so that a kept connection has to be found dead.
    assert own_site.send(SENDER, RECIPIENT, letter(SENDER, RECIPIENT)).code == 250
    own_site.around.inside.wait(RECIPIENT, before + 1)
    entry = own_site.postfix.close_door(own_site.inner_port)

    answer = own_site.send(SENDER, RECIPIENT, content)

    if own_site.is_behind_queue:
        assert answer.code == 250
        own_site.wait_for_postfix(lambda: "status=deferred" in own_site.postfix.log(), "Postfix defers")
        assert own_site.postfix.queued("incoming", "active", "deferred") == 1
    else:
        assert 400 <= answer.code < 500
    own_site.postfix.open_door(entry, own_site.inner_port)
    if own_site.is_behind_queue:
        own_site.postfix.flush()
    else:
        assert own_site.send(SENDER, RECIPIENT, content).code == 250
    delivered = own_site.around.inside.wait(RECIPIENT, before + 2)
    trace_above(delivered[-1].content, content)
    own_site.settle()
    assert len(own_site.around.inside.mails(RECIPIENT)) == before + 2
    own_site.gateway.command("audit")


def test_released_mail_waits_for_a_next_hop_that_is_down(own_site: Site) -> None:
    sender, recipient = "ada@stranger.example", "sam@example.org"
    content = letter(sender, recipient)
    assert own_site.send(sender, recipient, content).code == 250
    row = own_site.held(recipient)
    entry = own_site.postfix.close_door(own_site.inner_port)

    own_site.gateway.command("pending", "deliver", str(row["id"]))
    wait_until(
        lambda: own_site.gateway.data("pending", "show", str(row["id"]))["attempts"] > 0,
        "a delivery was tried",
    )
    shown = own_site.gateway.data("pending", "show", str(row["id"]))

    assert shown["state"] == "released"
    assert shown["last_reply"].startswith("4")
    own_site.postfix.open_door(entry, own_site.inner_port)
    _make_due(own_site.gateway.folder, row["id"])
    (delivered,) = own_site.around.inside.wait(recipient)
    trace_above(delivered.content, content)


def test_gateway_that_is_down_loses_nothing(own_site: Site) -> None:
    if own_site.way == "edge":
        # There the gateway is the front: a client that finds no listener keeps its mail by itself.
        own_site.gateway.stop()
        with pytest.raises(ConnectionRefusedError):
            own_site.send(SENDER, RECIPIENT, letter(SENDER, RECIPIENT))
        own_site.gateway.start()
        assert own_site.send(SENDER, RECIPIENT, letter(SENDER, RECIPIENT)).code == 250
        return
    recipient = "kim@example.org"
    content = letter(SENDER, recipient)
    own_site.gateway.stop()

    answer = own_site.send(SENDER, recipient, content)

    if own_site.is_behind_queue:
        assert answer.code == 250
        own_site.wait_for_postfix(lambda: own_site.postfix.queued("deferred") == 1, "Postfix defers")
    else:
        assert 400 <= answer.code < 500
    own_site.gateway.start()
    if own_site.is_behind_queue:
        own_site.postfix.flush()
    else:
        assert own_site.send(SENDER, recipient, content).code == 250
    (delivered,) = own_site.around.inside.wait(recipient)
    trace_above(delivered.content, content)


def _make_due(folder: Path, row_id: int) -> None:
    """Let a delivery's next attempt be due now: its back-off is longer than a test."""
    with closing(sqlite3.connect(folder / "gateway.db", timeout=10)) as store, store:
        store.execute("UPDATE pending SET due_at = 0 WHERE id = ?", (row_id,))
