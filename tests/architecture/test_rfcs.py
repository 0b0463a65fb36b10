"""Citations of RFCs have one form, and each one is in the table."""

from __future__ import annotations

from tests.architecture.rfc_table import OTHER_FORM, PAGE, searched, table, untitled


def test_citation_of_an_rfc_has_the_one_form() -> None:
    code = [(name, text) for name, text in searched() if name.endswith((".py", ".html", ".txt", ".md", ".toml"))]
    assert [(name, found[0]) for name, text in code if (found := OTHER_FORM.search(text))] == []


def test_rfc_that_is_cited_has_a_title() -> None:
    assert untitled() == [], "add the titles to tests/architecture/rfc_table.py"


def test_table_of_rfcs_is_the_collected_one() -> None:
    assert PAGE.read_text("utf-8") == table(), "citations have changed: make reference"
