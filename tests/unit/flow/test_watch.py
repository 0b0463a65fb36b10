from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.overview_ports import HopState
from gateway.flow.ports import StoreDown
from gateway.flow.watch import Watch
from tests.unit.flow.test_overview import CALM, EVE, JOE, NOW, ROOT, Hops, Store, Table

T = TypeVar("T")
FAR = HopState("far:25", ("other.example",), False)
NEAR = HopState("near:25", ("example.org",), False)
REST = HopState("rest:25", (), False)


class Broken(Store):
    async def look(self, work: Callable[[Table], T]) -> T:
        raise StoreDown("no disk")


async def texts(store: Store, viewer: Viewer, *hops: HopState) -> list[str]:
    watch = Watch(store, Hops(*hops), max_per_hour=100)
    assert watch.needs_of(viewer) == []
    await watch.look(NOW)
    return [need.text for need in watch.needs_of(viewer)]


async def test_calm_site_needs_nobody() -> None:
    assert await texts(Store(), ROOT, replace(FAR, reachable=True)) == []


async def test_site_admin_is_told_of_all_and_the_gravest_first() -> None:
    store = Store()
    store.table.calm = replace(CALM, refused=2, asked_last_hour=100)
    told = await texts(store, ROOT, FAR, REST)
    assert [text.split()[:3] for text in told] == [
        ["The", "server", "far:25"], ["The", "server", "rest:25"], ["2", "mails", "were"], ["No", "more", "senders"],
    ]  # fmt: skip


async def test_domain_admin_is_told_of_the_servers_of_his_domains() -> None:
    store = Store()
    store.table.calm = replace(CALM, refused=2)
    assert [text.split()[2] for text in await texts(store, EVE, FAR, NEAR, REST)] == ["near:25"]


async def test_user_is_not_called() -> None:
    watch = Watch(Store(), Hops(FAR, NEAR), max_per_hour=0)
    await watch.look(NOW)
    assert watch.needs_of(JOE) == ()


async def test_store_that_cannot_be_read_is_grave() -> None:
    watch = Watch(Broken(), Hops(), max_per_hour=100)
    await watch.look(NOW)
    (need,) = watch.needs_of(Viewer(9, "ann", Role.AUDITOR, Reach(site=True)))
    assert need.grave


async def test_site_admin_is_called_when_the_webhook_has_failed_for_a_while() -> None:
    since: list[float | None] = [None]

    async def failing_since() -> float | None:
        return since[0]

    watch = Watch(Store(), Hops(), max_per_hour=100, webhook_failing_since=failing_since)
    for failing, called in ((None, 0), (NOW - 10, 0), (NOW - 301, 1)):
        since[0] = failing
        await watch.look(NOW)
        assert [need.path for need in watch.needs_of(ROOT)] == ["webhook"] * called
        assert watch.needs_of(EVE) == []
