"""The audit of a whole store, as `challenge-gateway audit` runs it."""

from __future__ import annotations

from collections.abc import Callable

from gateway.store.audit import Audit, Report
from gateway.store.store import Store
from gateway.store.transaction import Transaction


async def audited(store: Store, progress: Callable[[int, int], object] = lambda done, total: None) -> Report:
    """Return what the audit finds. progress: is told messages done and in total."""
    run = Audit(progress)

    def every_step(tx: Transaction) -> None:
        for step in run.steps():
            step(tx.connection)

    await store.look(every_step)
    return run.report
