"""docs/api.md says what is true: its examples are asked, its tables held against the code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from challenge_web.api.operations import ROOT
from challenge_web.api.problems import TITLES
from gateway.domain.address import Address
from gateway.domain.roles import Role
from gateway.domain.scopes import Scope
from tests.architecture.tree import ROOT as TREE
from tests.store.letters import keep, message, row
from tests.unit.web.api.conftest import Program
from tests.unit.web.console.house import JOE

TEXT = (TREE / "docs/api.md").read_text("utf-8")
EXAMPLES = re.findall(r"```http\n(\w+) (\S+)\n\n?(.*?)```\s+```json\n(.*?)```", TEXT, re.DOTALL)


def first_cells(title: str) -> list[str]:
    """Return the names in the first column of the table that begins with a title."""
    rows = TEXT[TEXT.index(title) :].split("\n\n")[0].splitlines()[2:]
    return [re.findall(r"`([^`]+)`", line)[0] for line in rows]


def test_every_example_is_one_of_these() -> None:
    assert len(EXAMPLES) == TEXT.count("```http") == TEXT.count("```json") > 3


@pytest.mark.parametrize(("method", "path", "body", "told"), EXAMPLES)
async def test_example_is_answered_as_shown(program: Program, method: str, path: str, body: str, told: str) -> None:
    await keep(program.house.store, message("Offer for the roof"), row(Address.of(JOE)))
    await program.house.describe()
    assert path.startswith(ROOT)
    sent = json.loads(body) if body.strip() else None
    heard = await program.ask(method, path.removeprefix(ROOT), Role.USER, sent)
    assert within(json.loads(told), heard.data), heard.body


def within(shown: Any, heard: Any) -> bool:
    """True where all that is shown is in what was heard."""
    if isinstance(shown, dict):
        return isinstance(heard, dict) and all(
            name in heard and within(value, heard[name]) for name, value in shown.items()
        )
    if isinstance(shown, list):
        return isinstance(heard, list) and len(shown) == len(heard) and all(map(within, shown, heard))
    return bool(shown == heard)


def test_tables_name_all_scopes_and_problems() -> None:
    assert first_cells("| scope |") == [scope.value for scope in Scope]
    assert first_cells("| `type`") == list(TITLES)
