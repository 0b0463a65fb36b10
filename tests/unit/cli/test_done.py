"""Commands that do something tell programs what they did."""

from __future__ import annotations

from tests.unit.cli.shell import Shell


def test_done_is_told_as_json(shell: Shell) -> None:
    shell("account", "add", "mia@example.org", "--address", "mia@example.org")
    account = ("account", "give", "mia@example.org", "info@example.org", "--json")
    assert shell(*account).data["addresses"] == [
        {"address": "mia@example.org", "kind": "own"}, {"address": "info@example.org", "kind": "alias"},
    ]  # fmt: skip
    assert shell("account", "take", "mia@example.org", "info@example.org", "--json").data["addresses"] == [
        {"address": "mia@example.org", "kind": "own"}
    ]
    assert shell("account", "set-role", "mia@example.org", "user", "--json").data["role"] == "user"
    assert shell("account", "disable", "mia@example.org", "--json").data["disabled"] is True
    assert shell("account", "enable", "mia@example.org", "--json").data["disabled"] is False
    assert shell("account", "set-person", "mia@example.org", "--language", "de", "--json").data == {
        "name": "mia@example.org", "full_name": "", "time_zone": "", "language": "de",
    }  # fmt: skip
    told = shell("digest", "set", "mia@example.org", "--schedule", "hourly", "--json").data
    assert (told["scope"], told["saved"], told["choices"]["schedule"]["own"]) == ("mia@example.org", True, "hourly")
    shell("expect", "start", "mia@example.org")
    assert shell("expect", "stop", "1", "--json").data == {"stopped": 1}
    shell("searches", "save", "mia@example.org", "roofs", "roof")
    assert shell("searches", "remove", "mia@example.org", "1", "--json").data == {"removed": 1}
    shell("token", "make", "mia@example.org", "x", "--scope", "account")
    assert shell("token", "revoke", "1", "--json").data == {"revoked": 1}
    assert shell("account", "remove", "mia@example.org", "--json").data == {"removed": "mia@example.org"}


def test_done_to_mail_is_told_as_json(shell: Shell) -> None:
    shell.hold()
    shell("requests", "ask", "1")
    decided = shell("requests", "refuse", "1", "--why", "No.", "--json").data
    assert (decided["id"], decided["state"], decided["why"]) == (1, "refused", "No.")
    order = shell("orders", "give", "delete", "1", "--json").data
    assert shell("orders", "undo", str(order["id"]), "--json").data["state"] == "undone"
    shell("lists", "add", "deny", "oak.example")
    removal = shell("lists", "remove", "deny", "oak.example", "--json").data["removal"]
    assert shell("lists", "undo", str(removal), "--json").data == {"restored": 1, "in_the_way": 0}
    shell("templates", "set", "--subject", "Please {{ subject_piece }}")
    assert shell("templates", "reset", "--json").data == {
        "kind": "challenge", "scope": "site", "language": "en", "done": "reset",
    }  # fmt: skip
