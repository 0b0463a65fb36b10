"""Orders, sources, saved searches, and single entries: seen to at the command line as on the console's pages."""

from __future__ import annotations

import re

from gateway.store.transaction import Transaction
from tests.unit.cli.shell import Shell

NEWS = "News\r\nList-Id: <news.oak.example>"


def pending(shell: Shell, state: str = "pending") -> list[int]:
    return sorted(row["id"] for row in shell("pending", "list", "--state", state, "--json").data)


# --- orders ---


def test_order_is_given_shown_and_undone_before_it_runs(shell: Shell) -> None:
    shell.hold("Roof"), shell.hold("Cellar")
    given = shell("orders", "give", "delete", "1", "2", "99", "--json").data
    assert (given["action"], given["state"], given["total"], given["missed"]) == ("delete", "waiting", 2, 1)
    assert [line["id"] for line in shell("orders", "list", "--json").data] == [given["id"]]
    shown = shell("orders", "show", str(given["id"]))
    assert "2, 0 done, 0 not, 1 not to be had" in shown.out
    assert shell("orders", "undo", str(given["id"])).out == f"order {given['id']} is taken back, or stopped\n"
    assert shell("orders", "show", "1", "--json").data["order"]["state"] == "undone"
    assert "no longer be undone" in shell.refused("orders", "undo", str(given["id"]))
    assert [line["deed"] for line in shell("log", "list", "--json").data] == ["order", "pending"]


def test_order_for_all_that_match_takes_those_and_no_others(shell: Shell) -> None:
    shell.hold("Roof"), shell.hold("Cellar")
    assert "`orders undo 1`" in shell("orders", "give", "delete", "--matching", "subject:roof").out
    shell.carry_out_orders()
    assert (pending(shell), pending(shell, "deleted")) == ([2], [1])


def test_order_that_makes_no_sense_is_refused_in_one_line(shell: Shell) -> None:
    shell.hold()
    assert "--matching" in shell.refused("orders", "give", "delete")
    assert "--matching" in shell.refused("orders", "give", "delete", "1", "--matching", "roof")
    assert "There is no state none" in shell.refused("orders", "give", "delete", "--matching", "state:none")
    assert "there is no order 7" in shell.refused("orders", "show", "7")
    assert "there is no account" in shell.refused("orders", "list", "--account", "nobody")
    assert "none of these waits" in shell("orders", "give", "delete", "99").err


# --- sources ---


def test_source_is_listed_and_accepted_with_what_waits_from_it(shell: Shell) -> None:
    shell.hold(NEWS), shell.hold(f"More {NEWS}"), shell.hold("A letter")
    (line,) = shell("sources", "list", "--json").data
    assert (line["source"], line["count"]) == ("list:news.oak.example", 2)
    outcome = shell("sources", "accept", "list:news.oak.example", "--for", "joe@example.org", "--json")
    assert (outcome.data["entries"], sorted(outcome.data["mails"])) == (1, [1, 2])
    assert pending(shell, "released") == [1, 2]
    assert shell("lists", "show", "allow", "--json").data[0]["pattern"] == "list:news.oak.example"
    assert "sources list" in shell.refused("sources", "accept", "list:news.oak.example")


def test_source_is_refused_for_the_domain_and_its_mail_dropped(shell: Shell) -> None:
    shell.hold(NEWS)
    told = shell("sources", "refuse", "list:news.oak.example").out
    assert told == "list:news.oak.example is kept out for example.org\n1 mails are dropped\n"
    assert pending(shell, "blocked") == [1]
    assert "--for" in shell.refused("sources", "refuse", "list:news.oak.example", "--for", "a b")


# --- saved searches ---


def test_search_is_saved_for_an_account_and_removed(shell: Shell) -> None:
    shell("account", "add", "joe@example.org")
    assert shell("searches", "save", "joe@example.org", "roofs", "roof", "from:anna").out == (
        "search 1 is saved as roofs\n"
    )
    assert shell("searches", "list", "joe@example.org", "--json").data == [
        {"id": 1, "name": "roofs", "q": "roof from:anna", "lane": "", "source": "", "sort": "arrival", "reverse": False}
    ]
    assert shell("searches", "remove", "joe@example.org", "1").out == "search 1 is removed\n"
    assert "has no search 1" in shell.refused("searches", "remove", "joe@example.org", "1")
    assert "Give the search a name" in shell.refused("searches", "save", "joe@example.org", " ", "roof")
    assert "there is no account" in shell.refused("searches", "list", "kim@example.org")


# --- entries ---


def test_entries_removed_by_number_come_back_as_they_were(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example", "--note", "ours")
    shell("lists", "add", "deny", "elm.example")
    before = shell("lists", "show", "--json").data
    removed = shell("lists", "remove", "--id", "1", "--id", "2", "--id", "9", "--json").data
    assert [entry["id"] for entry in removed["entries"]] == [1, 2]
    assert shell("lists", "show", "--json").data == []
    assert shell("lists", "undo", str(removed["removal"])).out == "2 entries are back\n"
    assert shell("lists", "show", "--json").data == before
    assert "back already" in shell.refused("lists", "undo", str(removed["removal"]))
    assert "removed nothing" in shell.refused("lists", "undo", "77")
    assert "of these numbers" in shell.refused("lists", "remove", "--id", "9")
    assert "by --id" in shell.refused("lists", "remove", "deny")


def test_removal_of_long_ago_does_not_come_back(shell: Shell) -> None:
    shell("lists", "add", "deny", "elm.example")
    note = shell("lists", "remove", "deny", "elm.example").err
    (number,) = re.findall(r"lists undo (\d+)", note)

    def age(tx: Transaction) -> None:
        tx.connection.exec_driver_sql("UPDATE entry_removal SET removed_at = removed_at - 999")

    shell.change(age)
    assert "too long ago" in shell.refused("lists", "undo", number)


def test_note_and_end_of_an_entry_are_changed_one_by_one(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example", "--note", "ours")
    changed = shell("lists", "change", "1", "--until", "2090-12-31", "--json").data
    assert (changed["note"], changed["expires_at"]) == ("ours", 3818448000.0)
    assert shell("lists", "change", "1", "--note", "").out == "changed allow oak.example for everybody\n"
    (entry,) = shell("lists", "show", "--json").data
    assert (entry["note"], entry["expires_at"]) == ("", 3818448000.0)
    assert "That day is over" in shell.refused("lists", "change", "1", "--until", "2001-01-01")
    assert "no date" in shell.refused("lists", "change", "1", "--until", "soon")
    assert "there is no entry 5" in shell.refused("lists", "change", "5", "--note", "x")
    assert "what to change" in shell.refused("lists", "change", "1")


def test_entries_that_name_a_sender_are_told_the_winner_first(shell: Shell) -> None:
    shell("lists", "add", "deny", "oak.example")
    shell("lists", "add", "allow", "anna@oak.example", "--for", "joe@example.org")
    rows = shell("lists", "judge", "Anna@oak.example", "joe@example.org", "--json").data
    assert [(row["verdict"], row["pattern"], row["holds"]) for row in rows] == [
        ("allow", "anna@oak.example", True),
        ("deny", "oak.example", True),
    ]
    assert shell("lists", "judge", "bo@elm.example", "joe@example.org", terminal=True).out == (
        "No entry names this sender.\n"
    )


def test_what_commands_change_stands_in_the_log_as_done_from_there(shell: Shell) -> None:
    shell.hold()
    shell("account", "add", "joe@example.org")
    for words in (
        ("pending", "delete", "1"), ("lists", "add", "deny", "elm.example"), ("policy", "set", "days", "9"),
        ("policy", "set", "days", "8", "--dry-run"), ("expect", "start", "joe@example.org"), ("expect", "stop", "1"),
        ("digest", "set", "site", "--schedule", "daily@18"), ("history", "erase", "bo@elm.example", "--yes"),
        ("token", "make", "joe@example.org", "backup", "--scope", "account"), ("token", "revoke", "1"),
    ):  # fmt: skip
        assert shell(*words).status == 0, words
    lines = shell("log", "list", "--json").data[::-1]
    assert [line["deed"] for line in lines] == [
        "accounts", "pending", "list-new", "policy", "expecting", "expecting-stop", "digest", "history-erase",
        "account-tokens", "account-token-revoke",
    ]  # fmt: skip
    assert {(line["actor"], line["client"]) for line in lines} == {("cli:admin", "command line")}
