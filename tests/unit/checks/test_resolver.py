from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.lookups import DnsFailure, Mx, NotFound
from gateway.checks.resolver import Resolver

SOA = "oak.example. 600 IN SOA ns.oak.example. admin.oak.example. 1 2 3 4 60"


def answer(
    name: dns.name.Name,
    kind: dns.rdatatype.RdataType,
    lines: list[str],
    *,
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
    authority: list[str] | None = None,
) -> dns.message.QueryMessage:
    message = dns.message.make_response(dns.message.make_query(name, kind))
    assert isinstance(message, dns.message.QueryMessage)
    message.set_rcode(rcode)
    for section, records in ((message.answer, lines), (message.authority, authority or [])):
        for line in records:
            owner, ttl, _, rdtype, rest = line.split(" ", 4)
            rrset = message.find_rrset(
                section, dns.name.from_text(owner), dns.rdataclass.IN, dns.rdatatype.from_text(rdtype), create=True
            )
            rrset.add(dns.rdata.from_text("IN", rdtype, rest), int(ttl))
    return message


class Server:
    """Answers every question in the same way, and counts them."""

    def __init__(self, lines: list[str] | None = None, **more: Any) -> None:
        self.asked: list[tuple[str, str]] = []
        self.fault: Exception | None = None
        self.gate: asyncio.Event | None = None
        self._lines = lines or []
        self._more = more

    async def __call__(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.QueryMessage:
        self.asked.append((name.to_text(), dns.rdatatype.to_text(kind)))
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return answer(name, kind, self._lines, **self._more)


def resolver(server: Server, clock: Callable[[], float] = lambda: 0.0, entries: int = 100) -> Resolver:
    return Resolver(server, cache_entries=entries, monotonic=clock)


async def test_records_of_each_type_become_plain_values() -> None:
    lines = {
        "TXT": ['oak.example. 60 IN TXT "v=spf1 " "-all"', 'oak.example. 60 IN TXT "\\255"'],
        "MX": ["oak.example. 60 IN MX 20 B.Oak.example.", "oak.example. 60 IN MX 10 a.oak.example."],
        "A": ["oak.example. 60 IN A 192.0.2.1"],
        "AAAA": ["oak.example. 60 IN AAAA 2001:db8::1"],
        "PTR": ["oak.example. 60 IN PTR Mail.oak.example."],
    }
    found = await resolver(Server(lines["TXT"])).txt("oak.example")
    assert not isinstance(found, NotFound)
    assert set(found) == {b"v=spf1 -all", b"\xff"}
    assert await resolver(Server(lines["MX"])).mx("oak.example") == (Mx(10, "a.oak.example"), Mx(20, "b.oak.example"))
    assert await resolver(Server(lines["A"])).a("oak.example") == ("192.0.2.1",)
    assert await resolver(Server(lines["AAAA"])).aaaa("oak.example") == ("2001:db8::1",)
    assert await resolver(Server(lines["PTR"])).ptr("oak.example") == ("mail.oak.example",)


async def test_null_mx_has_an_empty_host() -> None:
    assert await resolver(Server(["oak.example. 60 IN MX 0 ."])).mx("oak.example") == (Mx(0, ""),)


async def test_aliases_are_followed_and_the_shortest_time_counts() -> None:
    clock = [0.0]
    server = Server(["oak.example. 30 IN CNAME elm.example.", "elm.example. 600 IN A 192.0.2.1"])
    lookups = resolver(server, lambda: clock[0])
    assert await lookups.a("oak.example") == ("192.0.2.1",)
    clock[0] = 29.9
    await lookups.a("oak.example")
    assert len(server.asked) == 1
    clock[0] = 30.0
    await lookups.a("oak.example")
    assert len(server.asked) == 2


async def test_alias_loop_is_a_failure() -> None:
    server = Server(["oak.example. 30 IN CNAME elm.example.", "elm.example. 30 IN CNAME oak.example."])
    with pytest.raises(DnsFailure):
        await resolver(server).a("oak.example")


async def test_no_such_name_and_no_such_record_can_be_told_apart() -> None:
    assert await resolver(Server(rcode=dns.rcode.NXDOMAIN)).a("oak.example") is NotFound.NAME
    assert await resolver(Server()).a("oak.example") is NotFound.RECORD
    dangling = Server(["oak.example. 30 IN CNAME elm.example."], rcode=dns.rcode.NXDOMAIN)
    assert await resolver(dangling).a("oak.example") is NotFound.NAME


@pytest.mark.parametrize(("authority", "seconds"), [([SOA], 60.0), ([SOA.replace(" 60", " 99999")], 300.0), ([], 5.0)])
async def test_negative_answer_is_remembered_as_long_as_it_says(authority: list[str], seconds: float) -> None:
    clock = [0.0]
    server = Server(rcode=dns.rcode.NXDOMAIN, authority=authority)
    lookups = resolver(server, lambda: clock[0])
    await lookups.a("oak.example")
    clock[0] = seconds - 0.1
    await lookups.a("oak.example")
    assert len(server.asked) == 1
    clock[0] = seconds
    await lookups.a("oak.example")
    assert len(server.asked) == 2


@pytest.mark.parametrize(("ttl", "seconds"), [(0, 1.0), (999_999, 3600.0)])
async def test_extreme_times_to_live_are_bounded(ttl: int, seconds: float) -> None:
    clock = [0.0]
    server = Server([f"oak.example. {ttl} IN A 192.0.2.1"])
    lookups = resolver(server, lambda: clock[0])
    await lookups.a("oak.example")
    clock[0] = seconds - 0.1
    await lookups.a("oak.example")
    clock[0] = seconds
    await lookups.a("oak.example")
    assert len(server.asked) == 2


async def test_cache_is_bounded() -> None:
    server = Server()
    lookups = resolver(server, entries=2)
    for name in ("a.example", "b.example", "c.example", "a.example"):
        await lookups.a(name)
    assert len(server.asked) == 4


async def test_same_question_is_asked_once_at_a_time() -> None:
    server = Server(["oak.example. 60 IN A 192.0.2.1"])
    server.gate = asyncio.Event()
    lookups = resolver(server)
    asks = [asyncio.create_task(lookups.a(name)) for name in ("oak.example", "OAK.example", "oak.example.")]
    await asyncio.sleep(0)
    server.gate.set()
    assert await asyncio.gather(*asks) == [("192.0.2.1",)] * 3
    assert server.asked == [("oak.example.", "A")]


async def test_caller_that_gives_up_leaves_the_question_to_the_others() -> None:
    server = Server(["oak.example. 60 IN A 192.0.2.1"])
    server.gate = asyncio.Event()
    lookups = resolver(server)
    impatient = asyncio.create_task(lookups.a("oak.example"))
    patient = asyncio.create_task(lookups.a("oak.example"))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    server.gate.set()
    assert await patient == ("192.0.2.1",)
    assert impatient.cancelled()


async def test_failure_is_raised_to_each_caller_and_not_remembered() -> None:
    server = Server(["oak.example. 60 IN A 192.0.2.1"])
    server.fault = DnsFailure("SERVFAIL")
    lookups = resolver(server)
    results = await asyncio.gather(lookups.a("oak.example"), lookups.a("oak.example"), return_exceptions=True)
    assert [type(each) for each in results] == [DnsFailure, DnsFailure]
    server.fault = None
    assert await lookups.a("oak.example") == ("192.0.2.1",)


async def test_remembered_answer_starts_no_task() -> None:
    lookups = resolver(Server(["oak.example. 60 IN A 192.0.2.1"]))
    await lookups.a("oak.example")
    coroutine = lookups.a("oak.example")
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)
    assert done.value.value == ("192.0.2.1",)


async def test_closed_resolver_fails_what_is_under_way() -> None:
    server = Server()
    server.gate = asyncio.Event()
    lookups = resolver(server)
    ask = asyncio.create_task(lookups.a("oak.example"))
    await asyncio.sleep(0)
    await lookups.close()
    with pytest.raises(DnsFailure):
        await ask


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "x" * 64 + ".example", "a." * 130, "bücher.example", "\udcff.example"]
)
async def test_name_that_cannot_be_in_the_dns_does_not_exist(name: str) -> None:
    server = Server()
    assert await resolver(server).a(name) is NotFound.NAME
    assert server.asked == []


@given(st.text(max_size=80))
def test_any_name_never_raises(name: str) -> None:
    assert isinstance(asyncio.run(resolver(Server(rcode=dns.rcode.NXDOMAIN)).txt(name)), NotFound)


async def test_backslash_in_a_name_is_a_letter() -> None:
    server = Server()
    await resolver(server).txt("a\\046b.example")
    assert server.asked == [("a\\\\046b.example.", "TXT")]
