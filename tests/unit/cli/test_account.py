from __future__ import annotations

import re
from pathlib import Path

from tests.unit.cli.shell import Shell


def test_account_is_added_with_a_link_that_is_good_once(shell: Shell) -> None:
    outcome = shell("account", "add", "joe@example.org")
    assert outcome.status == 0
    assert re.search(r"^http://127\.0\.0\.1:8080/sign-in/link/[a-z2-9]{32}$", outcome.out, re.MULTILINE)
    assert shell("account", "show", "JOE@example.org", "--json").data["addresses"] == [
        {"address": "joe@example.org", "kind": "own"}
    ]


def test_account_with_a_password_gets_no_link_and_shows_no_hash(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse battery\n")
    outcome = shell(
        "account", "add", "root", "--role", "site-admin", "--password-file", str(tmp_path / "secret"), "--json"
    )
    assert outcome.data["url"] is None
    assert outcome.data["account"]["password"] is True
    assert "argon2" not in outcome.out
    (tmp_path / "secret").write_text("short\n")
    outcome = shell("account", "add", "two", "--password-file", str(tmp_path / "secret"))
    assert (outcome.status, outcome.out) == (1, "")
    assert "at least 12" in outcome.err


def test_account_that_cannot_be_is_refused_in_one_line(shell: Shell) -> None:
    shell("account", "add", "joe@example.org")
    for words, told in (
        (["account", "add", "joe@example.org"], "already"),
        (["account", "add", "jo", "--address", "joe@example.org"], "belongs to"),
        (["account", "add", "joe@elsewhere.example"], "not in a domain"),
        (["account", "add", "dan", "--role", "domain-admin"], "at least one domain"),
        (["account", "add", "dan", "--role", "domain-admin", "--domain", "elsewhere.example"], "not a domain"),
        (["account", "add", "dan", "--domain", "example.org"], "and auditors only"),
        (["account", "add", "two words"], "no blanks"),
        (["account", "show", "nobody"], "there is no account nobody"),
        (["account", "take", "joe@example.org", "x@example.org"], "has no address"),
    ):
        outcome = shell(*words)
        assert (outcome.status, outcome.out, told in outcome.err) == (1, "", True), outcome
        assert outcome.err.count("\n") == 1


def test_account_is_listed_changed_and_removed(shell: Shell) -> None:
    shell("account", "add", "root", "--role", "site-admin")
    shell("account", "add", "mia@example.org")
    assert shell("account", "give", "mia@example.org", "info@example.org", "--kind", "delegated").status == 0
    assert shell("account", "disable", "mia@example.org").status == 0
    assert "enable it first" in shell("account", "link", "mia@example.org").err
    (mia, root) = shell("account", "list", "--json").data
    assert (mia["disabled"], mia["addresses"][1]["kind"], root["role"]) == (True, "delegated", "site-admin")
    assert [one["name"] for one in shell("account", "list", "--search", "info", "--json").data] == ["mia@example.org"]
    assert shell("account", "enable", "mia@example.org").status == 0
    assert shell("account", "link", "mia@example.org").out.startswith("http://127.0.0.1:8080/sign-in/link/")
    assert "last site admin" in shell("account", "remove", "root").err
    assert shell("account", "remove", "mia@example.org").status == 0
    assert shell("account", "sessions", "root", "--json").data == []


def test_change_of_an_account_stands_in_the_journal_with_who_made_it(shell: Shell) -> None:
    shell("account", "add", "root", "--role", "site-admin")
    shell("account", "add", "dan", "--role", "domain-admin", "--domain", "example.org")
    for words in (
        ["give", "dan", "info@example.org", "--kind", "delegated"],
        ["take", "dan", "info@example.org"],
        ["disable", "dan"],
        ["enable", "dan"],
        ["set-role", "dan", "auditor", "--domain", "example.org"],
        ["link", "dan"],
        ["reset-second-factor", "dan"],
        ["sessions", "dan", "--end"],
        ["remove", "dan"],
    ):
        assert shell("account", *words).status == 0
    # What only looks, and what is refused, is no deed.
    for words in (["show", "root"], ["list"], ["sessions", "root"], ["remove", "root"], ["link", "nobody"]):
        shell("account", *words)
    lines = list(reversed(shell.change(lambda tx: list(tx.journal.page(None, "", "", 0, 99)))))
    assert {(line.actor, line.client, line.domain, line.looked_as) for line in lines} == {
        ("cli:admin", "command line", "", "")
    }
    assert [(line.deed, line.object, line.detail) for line in lines] == [
        ("accounts", "1", "root, site-admin"),
        ("accounts", "2", "dan, domain-admin"),
        ("account-of", "2", "dan: give info@example.org delegated"),
        ("account-of", "2", "dan: take info@example.org"),
        ("account-of", "2", "dan: disable"),
        ("account-of", "2", "dan: enable"),
        ("account-of", "2", "dan: role auditor example.org"),
        ("account-link", "2", "dan"),
        ("account-of", "2", "dan: reset-factor"),
        ("account-of", "2", "dan: sign-out"),
        ("account-remove", "2", "dan"),
    ]
