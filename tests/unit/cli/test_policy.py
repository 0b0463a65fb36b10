"""`policy`: what holds, where it comes from, and changing it beside the running service."""

from __future__ import annotations

import pytest

from gateway.domain.levels import Choice, PolicySetting
from gateway.store.transaction import Transaction
from tests.unit.cli.shell import Shell


def chosen(shell: Shell, *scopes: str) -> set[tuple[str, str, str | None, bool]]:
    found = shell.change(lambda tx: tx.policies.choices(scopes))
    return {(choice.scope, choice.setting.value, choice.value, choice.locked) for choice in found}


def shown(shell: Shell, *words: str) -> dict[str, dict[str, object]]:
    return {line["setting"]: line for line in shell("policy", "show", *words, "--json").data}


def test_policy_show_tells_the_configuration_where_nothing_was_chosen(shell: Shell) -> None:
    shell.settings({"pending": {"days": 21, "on_expiry": "deliver-as-spam"}, "challenge": {"mode": "off"}})
    lines = shown(shell)
    assert {setting: line["value"] for setting, line in lines.items()} == {
        "mode": "quarantine",
        "days": "21",
        "on-expiry": "deliver-as-spam",
        "challenge-scope": "domain",
        "language": "auto",
        "templates": "domain",
        "expecting": "yes",
        "written-to": "yes",
        "notices": "off",
        "users-edit-lists": "yes",
        "users-moderate": "yes",
        "users-read-content": "yes",
    }
    assert {line["origin"] for line in lines.values()} == {"configuration"}
    assert "users-moderate" not in shown(shell, "joe@example.org")
    assert shell("policy", "show").out.splitlines()[0] == "setting\tvalue\tfrom"


def test_policy_set_lock_unlock_unset_change_what_holds_below(shell: Shell) -> None:
    assert shell("policy", "set", "days", "30", "Example.org").out == "days for example.org: 14 → 30\n"
    assert shell("policy", "lock", "days", "example.org").out == "days for example.org: 30\nlocked for those below\n"
    joe = shown(shell, "Joe+shop@example.org")["days"]
    assert (joe["value"], joe["origin"], joe["locked_by"], joe["own"]) == ("30", "domain", "domain", None)
    assert joe["words"] == "set for example.org, locked by example.org"
    refused = shell("policy", "set", "days", "3", "joe@example.org")
    assert (refused.status, refused.err) == (2, "challenge-gateway: days is locked by the domain\n")
    assert shell("policy", "unlock", "days", "example.org").status == 0
    assert shell("policy", "set", "days", "3", "joe@example.org").status == 0
    # A value is chosen anew, and the lock stays.
    shell("policy", "lock", "days")
    shell("policy", "set", "days", "9")
    assert chosen(shell, "", "@example.org") == {("", "days", "9", True), ("@example.org", "days", "30", False)}
    assert shown(shell, "joe@example.org")["days"]["value"] == "9"
    shell("policy", "unset", "days")
    shell("policy", "unlock", "days")
    shell("policy", "unset", "days", "example.org")
    assert chosen(shell, "", "@example.org", "joe@example.org") == {("joe@example.org", "days", "3", False)}


def test_policy_set_to_what_is_there_says_so(shell: Shell) -> None:
    shell("policy", "set", "mode", "off")
    assert shell("policy", "set", "mode", "off").out == "mode for site is that already\n"


def test_policy_set_dry_run_tells_what_it_would_do_and_does_nothing(shell: Shell) -> None:
    shell.hold("one")
    told = shell("policy", "set", "days", "30", "--dry-run", "--apply-to-waiting")
    assert told.out == (
        "days for site: 14 → 30\n"
        "would change what holds for 1 recipients of mail that waits\n"
        "1 mails that wait would go on another day\n"
    )
    data = shell("policy", "set", "days", "30", "--dry-run", "--json").data
    assert (data["changed"], data["moved"], data["dry_run"], data["preview"]["later"]) == (0, 0, True, 1)
    assert chosen(shell, "") == set()


def test_policy_set_applied_to_what_waits_moves_it(shell: Shell) -> None:
    shell.hold("one")
    before = shell("pending", "list", "--json").data[0]["expires_at"]
    shell("policy", "set", "days", "365")
    assert shell("pending", "list", "--json").data[0]["expires_at"] == before
    data = shell("policy", "set", "days", "364", "--apply-to-waiting", "--json").data
    assert (data["scope"], data["changed"], data["moved"]) == ("site", 1, 1)
    assert shell("pending", "list", "--json").data[0]["expires_at"] > before


def test_policy_change_tells_of_choices_below(shell: Shell) -> None:
    def choose(tx: Transaction) -> None:
        for scope in ("@example.org", "joe@example.org"):
            tx.policies.put(Choice(scope, PolicySetting.DAYS, "3"), "x", 0.0)

    shell.change(choose)
    assert "2 below keep what they have chosen themselves" in shell("policy", "set", "days", "5").out
    assert "2 below no longer have what they have chosen themselves" in shell("policy", "lock", "days").out


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("set", "days", "0"), 2, "1 to 365"),
        (("set", "mode", "of"), 2, "off or quarantine or challenge"),
        (("set", "colour", "red"), 2, "users-read-content"),
        (("set", "challenge-scope", "site", "example.org"), 2, "narrowed"),
        (("set", "users-moderate", "no", "joe@example.org"), 2, "not for one address"),
        (("lock", "days", "joe@example.org"), 2, "nothing below"),
        (("show", "elsewhere.example"), 1, "none of ours"),
        (("set", "days", "3", "elsewhere.example"), 1, "none of ours"),
        (("show", "nonsense"), 2, "neither site"),
    ],
)
def test_policy_of_what_cannot_be_is_told_in_one_line(
    shell: Shell, words: tuple[str, ...], status: int, says: str
) -> None:
    outcome = shell("policy", *words)
    assert outcome.status == status
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 1
