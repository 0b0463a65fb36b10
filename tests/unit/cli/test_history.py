from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.unit.cli.shell import Shell


def test_history_is_listed_exported_and_erased(shell: Shell) -> None:
    shell.hold("Offer for the roof")
    (line,) = shell("history", "list", "joe@example.org", "--json").data
    assert (line["kind"], line["state"], line["recipient"]) == ("held", "pending", "joe@example.org")
    assert shell("history", "list", "@elm.example", "--json").data == []
    assert shell("pending", "delete", "1").status == 0
    assert len(shell("history", "export", "joe@example.org").data["held"]) == 1
    outcome = shell("history", "erase", "joe@example.org", "--yes")
    assert (outcome.status, outcome.out) == (0, "erased: 1 mails, 0 challenges, 0 entries, 0 windows\n")
    assert shell("history", "list", "--json").data == []
    assert shell("audit").status == 0


def test_history_is_listed_by_days(shell: Shell) -> None:
    shell.hold()
    (line,) = shell("history", "list", "--json").data
    held = datetime.fromtimestamp(line["at"], UTC)
    today, before, behind = (str((held + timedelta(days=days)).date()) for days in (0, -1, 1))
    for words, lines in (
        (("--first", today, "--last", today), 1),
        (("--first", behind), 0),
        (("--last", before), 0),
        (("--first", before, "--last", behind), 1),
    ):
        assert len(shell("history", "list", *words, "--json").data) == lines, words
    assert "2026-13-01" in shell("history", "list", "--first", "2026-13-01").err


def test_erasing_asks_first_and_takes_whole_addresses_only(shell: Shell) -> None:
    shell.hold()
    assert shell("history", "erase", "joe@example.org", stdin=b"n\n").status != 0
    assert len(shell("history", "list", "--json").data) == 1
    for words in (("erase", "@example.org", "--yes"), ("export", "@example.org"), ("export", "joe")):
        outcome = shell("history", *words)
        assert (outcome.status, outcome.out) == (1, "")
    outcome = shell("history", "erase", "joe@example.org", "--yes")
    assert "one mail still waits" in outcome.err
