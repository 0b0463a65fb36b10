"""What the documents show is true: their configurations load, their links lead somewhere, their commands exist."""

from __future__ import annotations

import ast
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gateway.cli.main import cli
from gateway.settings import load
from tests.architecture.tree import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_BLOCK_SET_IN = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_ANCHOR = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")
_PATH = re.compile(r"`((?:gateway|challenge_web|templates|tests|config|docs|benchmarks)/[\w./*\u2026-]*)`")
_COMMAND = re.compile(r"^ *(challenge-gateway .*)$", re.MULTILINE)
"""A line of its own: in a block, or set in."""
_MAKE = re.compile(r"(?:^ +|`)make ([a-z][a-z-]*)", re.MULTILINE)


def _names(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _configurations() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for kind, text in _BLOCK.findall(page.read_text("utf-8")):
            if kind == "toml":
                yield _names(page), text


@pytest.mark.parametrize(("page", "text"), list(_configurations()))
def test_configuration_in_a_document_loads(page: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(text, "utf-8")
    load(file, {})


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_configuration_in_a_document_stands_in_a_block_that_is_loaded(page: Path) -> None:
    assert re.findall(r"^ +\[\w+\]$", page.read_text("utf-8"), re.MULTILINE) == []


def test_python_in_a_document_is_python() -> None:
    shown = [
        text for page in PAGES for kind, text in _BLOCK_SET_IN.findall(page.read_text("utf-8")) if kind == "python"
    ]

    assert len(shown) > 5
    for text in shown:
        compile(textwrap.dedent(text), "document", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)


def test_targets_of_make_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    for page in PAGES:
        assert [name for name in _MAKE.findall(page.read_text("utf-8")) if name not in targets] == [], page.name


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_links_of_a_document_lead_to_files(page: Path) -> None:
    for target in _LINK.findall(page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_links_of_a_document_into_a_page_lead_to_a_heading(page: Path) -> None:
    for target, anchor in _ANCHOR.findall(page.read_text("utf-8")):
        if "://" not in target:
            aim = page.parent / target if target else page
            assert anchor in _headings(aim), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_headings_of_a_document_are_told_apart(page: Path) -> None:
    headings = re.findall(r"^##+ (.+)$", page.read_text("utf-8"), re.MULTILINE)

    assert sorted(headings) == sorted(set(headings))


def _headings(page: Path) -> set[str]:
    """Return the anchors that a page's headings get: small letters, figures and hyphens."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_paths_that_a_document_names_exist(page: Path) -> None:
    for path in _PATH.findall(page.read_text("utf-8")):
        if not any(letters in path for letters in ("NN", "TAG", "\u2026", "/it/", "about", "*")):
            assert (ROOT / path).exists(), path


def test_index_leads_to_every_document() -> None:
    index = (ROOT / "README.md").read_text("utf-8")
    assert [page.name for page in PAGES if page.parent == ROOT / "docs" and f"docs/{page.name})" not in index] == []


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_commands_in_a_document_exist_and_take_what_is_shown(page: Path) -> None:
    text = page.read_text("utf-8")
    for line in _COMMAND.findall(text if page.name != "commands.md" else re.sub(_BLOCK, "", text)):
        words = shlex.split(line, comments=True)[1:]
        _parse(cli, words, None)


def _parse(command: click.Command, words: list[str], parent: click.Context | None) -> None:
    """Let click read the words as it would for a run, without running anything."""
    if not words:
        return
    # With its parent: a command keeps the help option of the first context it is read in.
    context = command.make_context(command.name, list(words), parent)
    if isinstance(command, click.Group):
        name, child, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert child is not None, name
        _parse(child, rest, context)
