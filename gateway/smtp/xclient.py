"""XFORWARD and XCLIENT: what a trusted server in front tells about its own client.

Both are Postfix's, described in its XFORWARD_README and XCLIENT_README. XFORWARD names where the next
transaction came from; XCLIENT puts another client in place of the peer and starts the session anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from gateway.domain.envelope import Client

XFORWARD_NAMES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")
XCLIENT_NAMES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT")

_MAX_VALUE = 255
_HEX = re.compile(r"\+([0-9A-Fa-f]{2})")
# What is special in a header field must not come in by way of our Received line.
_PLAIN = re.compile(r"[!#-\'*-;=?-\[\]-~]*+\Z")
_WORD = re.compile(r"[A-Za-z0-9._/-]{1,64}\Z")
_UNKNOWN = ("[UNAVAILABLE]", "[TEMPUNAVAIL]")

Attributes = dict[str, str | None]
"""Attribute name in upper case → value decoded and checked; None where the other side does not know it."""


def parse(argument: str, names: tuple[str, ...]) -> Attributes | None:
    """Understand `NAME=value …`, or return None where it is malformed."""
    found: Attributes = {}
    for word in argument.split(" "):
        if not word:
            continue
        name, equals, text = word.partition("=")
        name = name.upper()
        if not equals or name not in names or len(text) > _MAX_VALUE:
            return None
        # RFC 3461 §4: xtext. A + that introduces no octet is left alone: old Postfix does not encode.
        value = _HEX.sub(lambda match: chr(int(match.group(1), 16)), text)
        if value.upper() in _UNKNOWN or not value:
            found[name] = None
            continue
        if not _PLAIN.match(value):
            return None
        checked = _check(name, value)
        if checked is None:
            return None
        found[name] = checked
    return found or None


def _check(name: str, value: str) -> str | None:
    match name:
        case "ADDR" | "DESTADDR":
            return ip_text(value)
        case "PORT" | "DESTPORT":
            return value if value.isdigit() and len(value) <= 5 and int(value) <= 65535 else None
        case "PROTO":
            return value if _WORD.match(value) else None
        case "SOURCE":
            return value.upper() if value.upper() in ("LOCAL", "REMOTE") else None
        case _:
            return value


def ip_text(value: str) -> str | None:
    """Return an address in its one spelling, without the `IPV6:` prefix, or None where it is none."""
    try:
        if value[:5].upper() == "IPV6:":
            address = IPv6Address(value[5:])
        elif ":" in value:
            address = IPv6Address(value)
        else:
            return str(IPv4Address(value))
    except AddressValueError:
        return None
    if "%" in value:
        return None
    return str(address.ipv4_mapped or address)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What XFORWARD told so far; it holds for one transaction."""

    attributes: Attributes

    def with_more(self, more: Attributes) -> Forwarded:
        """Return it with one more command's attributes: given ones replace, others stay."""
        return Forwarded({**self.attributes, **more})

    def client(self) -> Client:
        """The client it names. Nothing of the session itself is mixed in.

        Where the address is not known the mail arose on the server in front, and the rest counts for nothing.
        """
        told = self.attributes
        address = told.get("ADDR")
        queue_id = told.get("IDENT") or ""
        if address is None:
            return Client(address="", protocol="", source="LOCAL", queue_id=queue_id)
        return Client(
            address=address,
            port=int(told.get("PORT") or 0),
            name=told.get("NAME") or "",
            helo=told.get("HELO") or "",
            protocol=told.get("PROTO") or "",
            tls=(told.get("PROTO") or "").upper().endswith(("SMTPS", "SMTPSA")),
            source=told.get("SOURCE") or "REMOTE",
            queue_id=queue_id,
        )


def overridden(client: Client, told: Attributes) -> Client:
    """Return the client that XCLIENT puts in place of the given one."""
    if "ADDR" in told:
        client = replace(client, address=told["ADDR"] or "", port=0, name="")
    if "PORT" in told:
        client = replace(client, port=int(told["PORT"] or 0))
    if "NAME" in told:
        client = replace(client, name=told["NAME"] or "")
    if "HELO" in told:
        client = replace(client, helo=told["HELO"] or "")
    if "PROTO" in told:
        client = replace(client, protocol=told["PROTO"] or "SMTP")
    return client
