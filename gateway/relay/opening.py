"""From an address to a connection that is ready: greeting, EHLO, STARTTLS, AUTH."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path

from gateway.domain.reply import Reply
from gateway.relay.commands import UnsafeCommand, safe
from gateway.relay.connection import Connection
from gateway.relay.ehlo import HELO_ONLY, Offer, read_offer
from gateway.relay.faults import TlsFailed, Unreachable
from gateway.relay.wire import Wire


class TlsPolicy(Enum):
    """When mail to a server is encrypted."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"  # When offered, whatever the certificate; in the clear when that fails.
    VERIFY = "verify"  # Only with a certificate that names the host; else no mail is sent.


@dataclass(frozen=True, slots=True, kw_only=True)
class HopSettings:
    """One server that takes our mail, and how to treat it."""

    host: str
    port: int
    hostname: str
    """Ours, as told in EHLO."""
    tls: TlsPolicy = TlsPolicy.OPPORTUNISTIC
    ca_file: str = ""
    """PEM file with the authorities trusted under VERIFY; "" for the system's."""
    user: str = ""
    """"" for no AUTH."""
    password_file: str = ""
    """Read anew for each connection; blanks and line ends around the password do not count."""
    connections: int = 20
    """Most at a time."""
    max_uses: int = 1000
    """Transactions on one connection before it is replaced."""
    idle_seconds: float = 60.0
    """How long an unused connection is kept; stay below the server's own limit."""
    wait_seconds: float = 30.0
    """How long mail waits for a free connection before it is put off."""
    max_waiting: int = 1000
    """How many may wait at a time."""
    connect_seconds: float = 30.0
    command_seconds: float = 300.0
    """RFC 5321 §4.5.3.2: five minutes for a command's reply."""
    data_seconds: float = 600.0
    """RFC 5321 §4.5.3.2.6: ten minutes for the reply to the final dot."""
    recipient_cache_seconds: float = 300.0
    refusal_cache_seconds: float = 60.0


async def open_connection(settings: HopSettings) -> Connection:
    """Return a connection that takes mail. Raises Unreachable."""
    try:
        return await _open(settings, use_tls=settings.tls is not TlsPolicy.NONE)
    except TlsFailed:
        if settings.tls is TlsPolicy.VERIFY:
            raise
    # The server may be in any state after a handshake that failed: begin anew, in the clear.
    return await _open(settings, use_tls=False)


async def _open(settings: HopSettings, use_tls: bool) -> Connection:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(settings.connect_seconds):
            _, wire = await loop.create_connection(lambda: Wire(settings.command_seconds), settings.host, settings.port)
    except OSError as fault:  # TimeoutError is one too.
        raise Unreachable(f"cannot connect: {type(fault).__name__}") from fault
    ready = False
    try:
        greeting = await wire.greeting()
        if greeting is None or greeting.code != 220:
            raise Unreachable(_why("greeting", greeting, wire))
        offer = await _introduce(wire, settings)
        if use_tls:
            offer = await _secure(wire, offer, settings)
        if settings.user:
            await _authenticate(wire, offer, settings, encrypted=use_tls and offer.starttls)
        ready = True
    finally:
        if not ready:
            wire.quit()
    return Connection(wire, offer, settings.command_seconds, settings.data_seconds)


async def _introduce(wire: Wire, settings: HopSettings) -> Offer:
    reply = await _command(wire, f"EHLO {settings.hostname}", settings)
    if reply is not None and reply.code == 250:
        return read_offer(reply.text)
    if reply is None or not reply.permanent or settings.tls is TlsPolicy.VERIFY:
        raise Unreachable(_why("EHLO", reply, wire))
    reply = await _command(wire, f"HELO {settings.hostname}", settings)
    if reply is None or reply.code != 250:
        raise Unreachable(_why("HELO", reply, wire))
    return HELO_ONLY


async def _secure(wire: Wire, offer: Offer, settings: HopSettings) -> Offer:
    if not offer.starttls:
        if settings.tls is TlsPolicy.VERIFY:
            raise Unreachable("TLS is demanded but not offered")
        return offer
    context = tls_context(settings)
    try:
        reply = await wire.start_tls(context, settings.host, settings.command_seconds)
    except OSError as fault:
        raise TlsFailed(f"TLS handshake failed: {type(fault).__name__}") from fault
    if reply is None or reply.code != 220:
        raise TlsFailed(_why("STARTTLS", reply, wire))
    # RFC 3207 §4.2: what was said in the clear does not count.
    secured = await _command(wire, f"EHLO {settings.hostname}", settings)
    if secured is None or secured.code != 250:
        raise TlsFailed(_why("EHLO under TLS", secured, wire))
    return replace(read_offer(secured.text), starttls=True)


def tls_context(settings: HopSettings) -> ssl.SSLContext:
    """Return the context for a policy with TLS. Raises Unreachable."""
    try:
        return _context(settings.tls is TlsPolicy.VERIFY, settings.ca_file)
    except OSError as fault:  # ssl.SSLError is one too.
        raise Unreachable("the file of trusted authorities cannot be read") from fault


@lru_cache(maxsize=8)  # To read the system's authorities takes milliseconds, during which nothing else runs.
def _context(verify: bool, ca_file: str) -> ssl.SSLContext:
    if verify:
        return ssl.create_default_context(cafile=ca_file or None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _authenticate(wire: Wire, offer: Offer, settings: HopSettings, encrypted: bool) -> None:
    if not encrypted and not is_loopback(wire.peer_address):
        raise Unreachable("AUTH would send the password in the clear")
    password = read_password(settings.password_file)
    plain = base64.b64encode(f"\0{settings.user}\0{password}".encode()).decode("ascii")
    if "PLAIN" in offer.auth:  # RFC 4616 §2
        reply = await _command(wire, f"AUTH PLAIN {plain}", settings)
    elif "LOGIN" in offer.auth:
        reply = await _command(wire, "AUTH LOGIN", settings)
        for secret in (settings.user, password):
            if reply is None or reply.code != 334:
                break
            reply = await _command(wire, base64.b64encode(secret.encode()).decode("ascii"), settings)
    else:
        raise Unreachable("neither AUTH PLAIN nor LOGIN is offered")
    if reply is None or reply.code != 235:
        raise Unreachable(_why("AUTH", reply, wire))


def is_loopback(address: str) -> bool:
    """True for this very machine, where a password can be sent without TLS."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def read_password(path: str) -> str:
    """Return the password in a file. Raises Unreachable."""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise Unreachable("the password file cannot be read") from fault


async def _command(wire: Wire, line: str, settings: HopSettings) -> Reply | None:
    try:
        return next(iter(await wire.flight([safe(line)], settings.command_seconds)), None)
    except UnsafeCommand as fault:
        raise Unreachable(str(fault)) from fault


def _why(step: str, reply: Reply | None, wire: Wire) -> str:
    """Name what went wrong for the log; never a text from outside."""
    return f"{step}: {wire.failure or 'no reply'}" if reply is None else f"{step} answered {reply.code}"
