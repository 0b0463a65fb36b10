"""Previews of files that take a while: begun when somebody looks, and shown when they are ready.

What a file would do changes with the lists, so nothing of it is kept for long: whoever looks anew gets it anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.domain.roles import Viewer
from gateway.flow.list_import import ListFiles, Plan, Saved

SHOWN = 100
"""Lines of each kind that are shown."""
_PATIENCE = 0.5
"""Seconds that a page waits before it tells how far the file is."""
_KEPT = 20
"""Previews that are ready, and that nobody has come back for."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do."""

    counts: Saved
    plan: Plan
    """Its first lines of each kind, SHOWN at most."""


@dataclass(slots=True)
class Progress:
    """How far a file is read."""

    done: int = 0
    total: int = 0
    """Lines; 0 while others are read before it."""

    def tell(self, done: int, total: int) -> None:
        """Note how far it is."""
        self.done, self.total = done, total


class Previews:
    """Files that are read for people, one after the other."""

    def __init__(self, files: ListFiles, *, patience: float = _PATIENCE) -> None:
        self.patience = patience
        """Seconds that a page waits for what is begun."""
        self._files = files
        self._turn = asyncio.Lock()
        self._works: dict[tuple[str, int], tuple[asyncio.Task[Preview | None], Progress]] = {}

    async def at(self, viewer: Viewer, draft_id: int) -> Preview | Progress | None:
        """Return what saving would do, or how far the file is read; None for a file that is not his."""
        key = viewer.name, draft_id
        if key not in self._works:
            progress = Progress()
            self._works[key] = asyncio.create_task(self._preview(viewer, draft_id, progress)), progress
            self._forget()
        task, progress = self._works[key]
        await asyncio.wait([task], timeout=self.patience)
        if not task.done():
            return progress
        self._works.pop(key, None)
        return await task

    async def _preview(self, viewer: Viewer, draft_id: int, progress: Progress) -> Preview | None:
        async with self._turn:
            plan = await self._files.preview(viewer, draft_id, progress.tell)
        if plan is None:
            return None
        counts = Saved(len(plan.new), len(plan.changed), len(plan.known), len(plan.faults))
        first = Plan(plan.new[:SHOWN], plan.changed[:SHOWN], plan.known[:SHOWN], plan.faults[:SHOWN])
        return Preview(counts, first)

    def _forget(self) -> None:
        ready = [key for key, (task, _) in self._works.items() if task.done()]
        for key in ready[: max(len(ready) - _KEPT, 0)]:
            del self._works[key]
