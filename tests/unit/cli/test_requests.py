from __future__ import annotations

from tests.unit.cli.shell import Shell


def test_request_is_made_for_its_recipient_shown_and_released(shell: Shell) -> None:
    shell.hold("Offer for the roof")
    made = shell("requests", "ask", "1", "--words", "I wait for it.", "--json").data
    assert (made["result"], made["request"]["state"], made["request"]["message"]) == ("sent", "open", 1)
    assert shell("requests", "ask", "1").out == "request 1: open, was made before\n"
    (line,) = shell("requests", "list", "--json").data
    assert (line["request"]["recipient"], line["request"]["words"]) == ("joe@example.org", "I wait for it.")
    assert line["mails"] == []
    assert "nobody in charge was told by mail" in shell("requests", "show", "1").out
    assert shell("requests", "release", "1", "--why", "It is clean.").out == "request 1: released\n"
    assert shell("pending", "list", "--state", "released", "--json").data[0]["id"] == 1
    assert shell("requests", "list", "--json").data == []
    assert shell("requests", "list", "--all", "--json").data[0]["request"]["why"] == "It is clean."
    late = shell("requests", "refuse", "1")
    assert (late.status, late.out) == (1, "")
    deeds = [line["deed"] for line in shell("log", "list", "--json").data]
    assert deeds == ["request-release", "message-ask-release"]
    assert shell("audit").status == 0


def test_request_that_is_not_there_and_address_that_is_nobody_s_are_said(shell: Shell) -> None:
    shell.hold()
    for words in (("show", "7"), ("release", "7"), ("refuse", "7"), ("ask", "7"), ("inspect", "7", "eve@example.org")):
        outcome = shell("requests", *words)
        assert (outcome.status, outcome.out) == (1, ""), words
    shell("requests", "ask", "1")
    outcome = shell("requests", "inspect", "1", "stranger@evil.example")
    assert outcome.status == 1
    assert "nor in [console] forward_to" in outcome.err
