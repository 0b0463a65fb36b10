"""`pending`: what waits, and what a person does with it."""

from __future__ import annotations

import time
from dataclasses import replace

from gateway.domain.address import Address
from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.lifecycle import Event, State
from gateway.store.transaction import Transaction
from tests.store.letters import ANNA, DAY, JOE, KIM, NOW, keep, message, row
from tests.unit.cli.shell import Shell


def states(shell: Shell) -> dict[int, str]:
    """Return the state of each row."""
    return {one["id"]: one["state"] for one in shell("pending", "list", "--state", "all", "--json").data}


def test_pending_list_of_nothing_is_no_fault(shell: Shell) -> None:
    assert shell("pending", "list").status == 0
    assert shell("pending", "list", terminal=True).out == "Nothing is waiting.\n"
    assert shell("pending", "list", "--json").data == []


def test_pending_list_shows_the_newest_first(shell: Shell) -> None:
    for number in range(3):
        shell.hold(f"Mail {number}")
    lines = shell("pending", "list").out.splitlines()
    assert lines[0].split("\t") == [
        "id", "state", "received", "from", "for", "subject", "octets", "why", "challenge", "goes",
    ]  # fmt: skip
    assert [line.split("\t")[5] for line in lines[1:]] == ["Mail 2", "Mail 1", "Mail 0"]
    assert lines[1].split("\t")[2] == "2023-11-14 22:13:20Z"


def test_pending_list_filters(shell: Shell) -> None:
    shell.hold("Roof", ask=True)
    shell.with_store(lambda store: keep(store, message("Garden", sender=Address.of("bo@elm.example")), row(KIM)))
    shell("pending", "delete", "1")

    def ids(*words: str) -> list[int]:
        return [one["id"] for one in shell("pending", "list", "--json", *words).data]

    assert ids() == [2]
    assert ids("--state", "all") == [2, 1]
    assert ids("--state", "deleted") == [1]
    assert ids("--for", "kim@example.org") == ids("--for", "EXAMPLE.org") == [2]
    assert ids("--from", "BO@elm.example") == ids("--from", "<bo@elm.example>") == [2]
    assert ids("--search", "gard") == [2]
    assert ids("--search", "%") == []
    assert ids("--state", "all", "--before", "2") == [1]


def test_pending_list_with_a_query_searches_as_the_page_does(shell: Shell) -> None:
    shell.hold("Offer for the roof")
    shell.with_store(lambda store: keep(store, message("Garden", sender=Address.of("bo@elm.example")), row(KIM)))
    shell("pending", "delete", "1")

    def ids(*words: str) -> list[int]:
        return [one["id"] for one in shell("pending", "list", "--json", *words).data]

    assert ids("garden") == ids("from:elm") == ids("gard", "reason:unknown") == [2]
    assert ids("roof") == []
    assert ids("roof", "state:deleted") == ids("--state", "all", "roof") == [1]
    assert ids("example", "--state", "all") == [2, 1]
    assert ids("example", "--state", "all", "--before", "2") == [1]
    assert ids("example", "--for", "kim@example.org") == ids("--for", "example.org", "garden") == [2]
    assert ids("garden", "--for", "joe@example.org") == []
    assert ids("garden", "--from", "bo@elm.example", "--search", "gard") == [2]
    assert ids("after:2023-11-14", "before:2023-11-15") == [2]
    assert "There is no state x" in shell("pending", "list", "state:x").err


def test_pending_list_by_score_or_digest_lists_no_other_mail(shell: Shell) -> None:
    shell.with_store(lambda store: keep(store, replace(message("Fair"), score=1.0)))
    shell.with_store(lambda store: keep(store, replace(message("Foul"), score=9.5)))
    shell.hold("Without")
    digest: list[int] = []
    shell.change(lambda tx: digest.append(tx.digests.add("joe@example.org", 1, [(1, 1)], NOW, NOW)))

    def subjects(*words: str) -> list[str]:
        return [one["subject"] for one in shell("pending", "list", "--json", *words).data]

    assert subjects("score:>5") == ["Foul"]
    assert subjects(f"digest:{digest[0]}") == ["Fair"]
    assert subjects("score:>5", f"digest:{digest[0]}") == []


def test_search_for_what_nobody_has_seen_is_refused_for_commands_open_no_mail(shell: Shell) -> None:
    shell.hold("Offer")
    for words in (("pending", "list", "is:unseen"), ("orders", "give", "delete", "--matching", "is:unseen")):
        outcome = shell(*words)
        assert (outcome.status, outcome.out) == (2, "")
        assert "is:unseen" in outcome.err


def test_pending_list_that_ends_early_says_so_beside_the_output(shell: Shell) -> None:
    for _ in range(3):
        shell.hold()
    outcome = shell("pending", "list", "--most", "2", "--json")
    assert [one["id"] for one in outcome.data] == [3, 2]
    assert "--before 2" in outcome.err
    assert shell("pending", "list", "--most", "4").err == ""


def test_pending_list_of_more_than_a_page_has_one_line_of_titles(shell: Shell) -> None:
    def many(tx: Transaction) -> None:
        new = message()
        rows = [row(Address.of(f"u{n}@example.org")) for n in range(2100)]
        tx.pending.insert_rows(tx.pending.insert_message(new), new, rows, None)

    shell.change(many)
    lines = shell("pending", "list", "--most", "2050").out.splitlines()
    assert len(lines) == 2051
    assert len(shell("pending", "list", "--most", "5000", "--json").data) == 2100


def test_pending_show_tells_all_that_is_known(shell: Shell) -> None:
    shell.hold(ask=True)
    shown = shell("pending", "show", "1").out
    for words in (
        "anna@oak.example", "Anna Roth", "joe@example.org", "a signature of oak.example", "mx.oak.example [192.0.2.7]",
        "3fX 4XyZ", "waits until", "hold by service", "<1@oak.example>",
    ):  # fmt: skip
        assert words in shown, words
    data = shell("pending", "show", "1", "--json").data
    assert data["evidence"]["spf"] == {"result": "pass", "domain": "oak.example", "of_helo": False}
    assert [line["event"] for line in data["history"]] == ["hold"]


def test_pending_show_of_mail_with_odd_values_is_no_fault(shell: Shell) -> None:
    shell.hold("", evidence=NO_EVIDENCE)
    shell.change(lambda tx: tx.connection.exec_driver_sql("UPDATE pending SET reason='a-new-one', silence='another'"))
    shell.change(lambda tx: tx.connection.exec_driver_sql("UPDATE message SET proofs='arc:x.example nonsense'"))
    outcome = shell("pending", "show", "1")
    assert outcome.status == 0, outcome.err
    assert "a-new-one" in outcome.out


def test_pending_show_content_is_the_message_octet_for_octet(shell: Shell) -> None:
    shell.hold(body="Grüße\x1b[31m")
    outcome = shell("pending", "show", "1", "--content")
    assert outcome.out.endswith("\r\n\r\nGrüße\x1b[31m\r\n")
    assert "\x1b" not in shell("pending", "show", "1", "--content", terminal=True).out


def test_pending_show_of_what_is_not_there_says_so(shell: Shell) -> None:
    outcome = shell("pending", "show", "7")
    assert (outcome.status, outcome.out) == (1, "")
    assert "no mail 7" in outcome.err


def test_pending_show_content_after_its_retention_says_so(shell: Shell) -> None:
    shell.hold()
    shell.change(lambda tx: tx.connection.exec_driver_sql("DELETE FROM content"))
    assert "retention" in shell("pending", "show", "1").out
    outcome = shell("pending", "show", "1", "--content")
    assert (outcome.status, outcome.out) == (1, "")


def test_pending_actions_move_what_they_are_given(shell: Shell) -> None:
    for number in range(4):
        shell.hold(str(number), sender=Address.of(f"s{number}@oak.example"))
    for number, (action, state) in enumerate(
        [("authorize", "released"), ("deliver", "released"), ("blacklist", "blocked"), ("delete", "deleted")], 1
    ):
        outcome = shell("pending", action, str(number))
        assert (outcome.status, outcome.out) == (0, f"{number}: {state}\n")
    assert states(shell) == {1: "released", 2: "released", 3: "blocked", 4: "deleted"}
    assert [(one["verdict"], one["pattern"], one["added_by"]) for one in shell("lists", "show", "--json").data] == [
        ("allow", "s0@oak.example", "cli:admin"),
        ("deny", "s2@oak.example", "cli:admin"),
    ]


def test_pending_authorize_and_blacklist_are_as_wide_as_they_are_told(shell: Shell) -> None:
    bert = Address.of("bert@oak.example")
    for sender, to in ((ANNA, JOE), (ANNA, KIM), (bert, JOE), (bert, KIM)):
        mail = message(f"{sender.text} to {to.text}", sender=sender)
        shell.with_store(lambda store: keep(store, mail, row(to)))  # noqa: B023 awaited here
    assert shell("pending", "authorize", "1", "--scope", "domain").status == 0
    assert states(shell) == {1: "released", 2: "released", 3: "pending", 4: "pending"}
    assert shell("pending", "blacklist", "3", "--sender", "domain", "--scope", "site").status == 0
    assert states(shell) == {1: "released", 2: "released", 3: "blocked", 4: "pending"}
    assert [(one["verdict"], one["pattern"], one["for"]) for one in shell("lists", "show", "--json").data] == [
        ("allow", "anna@oak.example", "example.org"),
        ("deny", "oak.example", ""),
    ]
    assert "it comes from no list" in shell("pending", "authorize", "4", "--sender", "source").err
    assert shell("pending", "deliver", "4", "--scope", "site").status == 2


def test_pending_action_on_right_and_wrong_ids_does_the_right_ones_and_ends_with_1(shell: Shell) -> None:
    shell.hold("1")
    shell.hold("2")
    outcome = shell("pending", "delete", "99", "1", "2", "1", "98")
    assert outcome.status == 1
    assert outcome.out.splitlines() == ["1: deleted", "2: deleted"]
    advice = "no such message; `pending list --state all` lists what there is"
    assert outcome.err.splitlines() == [f"99: {advice}", f"98: {advice}"]
    assert states(shell) == {1: "deleted", 2: "deleted"}
    assert shell("audit").status == 0


def test_pending_action_told_as_json_names_each_problem(shell: Shell) -> None:
    shell.hold()
    outcome = shell("pending", "deliver", "1", "2", "--json")
    assert outcome.status == 1
    assert outcome.data == [
        {"id": 1, "state": "released", "problem": ""},
        {"id": 2, "state": None, "problem": "no such message"},
    ]


def test_pending_action_that_is_not_possible_any_more_says_why(shell: Shell) -> None:
    shell.hold()
    shell("pending", "delete", "1")
    outcome = shell("pending", "deliver", "1")
    assert (outcome.status, outcome.err) == (1, "1: deliver is not possible: the message is deleted\n")


def test_pending_action_on_hundreds_of_rows_does_them_all(shell: Shell) -> None:
    def many(tx: Transaction) -> None:
        new = message(at=NOW)
        rows = [row(Address.of(f"u{n}@example.org"), Event.HOLD) for n in range(450)]
        tx.pending.insert_rows(tx.pending.insert_message(new), new, rows, None)

    shell.change(many)
    outcome = shell("pending", "delete", *map(str, range(1, 451)))
    assert outcome.status == 0
    assert outcome.out.count(": deleted\n") == 450
    assert set(states(shell).values()) == {State.DELETED.value}


def test_list_of_what_came_since_the_last_digest_asks_whose(shell: Shell) -> None:
    shell.hold("Old")

    def told(tx: Transaction, at: float) -> None:
        made = tx.digests.add("joe@example.org", 1, [(1, 1)], at, at)
        tx.digests.finish(made, "delivered", "250 OK", at)

    assert shell("pending", "list", "after:digest").status == 2
    words = ("pending", "list", "--for", "joe@example.org", "after:digest")
    outcome = shell(*words)
    assert (outcome.status, outcome.out) == (1, "")
    shell.change(lambda tx: told(tx, time.time()))
    assert shell(*words, "--json").data == []
    shell.change(lambda tx: told(tx, NOW - DAY))
    assert [row["subject"] for row in shell(*words, "--json").data] == ["Old"]
