"""The name server, asked by dnspython over real sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import dns.asyncquery
import dns.asyncresolver
import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.update
import pytest

from gateway.demo.dns import DnsServer, Fault

ZONES = {
    "oak.example": {
        "@": {"MX": ["10 mail"], "TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
        "mail": {"A": ["127.0.0.1"]},
        "big": {"TXT": [f"{n:03d}" + "x" * 197 for n in range(20)]},
        "middling": {"TXT": ["y" * 200 for _ in range(1)] + ["z" * 255, "w" * 255]},
    }
}


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with DnsServer(ZONES) as server:
        yield server


def query(name: str, kind: str, **options: Any) -> dns.message.QueryMessage:
    return dns.message.make_query(name, kind, **options)


async def udp(server: DnsServer, message: dns.message.Message) -> dns.message.Message:
    return await dns.asyncquery.udp(message, server.endpoint.host, 5.0, server.endpoint.port)


async def tcp(server: DnsServer, message: dns.message.Message) -> dns.message.Message:
    return await dns.asyncquery.tcp(message, server.endpoint.host, 5.0, server.endpoint.port)


def resolver(server: DnsServer) -> dns.asyncresolver.Resolver:
    found = dns.asyncresolver.Resolver(configure=False)
    found.nameservers = [server.endpoint.host]
    found.port = server.endpoint.port
    return found


async def test_dns_resolver_finds_records(server: DnsServer) -> None:
    answer = await resolver(server).resolve("oak.example", "TXT")
    assert [item.strings for item in answer] == [(b"v=spf1 ip4:127.0.0.1 -all",)]


async def test_dns_resolver_sees_nxdomain_and_nodata(server: DnsServer) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        await resolver(server).resolve("none.oak.example", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        await resolver(server).resolve("mail.oak.example", "MX")


async def test_dns_answer_over_udp_and_tcp_is_the_same(server: DnsServer) -> None:
    message = query("oak.example", "MX")
    over_udp, over_tcp = await udp(server, message), await tcp(server, message)
    assert over_udp.to_wire() == over_tcp.to_wire()
    assert over_udp.flags & dns.flags.AA
    assert over_udp.flags & dns.flags.RA


async def test_dns_answer_too_large_for_udp_is_cut_and_whole_over_tcp(server: DnsServer) -> None:
    for options in ({}, {"use_edns": 0, "payload": 65_535}):
        cut = await udp(server, query("big.oak.example", "TXT", **options))
        assert cut.flags & dns.flags.TC
        assert not cut.answer
    whole = await tcp(server, query("big.oak.example", "TXT"))
    assert len(whole.answer[0]) == 20
    assert len(await resolver(server).resolve("big.oak.example", "TXT")) == 20


async def test_dns_edns_payload_of_client_is_respected(server: DnsServer) -> None:
    assert (await udp(server, query("middling.oak.example", "TXT"))).flags & dns.flags.TC
    roomy = await udp(server, query("middling.oak.example", "TXT", use_edns=0, payload=1232))
    assert not roomy.flags & dns.flags.TC
    assert roomy.edns == 0


async def test_dns_several_questions_on_one_connection_are_answered_in_turn(server: DnsServer) -> None:
    reader, writer = await asyncio.open_connection(server.endpoint.host, server.endpoint.port)
    messages = [query("oak.example", "MX"), query("mail.oak.example", "A")]
    for wire in (message.to_wire() for message in messages):
        writer.write(struct.pack("!H", len(wire)) + wire)
    for message in messages:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        assert dns.message.from_wire(await reader.readexactly(size)).id == message.id
    writer.close()
    await writer.wait_closed()


async def test_dns_replaced_zones_count_at_once(server: DnsServer) -> None:
    server.replace({"new.example": {"@": {"A": ["192.0.2.1"]}}})
    assert (await udp(server, query("new.example", "A"))).answer
    assert (await udp(server, query("oak.example", "MX"))).rcode() == dns.rcode.NXDOMAIN
    with pytest.raises(ValueError, match=r"worse\.example"):
        server.replace({"worse.example": "@ A nonsense"})
    assert (await udp(server, query("new.example", "A"))).answer


async def test_dns_fault_is_served_for_its_name_only(server: DnsServer) -> None:
    server.faults = {"oak.example": Fault.SERVFAIL, "mail.oak.example": Fault.REFUSED, "big.oak.example": Fault.SILENT}
    assert (await udp(server, query("OAK.example", "MX"))).rcode() == dns.rcode.SERVFAIL
    assert (await udp(server, query("mail.oak.example", "A"))).rcode() == dns.rcode.REFUSED
    assert server.reply(query("big.oak.example", "TXT").to_wire(), over_tcp=False) is None
    assert (await udp(server, query("middling.oak.example", "MX"))).rcode() == dns.rcode.NOERROR


async def test_dns_questions_are_remembered(server: DnsServer) -> None:
    await udp(server, query("Mail.Oak.Example", "A"))
    assert list(server.queries) == [("mail.oak.example", "A")]


def code(wire: bytes | None) -> int:
    assert wire is not None
    return wire[3] & 0x0F


def test_dns_odd_messages_get_the_code_that_fits() -> None:
    server = DnsServer(ZONES)
    plain = query("oak.example", "MX").to_wire()
    update = dns.update.UpdateMessage("oak.example").to_wire()
    none = plain[:4] + bytes(8)
    assert code(server.reply(update, over_tcp=False)) == dns.rcode.NOTIMP
    assert code(server.reply(none, over_tcp=False)) == dns.rcode.FORMERR
    assert code(server.reply(plain[:-3], over_tcp=False)) == dns.rcode.FORMERR
    assert code(server.reply(plain + b"junk", over_tcp=False)) == dns.rcode.FORMERR
    assert code(server.reply(query("oak.example", "AXFR").to_wire(), over_tcp=True)) == dns.rcode.REFUSED
    chaos = dns.message.make_query("version.bind", "TXT", "CH").to_wire()
    assert code(server.reply(chaos, over_tcp=False)) == dns.rcode.REFUSED
    newer = dns.message.from_wire(server.reply(query("oak.example", "MX", use_edns=1).to_wire(), over_tcp=False) or b"")
    assert newer.rcode() == dns.rcode.BADVERS


def test_dns_answers_and_fragments_are_met_with_silence() -> None:
    server = DnsServer(ZONES)
    response = dns.message.make_response(query("oak.example", "MX")).to_wire()
    assert server.reply(response, over_tcp=False) is None
    assert server.reply(b"\x00" * 11, over_tcp=False) is None
    assert server.reply(b"", over_tcp=False) is None


def test_dns_garbage_never_raises() -> None:
    server = DnsServer(ZONES)
    good = query("oak.example", "MX", use_edns=0, payload=1232).to_wire()
    for at in range(len(good)):
        for octet in (0x00, 0x3F, 0xC0, 0xFF):
            server.reply(good[:at] + bytes([octet]) + good[at + 1 :], over_tcp=False)
            server.reply(good[:at], over_tcp=True)


async def test_dns_serves_on_after_garbage_on_both_sockets(server: DnsServer) -> None:
    place = (server.endpoint.host, server.endpoint.port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in (b"", b"\xff" * 4, b"\xff" * 600, b"\x00\x01\x00\x00\xff\xff" + b"\xc0\x0c" * 40):
            sender.sendto(datagram, place)
    reader, writer = await asyncio.open_connection(*place)
    writer.write(b"\xff\xff" + b"GET / HTTP/1.1\r\n\r\n")
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert (await udp(server, query("oak.example", "MX"))).answer
    assert (await tcp(server, query("oak.example", "MX"))).answer


async def test_dns_stop_closes_connections_and_start_comes_back_at_the_same_port(server: DnsServer) -> None:
    before = server.endpoint
    reader, writer = await asyncio.open_connection(before.host, before.port)
    await tcp(server, query("oak.example", "MX"))
    await server.stop()
    assert await reader.read() == b""
    writer.close()
    await server.start()
    assert server.endpoint == before
    assert (await udp(server, query("oak.example", "MX"))).answer


async def test_dns_taken_port_is_an_error(server: DnsServer) -> None:
    with pytest.raises(OSError, match="in use"):
        await DnsServer(ZONES, port=server.endpoint.port).start()


def test_dns_endpoint_before_start_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        _ = DnsServer(ZONES).endpoint
