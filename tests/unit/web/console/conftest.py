"""The consoles that several modules test."""

from __future__ import annotations

from tests.unit.web.console.house import house
from tests.unit.web.console.lists_desk import desk, store

__all__ = ["desk", "house", "store"]
