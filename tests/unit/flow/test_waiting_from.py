"""What waits from whom an entry blocks is counted and deleted: all of it, nothing else, and only within reach."""

from __future__ import annotations

import pytest

from gateway.domain.address import Address
from gateway.domain.evidence import NO_EVIDENCE, Evidence
from gateway.domain.policy import Policy
from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.describe import Describer
from gateway.flow.order_work import OrderWorker
from gateway.flow.orders import Orders
from gateway.flow.redate import Redater
from gateway.flow.waiting_from import WaitingFrom
from tests.unit.flow.world import JOE, KIM, PROVEN, World, letter

VIEWER = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
ADMIN = Viewer(2, "root", Role.SITE_ADMIN, Reach(site=True))
AUDITOR = Viewer(3, "audit", Role.AUDITOR, Reach(site=True))
TAGGED = Address.of("joe+shop@example.org")


async def arrive(world: World, subject: str, sender: str, author: str = "", to: Address = JOE, *more: str) -> None:
    evidence: Evidence = PROVEN if not more else NO_EVIDENCE
    world.checks.by_subject[subject] = evidence
    content = letter(subject, *more, to=to.text, sender=author or sender)
    await world.arrive(content, to, sender=Address.of(sender))


async def fill(world: World) -> None:
    await arrive(world, "anna", "anna@oak.example")
    await arrive(world, "anna as author", "bounce-1@esp.example", "Anna@Oak.example")
    await arrive(world, "anna to a tag", "anna@oak.example", to=TAGGED)
    await arrive(world, "anna to kim", "anna@oak.example", to=KIM)
    await arrive(world, "joanna", "joanna@oak.example")
    await arrive(world, "like anna", "x@anna.oak.example")
    await arrive(world, "not anna", "anna@oak.example.evil.example")
    await arrive(world, "news", "b@esp.example", "no-reply@oak.example", JOE, "List-Id: <news.oak.example>")
    while await Describer(world.store).run_once():
        pass


def waiting_from(world: World) -> WaitingFrom:
    return WaitingFrom(world.store, Orders(world.store, 10, now=world.clock.now, wake=lambda: None))


@pytest.mark.parametrize(
    ("pattern", "whose", "gone"),
    [
        ("anna@oak.example", "joe@example.org", {"anna", "anna as author", "anna to a tag"}),
        ("ANNA@oak.example", "joe+shop@example.org", {"anna to a tag"}),
        ("anna@oak.example", "example.org", {"anna", "anna as author", "anna to a tag", "anna to kim"}),
        (
            "oak.example",
            "",
            {"anna", "anna as author", "anna to a tag", "anna to kim", "joanna", "news"},
        ),
        ("*.oak.example", "", {"like anna"}),
        ("list:news.oak.example", "joe@example.org", {"news"}),
        ("nobody@oak.example", "", set()),
    ],
)
async def test_what_the_entry_names_is_counted_and_deleted_and_nothing_else(
    world: World, pattern: str, whose: str, gone: set[str]
) -> None:
    await fill(world)
    waiting = waiting_from(world)
    assert await waiting.count(ADMIN, pattern, whose) == len(gone)
    order = await waiting.delete(ADMIN, "n", pattern, whose)
    assert order is not None
    redate = Redater(world.store, Policy(), now=world.clock.now).step
    worker = OrderWorker(world.store, 10, redate, now=world.clock.now, wake_deliveries=lambda: None)
    while await worker.run_once():
        pass
    assert {row.state for row in await world.pending()} == {"pending"}  # Nothing leaves before its time.
    assert await waiting.count(ADMIN, pattern, whose) == 0
    world.clock.at += 11
    while await worker.run_once():
        pass
    assert {subject for subject, state in (await world.by_subject()).items() if state == "deleted"} == gone


async def test_what_is_faulty_foreign_or_not_his_to_do_is_neither_counted_nor_deleted(world: World) -> None:
    await fill(world)
    for viewer, pattern, whose in (
        (VIEWER, "anna@oak.example", "kim@example.org"),
        (VIEWER, "anna@oak.example", ""),
        (VIEWER, "*", "joe@example.org"),
        (AUDITOR, "anna@oak.example", ""),
    ):
        assert await waiting_from(world).count(viewer, pattern, whose) is None
        assert await waiting_from(world).delete(viewer, "n", pattern, whose) is None
    assert await waiting_from(world).count(VIEWER, "anna@oak.example", "joe@example.org") == 3
