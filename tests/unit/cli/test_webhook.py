from __future__ import annotations

import re

from tests.unit.cli.shell import Shell


def test_webhook_that_is_none_is_told_so(shell: Shell) -> None:
    assert shell("webhook", "show").out == "There is no webhook ([webhook] url).\n"
    assert shell("webhook", "show", "--json").data["url"] == ""
    for command in ("test", "retry"):
        outcome = shell("webhook", command)
        assert (outcome.status, outcome.out, "[webhook] url" in outcome.err) == (1, "", True)
    assert shell("log", "list", "--json").data == []


def test_webhook_that_nobody_listens_at_is_told_so(shell: Shell) -> None:
    secret = shell.line(["webhook", "secret"]).out
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", secret)
    shell.settings({"webhook": {"url": "http://127.0.0.1:9/", "secret_file": "webhook.secret"}})
    assert shell("webhook", "test", "--json").data == {
        "taken": False,
        "fault": "The file with our secret cannot be read.",
    }
    (shell.folder / "webhook.secret").write_text(secret)
    outcome = shell("webhook", "test")
    assert (outcome.status, outcome.out) == (1, "Not taken. It cannot be reached.\n")
    assert shell("webhook", "retry", "--json").data == {"retried": 0}
    assert [(line["deed"], line["object"]) for line in shell("log", "list", "--json").data] == [
        ("webhook", "retry"),
        ("webhook", "test"),
        ("webhook", "test"),
    ]
    assert "nothing was sent yet" in shell("webhook", "show").out
