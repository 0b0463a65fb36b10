"""`manual`: roff in a pipe, one page or another."""

from __future__ import annotations

from tests.unit.cli.shell import Shell


def test_manual_prints_the_page_that_is_asked_for(bare: Shell) -> None:
    whole, one = bare("manual"), bare("manual", "pending")
    assert ".TH CHALLENGE\\-GATEWAY 1 " in whole.out
    assert ".SS lists" in whole.out
    assert ".TH CHALLENGE\\-GATEWAY\\-PENDING 1 " in one.out
    assert "\\fBpending list\\fR" in one.out
    assert ".SS lists" not in one.out
    assert ".TH CHALLENGE\\-GATEWAY.TOML 5 " in bare("manual", "--configuration").out


def test_manual_of_what_is_no_command_is_refused_in_one_line(bare: Shell) -> None:
    for words, says in (
        (["pendig"], "there is no command pendig"),
        (["pending", "--configuration"], "page of its own"),
    ):
        outcome = bare("manual", *words)
        assert (outcome.status, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert says in outcome.err
