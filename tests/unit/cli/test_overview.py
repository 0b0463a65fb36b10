"""`overview`, `domains`, `outgoing` and `log`: the site seen and seen to from the command line."""

from __future__ import annotations

import csv
import io
import time

import pytest

from gateway.domain.lifecycle import ChallengeState, Event, State
from gateway.flow.tally import HOUR, Happening, Slot
from gateway.store.transaction import Transaction
from tests.unit.cli.shell import Shell

SILENT = {"relay": {"next_hop": "127.0.0.1:9"}}
NOW = 1_700_000_000.0


def refuse(shell: Shell) -> int:
    """Keep a mail that the next server has refused."""
    (number,) = shell.hold("Refused").rows

    def work(tx: Transaction) -> None:
        waiting = tx.pending.get(number)
        assert waiting is not None
        tx.pending.move(waiting, State.RELEASED, Event.DELIVER, "tests", NOW, "")
        tx.pending.claim(NOW, 5, 7, NOW + 60, NOW + 60)
        tx.pending.finish(number, 7, State.REFUSED, Event.REFUSED, "550 5.1.1 no", None, NOW)

    shell.change(work)
    return number


def test_overview_tells_what_waits_and_which_server_does_not_answer(shell: Shell) -> None:
    shell.settings(SILENT)
    shell.hold()
    told = shell("overview", "--span", "7d", "--time-zone", "Europe/Prague", "--json").data
    assert (told["span"], len(told["bars"]), told["waiting"]) == ("7d", 7, 1)
    assert told["needs"] == ["The server 127.0.0.1:9 does not answer. Mail for it waits here."]
    assert told["next_hops"] == [{"place": "127.0.0.1:9", "domains": [], "reachable": False}]
    shown = shell("overview").out
    assert "to see to" in shown
    assert "frequent recipient        joe@example.org: 1" in shown
    assert "no time zone" in shell("overview", "--time-zone", "Mars/Base").err


def test_overview_of_one_domain_has_hours_scores_and_the_gauge(shell: Shell) -> None:
    shell.settings(SILENT)
    now = time.time()
    counts = {Slot(int(now) // HOUR * HOUR, "example.org", what): times for what, times in (
        (Happening.HELD, 30), (Happening.ASKED, 18), (Happening.DISOWNED, 1), (Happening.UNDELIVERABLE, 2),
    )}  # fmt: skip
    shell.change(lambda tx: tx.tallies.add(counts))
    told = shell("overview", "--domain", "Example.ORG.", "--json").data
    assert (told["domain"], told["scores"]) == ("example.org", [])
    assert told["backscatter"] == {"tried": 20, "disowned": 1, "undeliverable": 2, "share": 0.15}
    assert sum(line["numbers"]["held"] for line in told["hours"]) == 30
    shown = shell("overview", "--domain", "example.org").out
    assert "challenges gone wrong     15.0% of 20" in shown
    assert "arrived from" in shown
    assert "none of our domains" in shell("overview", "--domain", "foreign.example").err


def test_domains_are_listed_with_the_server_of_each(shell: Shell) -> None:
    shell.settings(SILENT)
    (line,) = shell("domains", "--json").data
    hop = {"place": "127.0.0.1:9", "domains": [], "reachable": False}
    assert (line["name"], line["next_hop"], line["numbers"]["held"]) == ("example.org", hop, 0)
    assert "example.org\t127.0.0.1:9\tno" in shell("domains", "--search", "Example").out
    assert shell("domains", "--search", "elm", "--json").data == []


def test_outgoing_mail_that_was_refused_is_tried_again_and_then_dropped(shell: Shell) -> None:
    number, other = refuse(shell), refuse(shell)
    rows = shell("outgoing", "list", "--json").data
    assert {(row["kind"], row["id"], row["state"], row["last_reply"]) for row in rows} == {
        ("mail", one, "refused", "550 5.1.1 no") for one in (number, other)
    }
    assert shell("outgoing", "retry", str(number)).out == f"{number} is tried again\n"
    assert shell("pending", "list", "--state", "released", "--json").data[0]["id"] == number
    assert shell("outgoing", "drop", str(other), "--json").data == [{"id": other, "problem": ""}]
    assert shell("pending", "list", "--state", "deleted", "--json").data[0]["id"] == other
    again = shell("outgoing", "drop", str(other), "99")
    assert (again.status, again.out, again.err.count("is not stuck")) == (1, "", 2)
    told = [(line["deed"], line["object"], line["detail"]) for line in shell("log", "list", "--json").data]
    assert told == [("outgoing-mail", str(other), "delete"), ("outgoing-mail", str(number), "deliver")]


def test_outgoing_challenge_is_tried_again_once_it_is_waiting_for_that(shell: Shell) -> None:
    shell.hold(ask=True)

    def fail_once(tx: Transaction) -> None:
        (one,) = tx.challenges.claim(NOW, 5, 7, NOW + 60, NOW + 60)
        tx.challenges.finish(one.id, 7, ChallengeState.QUEUED, "451 later", NOW + 9e9, "", NOW)

    shell.change(fail_once)
    assert [row["kind"] for row in shell("outgoing", "list", "--json").data] == ["challenge"]
    assert shell("outgoing", "retry-challenge", "1").out == "1 is tried again\n"
    missing = shell("outgoing", "retry-challenge", "9")
    assert (missing.status, missing.err.count("\n")) == (1, 1)


def test_log_is_listed_in_pages_and_written_as_a_file_without_formulas(shell: Shell) -> None:
    for name in ("ann", "=bob", "cid"):
        assert shell("account", "add", f"{name}@example.org").status == 0
    first = shell("log", "list", "--most", "2", "--json")
    assert [line["detail"] for line in first.data] == ["cid@example.org, user", "=bob@example.org, user"]
    assert all(line["client"] == "command line" for line in first.data)
    assert f"--before {first.data[-1]['id']}" in first.err
    rest = shell("log", "list", "--before", str(first.data[-1]["id"]), "--json").data
    assert [line["detail"] for line in rest] == ["ann@example.org, user"]
    assert shell("log", "list", "--by", "nobody", "--json").data == []
    assert len(shell("log", "list", "--search", "cid", "--json").data) == 1
    rows = list(csv.reader(io.StringIO(shell("log", "export").out)))
    assert rows[0] == ["time", "who", "looked_as", "did", "to", "detail", "client"]
    assert [row[5] for row in rows[1:]] == ["cid@example.org, user", "'=bob@example.org, user", "ann@example.org, user"]
    file = shell.folder / "log.csv"
    assert shell("log", "export", str(file)).out == ""
    assert len(file.read_text().splitlines()) == 4


@pytest.mark.parametrize("words", [("outgoing", "list"), ("log", "list"), ("domains",)])
def test_commands_without_a_store_say_so_in_one_line(bare: Shell, words: tuple[str, ...]) -> None:
    outcome = bare(*words)
    assert (outcome.status, outcome.out, outcome.err.count("\n")) == (1, "", 1)
