"""Numbers by the hour."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from gateway.flow.tally import Happening, Slot
from gateway.store.tables.overview import tally


class TallyTable:
    """Implements `flow.tally.TallyTable` and what the overview reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, counts: Mapping[Slot, int]) -> None:
        """Add counts to the numbers of their slots."""
        statement = insert(tally)
        statement = statement.on_conflict_do_update(
            index_elements=[tally.c.hour, tally.c.domain, tally.c.happening],
            set_={"times": tally.c.times + statement.excluded.times},
        )
        self._connection.execute(
            statement,
            [
                {"hour": slot.hour, "domain": slot.domain, "happening": slot.happening.value, "times": times}
                for slot, times in counts.items()
            ],
        )

    def since(self, hour: int, domains: Collection[str] | None) -> list[tuple[int, Happening, int]]:
        """Return (hour, happening, times) from this hour on, oldest first. domains: None is all of them."""
        times = func.sum(tally.c.times)
        query = select(tally.c.hour, tally.c.happening, times).where(tally.c.hour >= hour)
        if domains is not None:
            query = query.where(tally.c.domain.in_(domains))
        query = query.group_by(tally.c.hour, tally.c.happening).order_by(tally.c.hour)
        return [(int(at), Happening(what), int(count)) for at, what, count in self._connection.execute(query)]

    def by_domain(self, hour: int, domains: Collection[str]) -> list[tuple[str, Happening, int]]:
        """Return (domain, happening, times) from this hour on."""
        query = (
            select(tally.c.domain, tally.c.happening, func.sum(tally.c.times))
            .where(tally.c.hour >= hour, tally.c.domain.in_(domains))
            .group_by(tally.c.domain, tally.c.happening)
        )
        return [(str(domain), Happening(what), int(count)) for domain, what, count in self._connection.execute(query)]

    def forget(self, before: float) -> None:
        """Drop the numbers of hours before then."""
        self._connection.execute(delete(tally).where(tally.c.hour < before))
