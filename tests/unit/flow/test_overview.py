from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.overview import Overview, Span, bar_starts
from gateway.flow.overview_ports import HopState, Standing, Stuck
from gateway.flow.tally import HOUR, Happening

T = TypeVar("T")
NOW = 1_700_000_000.0
HERE = int(NOW) // HOUR * HOUR
ROOT = Viewer(1, "root", Role.SITE_ADMIN, Reach(site=True))
EVE = Viewer(2, "eve", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})))
JOE = Viewer(3, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
ANN = Viewer(4, "ann", Role.AUDITOR, Reach(site=True))
CALM = Standing(0, None, 0, 0, 0, 0, 0, (), (), (), ())


class Table:
    """Both what stands and the numbers; remembers for which domains it was asked."""

    def __init__(self) -> None:
        self.calm = CALM
        self.numbers: list[tuple[int, Happening, int]] = []
        self.asked: list[Collection[str] | None] = []
        self.hastened: list[int] = []

    @property
    def overview(self) -> Table:
        return self

    @property
    def tallies(self) -> Table:
        return self

    def standing(self, domains: Collection[str] | None, now: float) -> Standing:
        self.asked.append(domains)
        return self.calm

    def stuck(self, domains: Collection[str] | None, most: int) -> Sequence[Stuck]:
        self.asked.append(domains)
        return []

    def since(self, hour: int, domains: Collection[str] | None) -> list[tuple[int, Happening, int]]:
        return [number for number in self.numbers if number[0] >= hour]

    def by_domain(self, hour: int, domains: Collection[str]) -> list[tuple[str, Happening, int]]:
        self.asked.append(domains)
        return [(name, Happening.HELD, 3) for name in domains if name == "example.org"]

    def hasten_challenge(self, challenge_id: int, domains: Collection[str] | None, now: float) -> bool:
        self.hastened.append(challenge_id)
        return challenge_id == 1


class Store:
    def __init__(self) -> None:
        self.table = Table()

    async def transact(self, work: Callable[[Table], T]) -> T:
        return work(self.table)

    async def look(self, work: Callable[[Table], T]) -> T:
        return work(self.table)


class Hops:
    def __init__(self, *states: HopState) -> None:
        self._states = states

    async def states(self) -> Sequence[HopState]:
        return self._states


def overview(store: Store, *hops: HopState, woken: list[str] | None = None) -> Overview:
    woken = [] if woken is None else woken
    return Overview(
        store,
        Hops(*hops),
        domains=["other.example", "example.org"],
        max_per_hour=100,
        now=lambda: NOW,
        wake_challenges=lambda: woken.append("challenges"),
    )


async def test_overview_is_not_for_users() -> None:
    store = Store()
    assert await overview(store).picture(JOE, Span.DAY, UTC) is None
    assert await overview(store).outgoing(JOE) == ()
    assert store.table.asked == []


async def test_overview_of_a_domain_admin_is_of_his_domains_only() -> None:
    store = Store()
    hops = (
        HopState("127.0.0.1:1", (), True),
        HopState("127.0.0.1:2", ("example.org",), True),
        HopState("127.0.0.1:3", ("other.example",), False),
    )
    picture = await overview(store, *hops).picture(EVE, Span.DAY, UTC)
    assert picture is not None
    assert store.table.asked == [frozenset({"example.org"})]
    assert [hop.place for hop in picture.hops] == ["127.0.0.1:1", "127.0.0.1:2"]


async def test_overview_of_one_domain_is_for_who_looks_after_it() -> None:
    store = Store()
    hops = (HopState("rest:25", (), True), HopState("own:25", ("other.example",), False))
    picture = await overview(store, *hops).picture(ROOT, Span.WEEK, UTC, "example.org")
    assert picture is not None
    assert store.table.asked == [frozenset({"example.org"})]
    assert (picture.domain, picture.choices) == ("example.org", ("example.org", "other.example"))
    assert [hop.place for hop in picture.hops] == ["rest:25"]
    for viewer, domain in ((EVE, "other.example"), (ROOT, "foreign.example"), (JOE, "example.org")):
        assert await overview(store).picture(viewer, Span.WEEK, UTC, domain) is None
    own = await overview(store).picture(EVE, Span.WEEK, UTC, "example.org")
    assert own is not None
    assert own.choices == ("example.org",)
    assert len(store.table.asked) == 2


async def test_overview_puts_each_number_into_its_hour() -> None:
    store = Store()
    store.table.numbers = [
        (HERE - 30 * HOUR, Happening.HELD, 99),
        (HERE - 2 * HOUR, Happening.HELD, 3),
        (HERE - 2 * HOUR, Happening.RELAYED, 4),
        (HERE, Happening.HELD, 5),
    ]
    picture = await overview(store).picture(ROOT, Span.DAY, UTC)
    assert picture is not None
    assert len(picture.bars) == 24
    assert picture.bars[-1].counts == {Happening.HELD: 5}
    assert picture.bars[-3].counts == {Happening.HELD: 3, Happening.RELAYED: 4}
    assert picture.total(Happening.HELD) == 8


async def test_days_begin_at_midnight_of_the_reader_also_when_the_clock_is_changed() -> None:
    prague = ZoneInfo("Europe/Prague")
    # 31 March 2024, 12:00 in Prague: the clock went from 02:00 to 03:00 in the night before.
    noon = 1_711_879_200.0
    starts = bar_starts(Span.WEEK, noon, prague)
    assert len(starts) == 7
    assert [round((later - one) / HOUR) for one, later in pairwise(starts)] == [24] * 6
    after = bar_starts(Span.WEEK, noon + 24 * HOUR, prague)
    assert round((after[-1] - after[-2]) / HOUR) == 23


async def test_retry_of_a_challenge_wakes_the_worker_only_where_there_was_one() -> None:
    store, woken = Store(), list[str]()
    console = overview(store, woken=woken)
    assert await console.retry_challenge(EVE, 1)
    assert not await console.retry_challenge(EVE, 2)
    assert woken == ["challenges"]


async def test_auditor_sees_but_does_not_retry() -> None:
    store = Store()
    assert await overview(store).picture(ANN, Span.MONTH, UTC) is not None
    assert not await overview(store).retry_challenge(ANN, 1)
    assert store.table.hastened == []


async def test_domains_tell_their_server_and_their_day_within_reach() -> None:
    store = Store()
    hops = (HopState("rest:25", (), True), HopState("own:25", ("other.example",), False))
    ours, other = await overview(store, *hops).domains(ROOT)
    assert (ours.name, ours.hop, ours.of(Happening.HELD), ours.of(Happening.RELAYED)) == ("example.org", hops[0], 3, 0)
    assert (other.name, other.hop, other.counts) == ("other.example", hops[1], {})
    assert [one.name for one in await overview(store, *hops).domains(EVE)] == ["example.org"]
    assert await overview(store, *hops).domains(JOE) == ()
