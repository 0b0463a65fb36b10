"""What a setting's text may say: parsers that return the value or raise ValueError with what to write instead."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gateway.domain.address import normal_domain
from gateway.domain.digest import checked_subject
from gateway.domain.public_url import pages_of
from gateway.domain.schedule import schedule_text
from gateway.domain.webhook import MAX_SECRETS

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LAST_PORT = 65535
_LONGEST_NAME = 253  # RFC 1035 §2.3.4: 255 octets on the wire.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_FIELD = re.compile(r"[A-Za-z0-9-]{1,60}\Z")
_OWN_FIELDS = {"authorization", "cookie", "host", "origin", "referer", "user-agent", "x-forwarded-for"}
_OWN_MACHINE = {("http", "127.0.0.1"), ("http", "::1"), ("http", "localhost")}
_WORD = re.compile(r"[A-Za-z0-9_-]{1,30}\Z")
_MAILBOX = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}@[^\s@]+\Z")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and a port."""

    host: str
    """Name or address; an IPv6 address without its brackets."""
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Parse:
    """Stands in an annotation: how the text of such a setting becomes its value."""

    parser: Callable[[str, Path], object]
    """Called with the text and the folder that relative paths start from; raises ValueError."""
    form: str
    """What to write, in a few words; shown in faults and in the reference."""


def endpoint(text: str, base: Path) -> Endpoint:
    """Read `host:port` of a server to connect to."""
    found = _endpoint(text)
    if found.port == 0:
        raise ValueError("port 0 is no server's port; write 1 to 65535")
    return found


def optional_endpoint(text: str, base: Path) -> Endpoint | None:
    """Read `host:port` of a server to connect to; "" is none."""
    return endpoint(text, base) if text else None


def listener(text: str, base: Path) -> Endpoint:
    """Read `host:port` to listen on; port 0 lets the system choose."""
    return _endpoint(text)


def dns_server(text: str, base: Path) -> Endpoint:
    """Read the address of a DNS server; without a port it is 53."""
    try:
        return Endpoint(str(ipaddress.ip_address(text)), 53)
    except ValueError:
        found = endpoint(text, base)
    try:
        ipaddress.ip_address(found.host)
    except ValueError:
        raise ValueError("a DNS server is named by its IP address, as 127.0.0.1:53") from None
    return found


def _endpoint(text: str) -> Endpoint:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > _LAST_PORT:
        raise ValueError("write host:port with a port up to 65535, as 127.0.0.1:25 or [::1]:25")
    if host.startswith("[") and host.endswith("]"):
        return Endpoint(str(ipaddress.IPv6Address(host[1:-1])), int(port))
    if ":" in host:
        raise ValueError(f"an IPv6 address stands in brackets: [{host}]:{port}")
    if host in ("", "*"):
        raise ValueError(f"for all addresses write 0.0.0.0:{port} or [::]:{port}")
    if re.fullmatch(r"[\d.]+", host):
        return Endpoint(str(ipaddress.IPv4Address(host)), int(port))
    return Endpoint(domain_name(host, Path()), int(port))


def network(text: str, base: Path) -> Network:
    """Read an address or a network with its prefix length."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        try:
            loose = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError("write an address or a network, as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32") from None
        raise ValueError(f"bits are set behind the prefix; write {loose}") from None


def domain_name(text: str, base: Path) -> str:
    """Read a domain name and return it in lower-case A-labels."""
    name = normal_domain(text)
    if len(name) > _LONGEST_NAME or not all(_LABEL.match(label) for label in name.split(".")):
        raise ValueError("write a domain name, as example.org")
    return name


def optional_domain(text: str, base: Path) -> str:
    """Read a domain name, or a DKIM selector, which has the same form; "" stays ""."""
    return domain_name(text, base) if text else ""


def mailbox(text: str, base: Path) -> str:
    """Read an address such as postmaster@example.org; "" stays ""."""
    if not text:
        return ""
    if not _MAILBOX.match(text) or not text.isascii():
        raise ValueError("write an address, as postmaster@example.org")
    domain_name(text.rpartition("@")[2], base)
    return text


def one_line(text: str, base: Path) -> str:
    """Read text that may go into a header field: no control characters."""
    if not text.isprintable():
        raise ValueError("write one line without control characters")
    return text


def delimiter(text: str, base: Path) -> str:
    """Read the character that starts a sub-address; "" is none."""
    if len(text) > 1 or text in ("@", ".", '"', "\\", " ") or not text.isascii() or not text.isprintable():
        raise ValueError('write one character, as +, or "" for none')
    return text


def sub_address(text: str, base: Path) -> str:
    """Read the part of an address behind the delimiter; "" stays ""."""
    if text and not _WORD.match(text):
        raise ValueError("write letters, digits, - and _ only")
    return text


def public_url(text: str, base: Path) -> str:
    """Read the address under which the pages are reached, and return it without a slash at its end."""
    for _, name, spec, conversion in Formatter().parse(text):  # Raises ValueError for a lone brace.
        if name is not None and (name != "recipient_domain" or spec or conversion):
            raise ValueError(f"{{{name}}} is not known here; only {{recipient_domain}} is")
    parts = urlsplit(pages_of(text, "example.org"))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write a URL that starts with http:// or https:// and a host")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError("write the URL without a query or fragment (? or #)")
    if "@" in parts.netloc or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("write the URL without user name, blanks or control characters")
    _ = parts.port  # Raises ValueError when it is not a number up to 65535.
    return text.rstrip("/")


def issuer_url(text: str, base: Path) -> str:
    """Read the name of an identity provider, which is an address by https and is compared as it is; "" stays ""."""
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.query or parts.fragment or "?" in text or "#" in text or "@" in parts.netloc or not text.isprintable():
        raise ValueError("write the URL without a query, fragment or user name")
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in (("http", "127.0.0.1"), ("http", "localhost")):
        raise ValueError("write a URL that starts with https://, as the provider names itself")
    _ = parts.port  # Raises ValueError when it is not a number up to 65535.
    if not parts.hostname or " " in text:
        raise ValueError("write a URL with a host and without blanks")
    return text


def webhook_url(text: str, base: Path) -> str:
    """Read where events are sent, by https but on this machine; "" stays ""."""
    if not text:
        return ""
    parts = urlsplit(text)
    if "#" in text or "@" in parts.netloc or not text.isprintable() or " " in text:
        raise ValueError("write the URL without a fragment, user name or blanks")
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _OWN_MACHINE:
        raise ValueError("write a URL that starts with https://; http:// is for 127.0.0.1, [::1] and localhost only")
    _ = parts.port  # Raises ValueError when it is not a number up to 65535.
    if not parts.hostname:
        raise ValueError("write a URL with a host")
    return text


def webhook_secrets(text: str) -> tuple[str, ...]:
    """Read the secrets of a file, the one that is in use first. Raises ValueError."""
    found = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not 0 < len(found) <= MAX_SECRETS:
        raise ValueError("write one secret, or while it is changed two, each on a line of its own")
    for line in found:
        try:
            octets = base64.b64decode(line.removeprefix("whsec_"), validate=True)
        except ValueError:
            octets = b""
        if not line.startswith("whsec_") or not 24 <= len(octets) <= 64:
            raise ValueError("write a secret as `challenge-gateway webhook secret` prints one")
    return found


def header_name(text: str, base: Path) -> str:
    """Read the name of a header field (RFC 9110 §5.1), without those with a meaning of their own; "" stays ""."""
    if text and (not _FIELD.match(text) or text.lower() in _OWN_FIELDS):
        raise ValueError("write the name of a header field that nobody else uses, as X-Remote-User")
    return text


def search_filter(text: str, base: Path) -> str:
    """Read an LDAP filter (RFC 4515) with {name} in it."""
    plain = text.replace("{name}", "")
    if plain == text or "{" in plain or "}" in plain:
        raise ValueError("write {name} where the name belongs, and no other braces, as (uid={name})")
    if not text.startswith("(") or not text.endswith(")") or text.count("(") != text.count(")"):
        raise ValueError("write a filter in parentheses, as (uid={name})")
    return text


def store_url(text: str, base: Path) -> str:
    """Read `sqlite:///FILE` and return it with FILE made absolute."""
    scheme, _, file = text.partition(":///")
    if scheme != "sqlite":
        raise ValueError("only sqlite:///FILE is supported")
    if not file or "?" in file or "#" in file:
        raise ValueError("write sqlite:///FILE, without a query")
    return f"sqlite:///{(base / file).resolve()}"


def path(text: str, base: Path) -> Path | None:
    """Read a path, which is relative to the configuration's folder; "" is none."""
    if "\0" in text:
        raise ValueError("a path has no NUL")
    return (base / text).resolve() if text else None


def read_secret(file: Path | None) -> str:
    """Return a secret kept in a file, without its line end; "" when there is no file. Raises OSError, ValueError."""
    return "" if file is None else file.read_text("utf-8").rstrip("\r\n")


def schedule(text: str, base: Path) -> str:
    """Read when digests go."""
    return schedule_text(text)


def time_zone(text: str, base: Path) -> str:
    """Read the name of a time zone."""
    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        raise ValueError("is no time zone; write one as Europe/Prague or UTC") from None
    return text


def digest_subject(text: str, base: Path) -> str:
    """Read the subject of a digest."""
    return checked_subject(text)
