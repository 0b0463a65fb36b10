"""One question to a DNS server and its answer, over UDP, or TCP where the answer is too long.

Every question goes out from a socket of its own, connected to the server: whoever wants to forge the
answer must guess a random port and a random id at once, and send from the server's address (RFC 5452 §9).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import secrets
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from gateway.checks.lookups import DnsFailure

_PAYLOAD = 1232
"""Octets of UDP we take; what fits everywhere without fragments."""
_EDNS = struct.pack("!BHHIH", 0, dns.rdatatype.OPT, _PAYLOAD, 0, 0)  # RFC 6891 §6.1.2
_NO_EDNS = frozenset({dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS})
_ANSWERS = frozenset({dns.rcode.NOERROR, dns.rcode.NXDOMAIN})
_MOST_FORGERIES = 20
"""Wrong answers on one socket after which the question is asked again over TCP."""
_ROUNDS = 2
_MOST_SERVERS = 3
_MOST_AT_ONCE = 200
"""Sockets open at a time."""
_REREAD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A resolver's address."""

    host: str
    port: int = 53

    @property
    def family(self) -> socket.AddressFamily:
        """IPv4 or IPv6."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET


_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<four>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?\Z")


def parse_server(text: str) -> Server:
    """Read `127.0.0.1:5353`, `[::1]:53`, `9.9.9.9` or `2001:db8::1`. Raises ValueError."""
    match = _WITH_PORT.match(text.strip())
    host, port = text.strip(), "53"
    if match is not None:
        host, port = match["six"] or match["four"] or "", match["port"] or "53"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{text!r} is no address of a DNS server, write 127.0.0.1:53 or [::1]:53") from None
    if not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} has no valid port")
    return Server(host, int(port))


class SystemServers:
    """The servers of /etc/resolv.conf, read again now and then: it may appear after us, or change."""

    def __init__(self, monotonic: Callable[[], float], path: Path = Path("/etc/resolv.conf")) -> None:
        self._monotonic = monotonic
        self._path = path
        self._read_at: float | None = None
        self._servers: tuple[Server, ...] = ()

    def __call__(self) -> tuple[Server, ...]:
        """Return them, none where the file is missing or names none."""
        now = self._monotonic()
        if self._read_at is None or now - self._read_at >= _REREAD_SECONDS:
            self._read_at = now
            self._servers = self._read()
        return self._servers

    def _read(self) -> tuple[Server, ...]:
        found = []
        try:
            lines = self._path.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ()
        for line in lines:
            words = line.split()
            if len(words) >= 2 and words[0] == "nameserver":
                try:
                    found.append(Server(str(ipaddress.ip_address(words[1]))))
                except ValueError:
                    continue
        return tuple(found[:_MOST_SERVERS])


class Exchange:
    """Asks the servers in turn until one answers or the time is over."""

    def __init__(self, servers: Callable[[], tuple[Server, ...]], timeout_seconds: float) -> None:
        self._servers = servers
        self._timeout = timeout_seconds
        self._at_once = asyncio.Semaphore(_MOST_AT_ONCE)

    async def __call__(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.QueryMessage:
        """Return an answer whose rcode is NOERROR or NXDOMAIN. Raises DnsFailure."""
        servers = self._servers()
        if not servers:
            raise DnsFailure("no DNS server is known")
        question = b"".join(bytes((len(label),)) + label for label in name.labels) + struct.pack("!HH", kind, 1)
        patience = self._timeout / (_ROUNDS * len(servers))
        fault = "no answer in time"
        try:
            async with asyncio.timeout(self._timeout), self._at_once:
                for server in servers * _ROUNDS:
                    try:
                        async with asyncio.timeout(patience):
                            message = await _ask(server, question)
                    except TimeoutError:
                        continue
                    except (OSError, EOFError, dns.exception.DNSException) as error:
                        fault = f"{server.host} port {server.port}: {type(error).__name__}"
                        continue
                    if message.rcode() in _ANSWERS:
                        return message
                    fault = f"{server.host} port {server.port}: {dns.rcode.to_text(message.rcode())}"
        except TimeoutError:
            pass
        raise DnsFailure(fault)


async def _ask(server: Server, question: bytes) -> dns.message.QueryMessage:
    message = await _ask_once(server, question, _EDNS)
    if message.rcode() in _NO_EDNS:
        # RFC 6891 §7: an old server chokes on the option it does not know.
        message = await _ask_once(server, question, b"")
    return message


async def _ask_once(server: Server, question: bytes, options: bytes) -> dns.message.QueryMessage:
    number = secrets.randbits(16)
    wire = struct.pack("!HHHHHH", number, dns.flags.RD, 1, 0, 0, 1 if options else 0) + question + options
    answer = await _over_udp(server, wire, question)
    if answer is None or answer[2] & 0x02:  # TC: cut off (RFC 1035 §4.1.1)
        answer = await _over_tcp(server, wire)
        if not _belongs(answer, wire, question):
            raise EOFError("not an answer to this question")
    message = dns.message.from_wire(answer, ignore_trailing=True)
    if not isinstance(message, dns.message.QueryMessage):
        raise EOFError("not an answer to a query")
    return message


def _belongs(answer: bytes, wire: bytes, question: bytes) -> bool:
    """True for a response to this very query: id, opcode and question are those we sent."""
    if len(answer) < 12 or answer[:2] != wire[:2] or answer[2] & 0xF8 != 0x80:
        return False
    if answer[4:6] == b"\0\1":
        return answer[12 : 12 + len(question)].lower() == question.lower()
    # Some servers cut the question off when they refuse a query as malformed; that tells us no data.
    return answer[3] & 0x0F == dns.rcode.FORMERR


async def _over_udp(server: Server, wire: bytes, question: bytes) -> bytes | None:
    """Return the answer, or None where so many forged ones came that UDP cannot be trusted."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[bytes | None] = loop.create_future()
    forged = 0

    def readable() -> None:
        nonlocal forged
        while not arrived.done():
            try:
                data = sock.recv(65535)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                arrived.set_exception(error)
                return
            if _belongs(data, wire, question):
                arrived.set_result(data)
                return
            forged += 1
            if forged >= _MOST_FORGERIES:
                arrived.set_result(None)

    with socket.socket(server.family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((server.host, server.port))
        sock.send(wire)
        loop.add_reader(sock, readable)
        try:
            return await arrived
        finally:
            loop.remove_reader(sock)


async def _over_tcp(server: Server, wire: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(struct.pack("!H", len(wire)) + wire)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(length)
    finally:
        writer.close()
