"""`templates`: the words of challenges, changed at the command line by the rules of the console."""

from __future__ import annotations

import pytest

from gateway.store.transaction import Transaction
from tests.unit.cli.shell import Shell

GOOD = "Hello, {{ url }} until {{ expiry }}.\n"


def told_in_lines(shell: Shell, *words: str) -> str:
    outcome = shell(*words)
    assert (outcome.status in (1, 2), outcome.out) == (True, ""), outcome
    assert all(line.startswith("challenge-gateway: ") for line in outcome.err.splitlines())
    return outcome.err


def test_words_are_changed_previewed_and_given_up_again(shell: Shell) -> None:
    shipped = shell("templates", "show", "example.org", "--json").data
    assert (shipped["source"], shipped["texts"]) == ("shipped", shipped["shipped"])
    body = shell.folder / "body.txt"
    body.write_text(GOOD)
    assert shell(
        "templates", "set", "example.org", "--text", str(body), "--subject", "Re: {{ subject_piece }}"
    ).out == ("saved for example.org; the next challenge is written with them\n")
    assert shell("templates", "show", "example.org", "--part", "text").out == GOOD
    assert shell("templates", "show", "example.org", "--json").data["texts"]["html"] == shipped["texts"]["html"]
    lines = shell("templates", "list", "--language", "en", "--json").data
    assert [(line["scope"], line["source"], line["changed_by"]) for line in lines] == [
        ("site", "shipped", ""),
        ("example.org", "own", "cli:admin"),
    ]
    found = shell("templates", "list", "--language", "en", "--search", "example", "--json").data
    assert [line["scope"] for line in found] == ["example.org"]
    sample = shell("templates", "preview", "example.org", "--from", "Desk <desk@example.org>", "--json").data
    assert (sample["subject"], sample["sender"]) == ("Re: Offer for the roof", "Desk <desk@example.org>")
    assert "<html" in shell("templates", "preview", "example.org", "--as-html").out
    assert shell("templates", "reset", "example.org").status == 0
    assert "has no words of its own" in told_in_lines(shell, "templates", "reset", "example.org")
    assert [line["deed"] for line in shell("log", "list", "--json").data] == ["texts-reset", "texts-scope"]


def test_words_of_notices_are_changed_apart_from_those_of_challenges(shell: Shell) -> None:
    body = shell.folder / "body.txt"
    body.write_text("{% for line in body %}\n> {{ line }}\n{% endfor %}\n{{ stop }}\n")
    told = shell("templates", "set", "--kind", "notice", "example.org", "--text", str(body)).out
    assert told == "saved for example.org; the next notice is written with them\n"
    sources = {
        kind: shell("templates", "show", "--kind", kind, "example.org", "--json").data["source"]
        for kind in ("challenge", "notice")
    }
    assert sources == {"challenge": "shipped", "notice": "own"}
    assert "> here is the offer" in shell("templates", "preview", "--kind", "notice", "example.org").out
    body.write_text("{{ stop }}\n{{ range(9) }}\n")
    faults = told_in_lines(shell, "templates", "set", "--kind", "notice", "--text", str(body))
    assert "text, line 2: a call is not allowed" in faults
    assert shell("templates", "reset", "--kind", "notice", "example.org").status == 0
    (line, *_) = shell("log", "list", "--json").data
    assert (line["deed"], line["detail"]) == ("texts-reset", "notice reset")


def test_words_with_faults_are_not_kept_and_each_fault_is_a_line(shell: Shell) -> None:
    body = shell.folder / "body.txt"
    body.write_text("Hello {{ nobody }},\nno link\n")
    faults = told_in_lines(shell, "templates", "set", "--text", str(body), "--from", "x@elm.example")
    assert "text, line 1: there is no variable 'nobody'" in faults
    assert "from: elm.example is not one of the domains" in faults
    assert "text" in told_in_lines(shell, "templates", "preview", "--text", str(body))
    assert shell("templates", "show", "--json").data["source"] == "shipped"
    assert shell("templates", "set", "--subject", "Re", "--dry-run").out == "the words are good\n"
    assert shell("templates", "show", "--json").data["source"] == "shipped"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("set",), "what to change"),
        (("show", "elm.example"), "neither site nor one of our domains"),
        (("show", "--language", "tlh"), "there are no words in 'tlh'"),
        (("keep",), "no words of its own"),
        (("sample", "site", "nobody"), "is no address"),
        (("set", "--text", "none.txt"), "none.txt"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(shell: Shell, words: tuple[str, ...], says: str) -> None:
    told = told_in_lines(shell, "templates", *words)
    assert says in told
    assert told.count("\n") == 1


def test_file_that_is_no_text_is_told_in_one_line(shell: Shell) -> None:
    file = shell.folder / "body.txt"
    file.write_bytes(b"Gr\xfc\xdfe {{ url }}")
    assert "body.txt is no text in UTF-8" in told_in_lines(shell, "templates", "set", "--text", str(file))


def test_editor_changes_one_part_and_is_opened_again_after_a_fault(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = shell.folder / "editor"
    editor.write_text(
        '#!/bin/sh\nif grep -q nobody "$1"; then echo \'Re: {{ subject_piece }}\' > "$1"\n'
        "else echo '{{ nobody }}' > \"$1\"; fi\nsleep 0.01\n"
    )
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    outcome = shell("templates", "edit", "subject", stdin=b"y\n")
    assert (outcome.status, "there is no variable 'nobody'" in outcome.err) == (0, True), outcome
    assert shell("templates", "show", "--part", "subject").out == "Re: {{ subject_piece }}\n"
    editor.write_text("#!/bin/sh\n")
    assert shell("templates", "edit", "subject").out == "nothing was changed\n"


def test_changed_shipped_words_are_told_until_they_were_looked_at(shell: Shell) -> None:
    shell("templates", "set", "--subject", "Re: {{ subject_piece }}")

    def forget(tx: Transaction) -> None:
        tx.connection.exec_driver_sql("UPDATE challenge_text SET shipped = x'00'")

    shell.change(forget)
    assert shell("templates", "show", "--json").data["shipped_changed"] is True
    assert "templates keep" in shell("templates", "show").out
    assert shell("templates", "keep").status == 0
    assert shell("templates", "show", "--json").data["shipped_changed"] is False


def test_sample_that_nobody_takes_is_told(shell: Shell) -> None:
    shell.settings({"relay": {"next_hop": "127.0.0.1:9"}})
    assert "the sample was not taken" in told_in_lines(shell, "templates", "sample", "site", "joe@example.org")
    assert shell("log", "list", "--json").data[0]["detail"] == "sample not sent"
