from __future__ import annotations

import re

from tests.unit.cli.shell import Shell


def test_token_is_made_listed_and_revoked(shell: Shell) -> None:
    shell("account", "add", "joe@example.org")
    outcome = shell("token", "make", "joe@example.org", "backup", "--scope", "lists:read", "--scope", "account")
    assert re.fullmatch(r"cgw_[a-z2-9]{56}\n", outcome.out)
    assert "token 1 of joe@example.org" in outcome.err
    made = shell("token", "make", "joe@example.org", "other", "--scope", "account", "--json").data
    assert made["secret"].startswith("cgw_")
    rows = shell("token", "list", "--json").data
    assert [(row["id"], row["name"], row["scopes"]) for row in rows] == [
        (2, "other", ["account"]),
        (1, "backup", ["lists:read", "account"]),
    ]
    assert shell("token", "list", "--account", "joe@example.org", "--json").data == rows
    assert outcome.out.strip() not in shell("token", "list").out
    assert shell("token", "revoke", "1").status == 0
    again = shell("token", "revoke", "1")
    assert (again.status, again.out, again.err.count("\n")) == (1, "", 1)


def test_token_that_cannot_be_is_refused_in_one_line(shell: Shell) -> None:
    shell("account", "add", "joe@example.org")
    for words, told in (
        (["make", "kim@example.org", "x", "--scope", "account"], "there is no account"),
        (["make", "joe@example.org", "x", "--scope", "account", "--days", "9999"], "1 to 365 days"),
        (["make", "joe@example.org", " ", "--scope", "account"], "needs a name"),
        (["list", "--account", "kim@example.org"], "there is no account"),
    ):
        outcome = shell("token", *words)
        assert (outcome.status, outcome.out, told in outcome.err) == (1, "", True), outcome
