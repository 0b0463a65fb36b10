"""A small name server, UDP and TCP, for the demo and for tests (RFC 1035 §4.2)."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from enum import Enum
from types import TracebackType
from typing import Self, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from gateway.demo.ports import place_of
from gateway.demo.zones import Answer, ZoneData, Zones
from gateway.settings import Endpoint

_UDP_PAYLOAD = 1232  # What fits a packet everywhere (RFC 6891 §6.2.5 leaves the number to us).
_PLAIN_UDP = 512  # RFC 1035 §2.3.4: for who does not speak EDNS.
_TCP_IDLE_SECONDS = 10.0
_TCP_CONNECTIONS = 200
_PORT_TRIES = 20


class Fault(Enum):
    """How a name misbehaves."""

    SERVFAIL = "servfail"
    REFUSED = "refused"
    SILENT = "silent"  # No answer at all.


class DnsServer:
    """Answers from the given zones; use as `async with DnsServer(zones) as server: server.endpoint`.

    Whatever comes in on the sockets, it goes on serving.
    """

    def __init__(self, zones: ZoneData, port: int = 0) -> None:
        """Read the zones; port 0 takes a free one. Raises ValueError where the data is wrong."""
        self._zones = Zones(zones)
        self._wanted = Endpoint("127.0.0.1", port)
        self._endpoint: Endpoint | None = None
        self._tcp: asyncio.Server | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.faults: dict[str, Fault] = {}
        """Names (lower case, no final dot) that misbehave, for every type; may be changed at any time."""
        self.queries: deque[tuple[str, str]] = deque(maxlen=10_000)
        """The newest questions: name in lower case without final dot, and type."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens, on UDP and TCP alike. Raises RuntimeError before it was started."""
        if self._endpoint is None:
            raise RuntimeError("the name server is not running")
        return self._endpoint

    def replace(self, zones: ZoneData) -> None:
        """Serve other zones from now on. Raises ValueError, and keeps the old ones, where the data is wrong."""
        self._zones = Zones(zones)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open both sockets on one port. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        for attempt in range(_PORT_TRIES):
            # A stopped server that is started again comes back where it was.
            wanted = self._endpoint or self._wanted
            tcp = await asyncio.start_server(self._accept, wanted.host, wanted.port)
            place = place_of(tcp.sockets[0])
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=(place.host, place.port)
                )
            except OSError:
                tcp.close()
                await tcp.wait_closed()
                if wanted.port or attempt == _PORT_TRIES - 1:
                    raise
            else:
                self._tcp, self._endpoint = tcp, place
                return

    async def stop(self) -> None:
        """Close both sockets and every connection."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._tcp is not None:
            await self._tcp.wait_closed()
        self._tcp = self._udp = None

    def reply(self, wire: bytes, over_tcp: bool) -> bytes | None:
        """Return the answer to a message as it came from the network; None: say nothing."""
        if len(wire) < 12 or wire[2] & 0x80:
            return None  # No header, or an answer: answering those would let two servers talk for ever.
        if wire[2] & 0x78:
            return _bare(wire, dns.rcode.NOTIMP)
        try:
            query = dns.message.from_wire(wire)
            if not isinstance(query, dns.message.QueryMessage) or len(query.question) != 1:
                return _bare(wire, dns.rcode.FORMERR)
            return self._answer(query, over_tcp)
        except (dns.exception.DNSException, ValueError, IndexError, struct.error):
            return _bare(wire, dns.rcode.FORMERR)

    def _answer(self, query: dns.message.QueryMessage, over_tcp: bool) -> bytes | None:
        question = query.question[0]
        name, kind = question.name, question.rdtype
        plain = name.to_text(omit_final_dot=True).lower()
        self.queries.append((plain, dns.rdatatype.to_text(kind)))
        fault = self.faults.get(plain)
        if fault is Fault.SILENT:
            return None
        response = dns.message.make_response(query, recursion_available=True, our_payload=_UDP_PAYLOAD)
        response.flags |= dns.flags.AA
        answer = self._decide(query, name, kind, question.rdclass, fault)
        response.set_rcode(answer.rcode)
        response.answer.extend(answer.answer)
        response.authority.extend(answer.authority)
        if over_tcp:
            return response.to_wire(max_size=65_535)
        room = max(_PLAIN_UDP, min(query.payload, _UDP_PAYLOAD)) if query.edns >= 0 else _PLAIN_UDP
        try:
            return response.to_wire(max_size=room)
        except dns.exception.TooBig:
            # RFC 2181 §9: cut, so that the client asks again over TCP.
            response.answer.clear()
            response.authority.clear()
            response.flags |= dns.flags.TC
            return response.to_wire(max_size=room)

    def _decide(
        self,
        query: dns.message.QueryMessage,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        class_: dns.rdataclass.RdataClass,
        fault: Fault | None,
    ) -> Answer:
        if fault is not None:
            return Answer(dns.rcode.SERVFAIL if fault is Fault.SERVFAIL else dns.rcode.REFUSED)
        if query.edns > 0:
            return Answer(dns.rcode.BADVERS)  # RFC 6891 §6.1.3.
        if class_ != dns.rdataclass.IN or kind in (dns.rdatatype.AXFR, dns.rdatatype.IXFR):
            return Answer(dns.rcode.REFUSED)
        return self._zones.answer(name, kind)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= _TCP_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            while True:
                async with asyncio.timeout(_TCP_IDLE_SECONDS):
                    wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                reply = self.reply(wire, over_tcp=True)
                if reply is None:
                    return
                writer.write(len(reply).to_bytes(2, "big") + reply)
                async with asyncio.timeout(_TCP_IDLE_SECONDS):
                    await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError, asyncio.CancelledError):
            return  # Gone, silent, or we are stopping: the same to us.
        finally:
            self._connections.discard(task)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP side."""

    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # A cast: uvloop's is of another class.

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._server.reply(data, over_tcp=False)
        if reply is not None and self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.sendto(reply, addr)


def _bare(wire: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """Answer with nothing but a header: the id, QR, opcode and RD as they came, and a code."""
    return wire[:2] + bytes((0x80 | wire[2] & 0x79, 0x80 | int(rcode))) + bytes(8)
