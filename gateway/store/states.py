"""Rows in a state, said so that SQLite takes the partial index that was made for them.

It does so only for a state that stands in the statement itself, not for a bound value; and where another index knows
the state as well, only when it is told that the state alone says little.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import cast

from sqlalchemy import Column, ColumnElement, UnaryExpression, func, literal_column
from sqlalchemy.sql.operators import custom_op

_PLUS: custom_op[str] = custom_op("+")


def is_in(column: Column[str], state: Enum) -> ColumnElement[bool]:
    """Return what is true of rows in this state."""
    # Not of type Boolean: SQLAlchemy would compare that with 1, and no index is known by such words.
    return cast(ColumnElement[bool], func.likely(column == _word(state.value)))


def seen_in(column: Column[str], state: Enum) -> ColumnElement[bool]:
    """Return the same for rows that are found by something else: no index of states is to be taken."""
    return cast(ColumnElement[bool], UnaryExpression(column, operator=_PLUS).op("=")(_word(state.value)))


def is_one_of(column: Column[str], states: Collection[Enum]) -> ColumnElement[bool]:
    """Return what is true of rows in one of these states; in the order in which the index names them."""
    return column.in_([_word(state.value) for state in states])


def _word(value: str) -> ColumnElement[str]:
    """Return a value as it stands in a statement: one of our own words, never what somebody typed."""
    assert not value or value.replace("-", "").isalpha(), value
    found: ColumnElement[str] = literal_column(f"'{value}'")
    return found
