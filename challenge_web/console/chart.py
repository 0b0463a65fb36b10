"""Bars as SVG, drawn by the server: where each rectangle stands, in the units of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 720
HEIGHT = 200
_FOOT = 22
"""Units below the bars, for their names."""
_HEAD = 14
"""Units above the tallest bar, for the number of the scale."""
_GAP = 0.25
"""Share of a bar's place that stays empty."""


@dataclass(frozen=True, slots=True)
class Block:
    """One part of one bar."""

    kind: str
    """Names its colour: `bar--{kind}`."""
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A name below a bar."""

    text: str
    x: float


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn."""

    blocks: tuple[Block, ...]
    marks: tuple[Mark, ...]
    top: int
    """The value at the upper line."""
    width: int = WIDTH
    height: int = HEIGHT
    head: int = _HEAD
    base: int = HEIGHT - _FOOT


def stacked(kinds: Sequence[str], bars: Sequence[tuple[str, Sequence[int]]], marks: int = 6) -> Chart:
    """Draw bars of several parts each.

    kinds: what the parts are, from below. bars: each with its name and one value for each kind. marks: about how many
    names are written, for there is no room for all.
    """
    top = nice(max((sum(values) for _, values in bars), default=0))
    room = HEIGHT - _FOOT - _HEAD
    place = WIDTH / max(1, len(bars))
    every = max(1, -(-len(bars) // marks))
    blocks: list[Block] = []
    names: list[Mark] = []
    for number, (name, values) in enumerate(bars):
        left = number * place + place * _GAP / 2
        if number % every == 0:
            names.append(Mark(name, round(number * place + place / 2, 1)))
        y = float(HEIGHT - _FOOT)
        for kind, value in zip(kinds, values, strict=True):
            height = value / top * room
            if value:
                y -= height
                blocks.append(Block(kind, round(left, 1), round(y, 1), round(place * (1 - _GAP), 1), round(height, 1)))
    return Chart(tuple(blocks), tuple(names), top)


def nice(value: int) -> int:
    """Return the next number of the kind 1, 2, 5, 10 …, so that the scale can be read; at least 1."""
    step = 1
    while True:
        for times in (1, 2, 5):
            if value <= times * step:
                return times * step
        step *= 10
