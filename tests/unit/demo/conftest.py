"""The stage on which several modules play."""

from __future__ import annotations

from tests.unit.demo.stage import stage

__all__ = ["stage"]
