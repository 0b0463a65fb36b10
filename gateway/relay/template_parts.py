"""The parts of a mail's template: compiled if they are allowed, filled in, and what is wrong with one told by its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2 import nodes

from gateway.domain.phrase import phrase

MAX_RENDERED = 32_768
"""Characters one part may have, and octets of one template file."""


class TemplateFault(Exception):
    """A template cannot be used: which file, which line (0: the whole), why."""

    def __init__(self, file: Path, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}" if line else f"{file}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rendered:
    """The three parts of a mail."""

    subject: str
    """One line."""
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The three parts before they are rendered."""

    subject: str
    text: str
    html: str


def compiled(
    environment: jinja2.Environment, file: Path, source: str, check: Callable[[nodes.Template], None]
) -> jinja2.Template:
    """Compile what somebody typed. check: raises TemplateFault for what is not allowed. Raises TemplateFault."""
    if len(source.encode("utf-8", "replace")) > MAX_RENDERED:
        raise TemplateFault(file, 0, phrase("has more than {most} octets", most=MAX_RENDERED))
    try:
        tree = environment.parse(source)
        check(tree)
        return environment.from_string(tree)
    except jinja2.TemplateSyntaxError as fault:
        raise TemplateFault(
            file, fault.lineno, phrase("is no template: {why}", why=fault.message or "syntax")
        ) from fault
    except (RecursionError, MemoryError, SyntaxError) as fault:  # Python's own parser gives up on deep nesting.
        raise TemplateFault(file, 0, phrase("is nested too deeply")) from fault


def filled(file: Path, template: jinja2.Template, values: Mapping[str, object], most: int | None) -> str:
    """Fill one part in. most: characters it may have; None: as many as it has. Raises TemplateFault."""
    pieces: list[str] = []
    size = 0
    try:
        for piece in template.generate(values):
            pieces.append(piece)
            size += len(piece)
            if most is not None and size > most:
                raise TemplateFault(file, 0, phrase("renders to more than {most} characters", most=most))
    except TemplateFault:
        raise
    except Exception as fault:  # The sandbox lets through whatever an expression raises.
        raise TemplateFault(file, 0, phrase("does not render: {why}", why=str(fault))) from fault
    return "".join(pieces)
