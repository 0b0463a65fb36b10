"""Windows in the store: who used them, and when they are forgotten."""

from __future__ import annotations

import asyncio

from gateway.domain.address import Address
from gateway.domain.expecting import Window
from gateway.flow.arrangements import Use
from gateway.flow.expecting import NewWindow
from gateway.store.store import Store
from tests.store.letters import DAY, JOE, KIM, NOW

TAGGED = Address.of("joe+x7k2m@example.org")


async def opened(store: Store, opens: str = JOE.key, once: bool = False, ends_at: float = NOW + 900) -> Window:
    new = NewWindow(JOE.key, opens, NOW, ends_at, once, "oak.example")
    return await store.transact(lambda tx: tx.expecting.add(new, "joe"))


def use(window: int, key: bytes = b"k", at: float = NOW) -> Use:
    return Use(window, key.ljust(32, b"\0"), at, "joe@example.org", "anna@oak.example", "Code 123")


async def test_window_is_found_by_the_address_it_opens_and_by_its_sub_addresses(store: Store, url: str) -> None:
    other = Store(url)
    assert (await store.arrangements((), [JOE])).windows == {}
    plain, tag = await opened(other), await opened(other, TAGGED.key)
    found = (await store.arrangements((), [JOE, TAGGED, KIM])).windows
    assert found == {JOE.key: (plain,), TAGGED.key: (plain, tag)}
    assert await store.look(lambda tx: tx.expecting.get(plain.id)) == plain
    assert await store.look(lambda tx: tx.expecting.get(99)) is None
    await other.transact(lambda tx: tx.expecting.stop(plain.id, NOW + 60))
    assert (await store.arrangements((), [JOE])).windows[JOE.key][0].ends_at == NOW + 60
    await other.transact(lambda tx: tx.expecting.stop(plain.id, NOW + 600))
    assert (await store.arrangements((), [JOE])).windows[JOE.key][0].ends_at == NOW + 60
    await other.close()


async def test_use_counts_each_mail_once_and_keeps_what_it_was(store: Store) -> None:
    window = await opened(store)
    mails = [use(window.id, key, NOW + at) for key, at in ((b"1", 1.0), (b"1", 2.0), (b"2", 3.0))]
    assert all(await store.transact(lambda tx: [tx.expecting.use(mail) for mail in mails]))
    again = await store.look(lambda tx: tx.expecting.get(window.id))
    assert again is not None
    assert again.uses == 2
    passed = await store.look(lambda tx: tx.expecting.passed([window.id], 10))
    assert [(one.at, one.sender, one.subject) for one in passed] == [
        (NOW + 3, "anna@oak.example", "Code 123"),
        (NOW + 1, "anna@oak.example", "Code 123"),
    ]


async def test_window_for_one_mail_is_used_by_one_of_twenty_at_once(store: Store) -> None:
    window = await opened(store, once=True)
    assert (await store.arrangements((), [JOE])).windows[JOE.key][0].uses == 0

    async def one(number: int) -> bool:
        mail = use(window.id, bytes([number]))
        return await store.transact(lambda tx: tx.expecting.use(mail))

    assert sum(await asyncio.gather(*(one(number) for number in range(20)))) == 1
    # Told to every process, by the counter.
    assert (await store.arrangements((), [JOE])).windows[JOE.key][0].uses == 1


async def test_windows_within_reach_are_those_of_the_addresses_and_domains(store: Store) -> None:
    window = await opened(store)

    async def within(addresses: list[str], domains: list[str] | None) -> list[Window]:
        return await store.look(lambda tx: tx.expecting.within(addresses, domains, NOW, 10))

    assert await within([JOE.key], []) == [window]
    assert await within([], ["example.org"]) == [window]
    assert await within([], ["ample.org"]) == []
    assert await within([KIM.key], ["elm.example"]) == []
    assert await within([], None) == [window]
    assert await store.look(lambda tx: tx.expecting.within([], None, NOW + 900, 10)) == []
    assert await store.look(lambda tx: tx.expecting.of_address(JOE.key)) == [window]


async def test_forgotten_windows_take_their_uses_with_them(store: Store) -> None:
    old, young = await opened(store), await opened(store, ends_at=NOW + 2 * DAY)
    await store.transact(lambda tx: [tx.expecting.use(use(window.id)) for window in (old, young)])
    await store.transact(lambda tx: tx.expecting.forget(NOW + DAY))
    await store.transact(lambda tx: tx.expecting.forget(NOW + DAY))
    assert [window.id for window in await store.look(lambda tx: tx.expecting.of_address(JOE.key))] == [young.id]
    assert len(await store.look(lambda tx: tx.expecting.passed([old.id, young.id], 10))) == 1
