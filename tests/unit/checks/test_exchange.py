"""Over loopback sockets only: what is tested here is the exchange itself."""

from __future__ import annotations

import asyncio
import errno
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from gateway.checks.exchange import Exchange, Server, SystemServers, parse_server
from gateway.checks.lookups import DnsFailure
from gateway.checks.resolver import Resolver
from tests.clock import pass_time, run_with_clock

NAME = dns.name.from_text("oak.example")
TXT = dns.rdatatype.TXT
Script = Callable[[bytes], list[bytes]]


def good(wire: bytes, text: str = "good") -> bytes:
    message = dns.message.make_response(dns.message.from_wire(wire))
    message.answer.append(dns.rrset.from_text(NAME, 60, "IN", "TXT", f'"{text}"'))
    return message.to_wire()


def with_rcode(wire: bytes, rcode: dns.rcode.Rcode) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(wire))
    message.set_rcode(rcode)
    return message.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, script: Script, seen: list[tuple[bytes, int]]) -> None:
        self._script, self._seen = script, seen
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._seen.append((data, addr[1]))
        assert self._transport is not None
        for reply in self._script(data):
            self._transport.sendto(reply, addr)


async def _opened(
    accept: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], datagrams: Callable[[], _Datagrams]
) -> tuple[asyncio.Server, asyncio.DatagramTransport]:
    """Listen at one port over TCP and UDP: one that is free for the one may be in use for the other."""
    while True:
        stream = await asyncio.start_server(accept, "127.0.0.1", 0)
        place = stream.sockets[0].getsockname()
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(datagrams, local_addr=place)
        except OSError as fault:
            stream.close()
            await stream.wait_closed()
            if fault.errno != errno.EADDRINUSE:
                raise
        else:
            return stream, transport


@asynccontextmanager
async def serving(script: Script, tcp: Script | None = None) -> AsyncIterator[tuple[Server, list[tuple[bytes, int]]]]:
    """Run a server that answers as scripted; yields its address and what it was asked over UDP."""
    seen: list[tuple[bytes, int]] = []
    answer = tcp or (lambda wire: [good(wire, "tcp")])

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        for reply in answer(await reader.readexactly(length)):
            writer.write(struct.pack("!H", len(reply)) + reply)
        await writer.drain()
        writer.close()

    stream, transport = await _opened(accept, lambda: _Datagrams(script, seen))
    port = stream.sockets[0].getsockname()[1]
    try:
        yield Server("127.0.0.1", port), seen
    finally:
        transport.close()
        stream.close()
        await stream.wait_closed()


async def ask(*servers: Server, seconds: float = 5) -> str:
    message = await Exchange(lambda: servers, seconds)(NAME, TXT)
    return str(message.answer[0][0].to_text()).strip('"')


async def test_answer_over_udp_is_returned() -> None:
    async with serving(lambda wire: [good(wire)]) as (server, _):
        assert await ask(server) == "good"


async def test_query_asks_for_recursion_and_offers_edns() -> None:
    async with serving(lambda wire: [good(wire)]) as (server, seen):
        await ask(server)
    query = dns.message.from_wire(seen[0][0])
    assert query.flags & dns.flags.RD
    assert (query.edns, query.payload) == (0, 1232)
    assert query.question[0].name == NAME


async def test_each_question_has_a_port_and_an_id_of_its_own() -> None:
    async with serving(lambda wire: [good(wire)]) as (server, seen):
        for _ in range(20):
            await ask(server)
    assert len({wire[:2] for wire, _ in seen}) > 15
    assert len({port for _, port in seen}) > 10


async def test_truncated_answer_is_fetched_over_tcp() -> None:
    def cut(wire: bytes) -> list[bytes]:
        reply = bytearray(good(wire))
        reply[2] |= 0x02
        return [bytes(reply)]

    async with serving(cut) as (server, _):
        assert await ask(server) == "tcp"


async def test_forged_answers_before_the_true_one_are_passed_over() -> None:
    def forge(wire: bytes) -> list[bytes]:
        wrong_id = bytes((wire[0] ^ 1,)) + good(wire, "forged")[1:]
        other = dns.message.make_response(dns.message.make_query("elm.example", "TXT"))
        other.id = int.from_bytes(wire[:2], "big")
        query = wire
        return [wrong_id, other.to_wire(), query, b"", b"\0", wire[:2] + b"\x80", good(wire)]

    async with serving(forge) as (server, _):
        assert await ask(server) == "good"


async def test_flood_of_forged_answers_leads_to_tcp() -> None:
    async with serving(lambda wire: [bytes((wire[0] ^ 1,)) + good(wire, "forged")[1:]] * 20) as (server, _):
        assert await ask(server) == "tcp"


async def test_answer_over_tcp_to_another_question_is_refused() -> None:
    def forge(wire: bytes) -> list[bytes]:
        return [bytes((wire[0] ^ 1,)) + good(wire, "forged")[1:]]

    async with serving(lambda wire: [bytes((wire[0] ^ 1,)) + wire[1:]] * 20, forge) as (server, _):
        with pytest.raises(DnsFailure):
            await ask(server)


async def test_server_that_does_not_know_edns_is_asked_without() -> None:
    def old(wire: bytes) -> list[bytes]:
        if dns.message.from_wire(wire).edns >= 0:
            return [with_rcode(wire, dns.rcode.FORMERR)]
        return [good(wire)]

    async with serving(old) as (server, _):
        assert await ask(server) == "good"


async def test_server_that_cuts_the_question_off_a_refusal_is_asked_without_edns() -> None:
    def old(wire: bytes) -> list[bytes]:
        if dns.message.from_wire(wire).edns >= 0:
            return [wire[:2] + b"\x80\x01" + bytes(8)]
        return [good(wire)]

    async with serving(old) as (server, _):
        assert await ask(server) == "good"


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTAUTH])
async def test_server_that_fails_is_followed_by_the_next(rcode: dns.rcode.Rcode) -> None:
    async with (
        serving(lambda wire: [with_rcode(wire, rcode)]) as (bad, _),
        serving(lambda wire: [good(wire)]) as (server, _),
    ):
        assert await ask(bad, server) == "good"
        with pytest.raises(DnsFailure, match=dns.rcode.to_text(rcode)):
            await ask(bad)


async def test_malformed_answer_is_a_failure() -> None:
    async with serving(lambda wire: [good(wire)[:-3]]) as (server, _):
        with pytest.raises(DnsFailure):
            await ask(server)


def test_lost_datagram_is_sent_again() -> None:
    async def main() -> None:
        lost = asyncio.Event()

        def lossy(wire: bytes) -> list[bytes]:
            if lost.is_set():
                return [good(wire)]
            lost.set()
            return []

        async with serving(lossy) as (server, _):
            asking = asyncio.create_task(ask(server, seconds=60))
            await lost.wait()
            await pass_time(31)
            assert await asking == "good"

    run_with_clock(main())


async def test_silent_server_is_a_failure_at_the_time_limit() -> None:
    async with serving(lambda _: []) as (server, _):
        with pytest.raises(DnsFailure, match="in time"):
            await ask(server, seconds=0.02)


async def test_closed_port_is_a_failure_at_once() -> None:
    with pytest.raises(DnsFailure, match="Refused"):
        await ask(Server("127.0.0.1", 1), seconds=60)


async def test_no_server_is_a_failure_and_not_an_error_at_the_start(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(DnsFailure):
            await Exchange(SystemServers(lambda: 0.0, path), 1)(NAME, TXT)


async def test_resolver_over_the_network_finds_records() -> None:
    async with serving(lambda wire: [good(wire)]) as (server, seen):
        lookups = Resolver.over_network([f"{server.host}:{server.port}"], monotonic=lambda: 0.0)
        assert await lookups.txt("oak.example") == (b"good",)
        assert await lookups.txt("Oak.Example") == (b"good",)
        await lookups.close()
    assert len(seen) == 1


def test_system_servers_are_read_leniently_and_again_when_time_has_passed(tmp_path: Path) -> None:
    clock = [0.0]
    path = tmp_path / "resolv.conf"
    servers = SystemServers(lambda: clock[0], path)
    assert servers() == ()
    path.write_text("# x\nnameserver 192.0.2.1\nsearch a\nnameserver bad\nnameserver\nnameserver ::1 # y\n\xff")
    assert servers() == ()
    clock[0] = 30.0
    assert servers() == (Server("192.0.2.1"), Server("::1"))


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("127.0.0.1:5353", Server("127.0.0.1", 5353)),
        ("[::1]:53", Server("::1", 53)),
        ("[::1]", Server("::1", 53)),
        ("9.9.9.9", Server("9.9.9.9", 53)),
        ("2001:db8::1", Server("2001:db8::1", 53)),
        (" 9.9.9.9 ", Server("9.9.9.9", 53)),
    ],
)
def test_server_is_read(text: str, server: Server) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example",
        "dns.example:53",
        "127.0.0.1:0",
        "127.0.0.1:70000",
        "[::1]:x",
        "[127.0.0.1",
        "::1]:53",
        "1.2.3",
    ],
)
def test_server_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"DNS server|port"):
        parse_server(text)
