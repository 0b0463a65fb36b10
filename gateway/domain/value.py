"""Values: classes of plain fields that nobody changes once they are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

__all__ = ["value_class"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value_class
else:

    def value_class(*, frozen, slots):
        """Make a dataclass that is frozen in the eyes of the type checker, and only there.

        A frozen one sets each field by a call, and each mail makes some thirty: the way of a mail was a tenth longer.
        For the few values of that way; all others are frozen to the end.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)
