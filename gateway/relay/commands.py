"""The command lines of a transaction, with those parameters the server offers, and no others."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from gateway.domain.address import Address
from gateway.domain.envelope import Client, Envelope, Recipient
from gateway.relay.ehlo import Offer

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_XTEXT = re.compile(rb"[^\x21-\x2a\x2c-\x3c\x3e-\x7e]")
_UNAVAILABLE = "[UNAVAILABLE]"
_MAX_ATTRIBUTE = 255


class UnsafeCommand(Exception):
    """A value would have broken out of its command line: a fault of ours, the door in refuses such paths."""


def needs_smtputf8(envelope: Envelope, content: Sequence[bytes]) -> bool:
    """True where the mail cannot be passed on without SMTPUTF8 (RFC 6531 §3.4).

    A client that asked for it for mail that is ASCII throughout did not need it.
    """
    if not envelope.reverse_path.is_ascii or [each for each in envelope.recipients if not each.address.is_ascii]:
        return True
    return envelope.smtputf8 and not all(piece.isascii() for piece in content)


def mail(envelope: Envelope, offer: Offer, octets: int, smtputf8: bool) -> str:
    """MAIL for a delivery; octets: size of the content, 0 when none follows."""
    line = f"MAIL FROM:<{envelope.reverse_path.text}>"
    if offer.size and octets:
        line += f" SIZE={octets}"
    if envelope.body_8bit and offer.features.eight_bit:
        line += " BODY=8BITMIME"
    if smtputf8 and offer.features.smtputf8:
        line += " SMTPUTF8"
    if offer.features.dsn:
        if envelope.ret:
            line += f" RET={envelope.ret}"
        if envelope.envid:
            line += f" ENVID={envelope.envid}"
    return safe(line)


def rcpt(recipient: Recipient, offer: Offer) -> str:
    """RCPT with the delivery status options it came with (RFC 3461 §4)."""
    line = f"RCPT TO:<{recipient.address.text}>"
    if offer.features.dsn:
        if recipient.notify:
            line += f" NOTIFY={recipient.notify}"
        if recipient.orcpt:
            line += f" ORCPT={recipient.orcpt}"
    return safe(line)


def probe(reverse_path: Address, recipient: Recipient, smtputf8: bool) -> list[str]:
    """MAIL and RCPT as they are asked to learn whether the recipient is taken."""
    extension = " SMTPUTF8" if smtputf8 else ""
    return [safe(f"MAIL FROM:<{reverse_path.text}>{extension}"), safe(f"RCPT TO:<{recipient.address.text}>")]


def xforward(client: Client, offered: frozenset[str]) -> list[str]:
    """XFORWARD in two commands, so that each stays within a command line's 512 octets as a rule."""
    if not offered:
        return []
    port, ident = str(client.port) if client.port else _UNAVAILABLE, _attribute(client.queue_id)
    lines = _xforward(client.name, client.address, client.protocol, client.helo, client.source, offered)
    return [line.replace(_PORT, port).replace(_IDENT, ident) for line in lines]


_PORT, _IDENT = "\0", "\1"
"""Stand in a line for what each connection, or each mail, has anew."""


@lru_cache(maxsize=1024)
def _xforward(
    name: str, address: str, protocol: str, helo: str, source: str, offered: frozenset[str]
) -> tuple[str, ...]:
    connection = {"NAME": _attribute(name), "ADDR": _attribute(_address(address)), "PORT": _PORT}
    mail = {
        "PROTO": _attribute(protocol[:64]),
        "HELO": _attribute(helo),
        "IDENT": _IDENT,
        "SOURCE": _attribute(source),
    }
    told = [[f"{key}={value}" for key, value in each.items() if key in offered] for each in (connection, mail)]
    return tuple(f"XFORWARD {' '.join(words)}" for words in told if words)


def _attribute(text: str) -> str:
    return xtext(text[:_MAX_ATTRIBUTE]) or _UNAVAILABLE


@lru_cache(maxsize=1024)
def xtext(text: str) -> str:
    """Encode as xtext (RFC 3461 §4): `+`, `=`, blanks, controls and what is not ASCII as +HH."""
    octets = _NOT_XTEXT.sub(lambda match: b"+%02X" % match[0][0], text.encode("utf-8", "replace"))
    return octets.decode("ascii")


def safe(line: str) -> str:
    """Return the line; raises UnsafeCommand when it holds a control, such as CR or LF."""
    if not line.isprintable() and _CONTROL.search(line):
        raise UnsafeCommand("control character in a command")
    return line


@lru_cache(maxsize=1024)
def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return f"IPV6:{address}" if address.version == 6 else str(address)
