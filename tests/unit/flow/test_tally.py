from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import pytest

from gateway.flow.ports import StoreDown
from gateway.flow.tally import HOUR, Happening, Slot, Tally, write_down

T = TypeVar("T")
NOON = 1_700_000_000.0 // HOUR * HOUR


class Numbers:
    def __init__(self) -> None:
        self.kept: dict[Slot, int] = {}

    @property
    def tallies(self) -> Numbers:
        return self

    def add(self, counts: Mapping[Slot, int]) -> None:
        for slot, times in counts.items():
            self.kept[slot] = self.kept.get(slot, 0) + times


class Store:
    def __init__(self, down: bool = False) -> None:
        self.numbers = Numbers()
        self.down = down

    async def transact(self, work: Callable[[Numbers], T]) -> T:
        if self.down:
            raise StoreDown("full")
        return work(self.numbers)


async def test_tally_counts_by_hour_domain_and_happening() -> None:
    tally, store = Tally(), Store()
    tally.note(Happening.HELD, "example.org", NOON + 1)
    tally.note(Happening.HELD, "example.org", NOON + HOUR - 1)
    tally.note(Happening.HELD, "example.org", NOON + HOUR)
    tally.note(Happening.HELD, "other.example", NOON, times=3)
    assert await write_down(tally, store) == 3
    assert store.numbers.kept == {
        Slot(int(NOON), "example.org", Happening.HELD): 2,
        Slot(int(NOON) + HOUR, "example.org", Happening.HELD): 1,
        Slot(int(NOON), "other.example", Happening.HELD): 3,
    }


async def test_tally_written_down_is_not_counted_again() -> None:
    tally, store = Tally(), Store()
    tally.note(Happening.ASKED, "example.org", NOON)
    await write_down(tally, store)
    assert await write_down(tally, store) == 0


async def test_tally_that_cannot_be_written_is_kept_for_the_next_time() -> None:
    tally, store = Tally(), Store(down=True)
    tally.note(Happening.SOLVED, "example.org", NOON)
    with pytest.raises(StoreDown):
        await write_down(tally, store)
    tally.note(Happening.SOLVED, "example.org", NOON)
    store.down = False
    await write_down(tally, store)
    assert list(store.numbers.kept.values()) == [2]
