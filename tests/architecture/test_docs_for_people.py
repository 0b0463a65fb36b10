"""What users and senders are told is what they see: words of pages and mails, and the numbers of a gateway as shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.settings import load
from tests.architecture.tree import ROOT

PAGES = [ROOT / "docs" / name for name in ("users.md", "senders.md")]
_SHOWN = re.compile(r"(?<![*\w])\*([^*\n]+(?:\n[^*\n]+)?)\*(?![*\w])")
"""Words of a page or mail, in italics."""


def _templates() -> str:
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "templates").rglob("*")) if path.is_file()]
    texts += [path.read_text("utf-8") for path in sorted((ROOT / "challenge_web").rglob("*.py"))]
    return "\n".join(texts)


def _names(page: Path) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_words_in_italics_stand_in_a_page_or_mail(page: Path) -> None:
    templates = _templates()
    shown = [" ".join(words.split()) for words in _SHOWN.findall(page.read_text("utf-8"))]

    assert len(shown) > 10
    assert [words for words in shown if words not in templates] == []


def test_numbers_for_users_and_senders_are_those_of_a_gateway_as_shipped(tmp_path: Path) -> None:
    empty = tmp_path / "gateway.toml"
    empty.write_text("")
    shipped = load(empty, {})
    users, senders = (" ".join(page.read_text("utf-8").split()) for page in PAGES)

    assert f"it waits {shipped.pending.days:g} days and is then {shipped.pending.on_expiry}d" in users
    assert f"as shipped for {shipped.pending.days:g} days" in senders
    assert f"not asked again for {shipped.challenge.disowned_days:g} days" in senders
    assert f"at most once in {shipped.challenge.max_per_sender_days:g} days" in senders
    assert (shipped.challenge.attempts, shipped.challenge.pause_minutes) == (5, 15)
    assert f"After five the page takes a break of {shipped.challenge.pause_minutes:g} minutes" in senders
    assert f"as shipped {shipped.store.retention_days:g} days beyond" in senders
    assert f"as shipped {shipped.history.days:g} days and without its subject" in senders
    assert "to everybody in that domain" in senders
    assert shipped.challenge.scope == "domain"
