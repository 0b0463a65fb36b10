"""How the reader and its worker talk over pipes: a length, a head, a length, a body."""

from __future__ import annotations

import struct
from typing import Literal

from msgspec import Struct

from gateway.domain.outline import Marks

LENGTHS = struct.Struct("!IQ")
"""Of the head and of the body, in octets; head and body follow."""
MAX_HEAD = 65_536
Task = Literal["outline", "document", "file"]


class Question(Struct, frozen=True):
    """The head of what a worker is asked; the body is the mail."""

    serial: int
    task: Task
    part: int = 0
    images: bool = False
    marks: Marks = Marks()


class Answer(Struct, frozen=True):
    """The head of what it says; the body is an outline or a document in MessagePack, or a file's octets."""

    serial: int
    """Of the question: an answer to another one is no answer."""
    fault: str = ""
    """Why there is none, one sentence."""
    name: str = ""
    """Of the file."""
