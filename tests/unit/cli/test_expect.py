"""`expect`: windows opened and shut beside the running service."""

from __future__ import annotations

import re

import pytest

from tests.unit.cli.shell import Shell


def test_expect_start_opens_a_window_that_list_shows_until_it_is_stopped(shell: Shell) -> None:
    assert shell("expect", "list").out == "id\topens\tstate\tuntil\tfrom\tonce\tcame in\n"
    told = shell("expect", "start", "Joe@example.org", "--minutes", "20").out
    assert re.fullmatch(r"joe@example\.org expects mail until .*Z \(window 1\)\n", told)
    (window,) = shell("expect", "list", "--json").data
    assert (window["id"], window["address"], window["opens"], window["open"]) == (1, *["joe@example.org"] * 2, True)
    assert (window["once"], window["domain"], window["uses"]) == (False, "", 0)
    assert window["ends_at"] - window["starts_at"] == 20 * 60
    assert "anybody proven" in shell("expect", "list").out
    assert shell("expect", "stop", "1").out == "1: stopped\n"
    assert shell("expect", "list", "--json").data == []
    assert "over" in shell("expect", "list", "--all").out


def test_expect_start_with_a_tag_makes_an_address_for_days(shell: Shell) -> None:
    window = shell(
        "expect", "start", "joe@example.org", "--tag", "--days", "2", "--once", "--from", "shop.example", "--json"
    ).data
    assert re.fullmatch(r"joe\+[a-z2-9]{8}@example\.org", window["opens"])
    assert (window["once"], window["domain"], window["ends_at"] - window["starts_at"]) == (
        True,
        "shop.example",
        2 * 86_400,
    )


def test_expect_takes_the_delimiter_of_the_site(shell: Shell) -> None:
    shell.settings({"domains": {"recipient_delimiter": "-"}})
    assert shell("expect", "start", "joe@example.org", "--tag", "--json").data["opens"].startswith("joe-")
    shell.settings({"domains": {"recipient_delimiter": ""}})
    assert "no tagged addresses" in shell("expect", "start", "joe@example.org", "--tag").err


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("start", "joe@example.org", "--minutes", "5"), 2, "15 to 120"),
        (("start", "joe@example.org", "--tag", "--days", "400"), 2, "1 to 365"),
        (("start", "joe@example.org", "--from", "x"), 2, "not a domain"),
        (("start", "joe@elsewhere.example"), 1, "none of ours"),
        (("stop", "99"), 1, "no window 99"),
    ],
)
def test_expect_of_what_cannot_be_is_told_in_one_line(
    shell: Shell, words: tuple[str, ...], status: int, says: str
) -> None:
    outcome = shell("expect", *words)
    assert outcome.status == status
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_expect_that_the_policy_forbids_is_told(shell: Shell) -> None:
    shell("policy", "set", "expecting", "no", "example.org")
    outcome = shell("expect", "start", "joe@example.org")
    assert (outcome.status, outcome.err) == (1, "challenge-gateway: The policy for this address forbids it.\n")
