"""From an annotation in the schema to three things: its value, its description, its text in TOML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from gateway.settings.values import Parse

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}

_MOST = 1e15
"""No number is larger: as a time or a size this means "never" already, and it can still be reckoned with."""
_SHOWN = 60
"""Characters of a wrong value that a fault repeats."""


def read(kind: object, value: object, base: Path) -> object:
    """Turn what TOML holds into the setting's value.

    base: folder that relative paths start from. Raises ValueError; each of its args says of one fault what to write.
    """
    parse = parser_of(kind)
    if parse is not None:
        if not isinstance(value, str):
            raise ValueError(f"{_shown(value)} is not text; write it in quotes: {parse.form}")
        try:
            return parse.parser(value, base)
        except ValueError as fault:
            raise ValueError(f"{_shown(value)}: {fault}") from None
    inner = get_args(kind)
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{_shown(value)} is not a list; write a {describe(kind)}, in [ ]")
        return tuple(_each([(inner[0], item) for item in value], base))
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise ValueError(f"{_shown(value)} is not a table; write a {describe(kind)}")
        keys = _each([(inner[0], key) for key in value], base)
        return dict(zip(keys, _each([(inner[1], item) for item in value.values()], base), strict=True))
    try:
        fit: object = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise ValueError(f"{_shown(value)} does not fit; write {describe(kind)}") from None
    if isinstance(fit, int | float) and fit > _MOST:
        raise ValueError(f"{_shown(value)} is too large; write {describe(kind)}, {_MOST:g} at most")
    return fit


def _each(pairs: list[tuple[object, object]], base: Path) -> list[object]:
    """Read several values, and raise the faults of all of them together."""
    values: list[object] = []
    faults: list[str] = []
    for kind, value in pairs:
        try:
            values.append(read(kind, value, base))
        except ValueError as fault:
            faults += fault.args
    if faults:
        raise ValueError(*faults)
    return values


def parser_of(kind: object) -> Parse | None:
    """The parser an annotation names, if it does."""
    return next((extra for extra in _extras(kind) if isinstance(extra, Parse)), None)


def describe(kind: object) -> str:
    """Say in a few words what may be written for a setting."""
    parse = parser_of(kind)
    if parse is not None:
        return parse.form
    inner = get_args(kind)
    match get_origin(kind):
        case origin if origin is tuple:
            return f"list of {describe(inner[0])}"
        case origin if origin is dict:
            return f"table of {describe(inner[0])} = {describe(inner[1])}"
        case origin if origin is Literal:
            return "one of " + ", ".join(inner)
        case origin if origin is Annotated:
            return _WORDS[inner[0]] + _range(inner[1:]) + (f" ({unit})" if (unit := unit_of(kind)) else "")
    assert isinstance(kind, type)
    return _WORDS[kind]


def unit_of(kind: object) -> str:
    """The unit of a number; "" where it has none."""
    units = (extra.extra.get("unit", "") for extra in _extras(kind) if isinstance(extra, Meta) and extra.extra)
    return next(units, "")


def plain(value: object) -> object:
    """Turn a setting's value back into what TOML holds."""
    match value:
        case None:
            return ""
        case tuple():
            return [plain(item) for item in value]
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case bool() | int() | float():
            return value
    return str(value)


def toml(value: object) -> str:
    """Write a setting's value as TOML."""
    return _toml(plain(value))


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    # A JSON string, number or truth value is one of TOML too, for what our defaults hold.
    return json.dumps(value, ensure_ascii=False)


def _extras(kind: object) -> Iterator[object]:
    if get_origin(kind) is Annotated:
        yield from get_args(kind)[1:]


def _range(extras: tuple[object, ...]) -> str:
    words = []
    for extra in extras:
        if isinstance(extra, Meta):
            words += [f"above {extra.gt:g}"] if extra.gt is not None else []
            words += [f"from {extra.ge:g}"] if extra.ge is not None else []
            words += [f"up to {extra.le:g}"] if extra.le is not None else []
    return "".join(f" {word}" for word in words)


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
