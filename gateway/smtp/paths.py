"""The grammar of MAIL and RCPT: paths (RFC 5321 §4.1.2, RFC 6531 §3.3) and their parameters.

What goes in was written by a stranger; what comes out is safe to store, to log and to send on: no control,
no unpaired surrogate, no length over the limits. An outcome is a value, either the command as understood or
the reply that refuses it. Nothing here raises, and every pattern is linear in the length of the line.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.envelope import Recipient
from gateway.domain.reply import Reply
from gateway.domain.value import value_class

MAX_LOCAL = 64  # RFC 5321 §4.5.3.1.1, in octets.
MAX_DOMAIN = 255  # RFC 5321 §4.5.3.1.2.
MAX_PATH = 254  # RFC 5321 §4.5.3.1.3: 256 with the angle brackets.
_MAX_LABEL = 63

# Only runs of single characters are possessive here: of groups, Python before 3.11.5 does not go back to where the last one
# that fits ended, and takes `<a.@b>`. Each group begins with a character that ends the run before it, so nothing is tried twice.
_WIDE = "\u0080-\U0010ffff"  # Whether SMTPUTF8 allows it, and which of it is text, is checked apart.
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_WIDE}-]++"
# RFC 5321 §4.1.2, which unlike RFC 5322 has no controls between the quotes.
_QUOTED = rf'"(?:[ !#-\[\]-~{_WIDE}]++|\\[ -~])*"'
# The underscore is no hostname character, but mail from such hosts is real and it harms nobody.
_LABEL = rf"[A-Za-z0-9_{_WIDE}]++(?:-++[A-Za-z0-9_{_WIDE}]++)*"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_LITERAL = r"\[[!-Z^-~]++\]"
# RFC 5321 appendix C: a source route must be understood and should be ignored.
_ROUTE = rf"(?:@{_DOMAIN}(?:,@{_DOMAIN})*:)?"
_PATH = re.compile(rf"<{_ROUTE}((?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED}))@({_DOMAIN}|{_LITERAL})>")
_POSTMASTER = re.compile(r"<postmaster>", re.IGNORECASE)

_KEYWORD = re.compile(r"[A-Z0-9][A-Z0-9-]*+\Z")
_VALUE = re.compile(r"[!-<>-~]++\Z")
# RFC 3461 §4: xtext.
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")
_ORCPT = re.compile(r"[A-Za-z0-9-]++;[!-~]++\Z")
_NOTIFY = frozenset({"SUCCESS", "FAILURE", "DELAY"})


@value_class(frozen=True, slots=True)
class Offer:
    """The extensions a client may use in MAIL and RCPT; a parameter of any other is not recognised."""

    max_octets: int = 0
    """Larger declared sizes are refused; 0 is no limit."""
    extended: bool = True
    """False after HELO: no parameters at all."""
    smtputf8: bool = False
    dsn: bool = False
    auth: bool = False
    """Take AUTH= (RFC 4954 §5) and forget it: a trusted server in front hands on what its client said."""


@value_class(frozen=True, slots=True)
class Mail:
    """A MAIL command, understood."""

    reverse_path: Address
    size: int | None = None
    body_8bit: bool = False
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""


def parse_mail(argument: str, offer: Offer) -> Mail | Reply:
    """Understand what follows `MAIL `; octets that are no UTF-8 come as unpaired surrogates."""
    at = _after_keyword(argument, "FROM:")
    if at is None:
        return reply.BAD_SYNTAX
    if argument.startswith("<>", at):
        address, at = NULL_PATH, at + 2
    else:
        found = _path(argument, at)
        if found is None:
            return reply.BAD_SENDER
        address, at = found
    given = _parameters(argument, at, offer)
    if isinstance(given, Reply):
        return given
    mail = _mail(address, given, offer) if given else Mail(address)
    if isinstance(mail, Mail) and not mail.smtputf8 and not address.is_ascii:
        return reply.NEEDS_SMTPUTF8  # RFC 6531 §3.5
    return mail


def _mail(address: Address, given: dict[str, str], offer: Offer) -> Mail | Reply:
    size: int | None = None
    body = ret = envid = ""
    for name, value in given.items():
        match name:
            case "SIZE":  # RFC 1870 §6
                if not (value.isascii() and value.isdigit() and len(value) <= 20):
                    return reply.BAD_SYNTAX
                size = int(value)
            case "BODY":  # RFC 6152 §2
                body = value.upper()
                if body not in ("7BIT", "8BITMIME"):
                    return reply.BAD_SYNTAX
            case "SMTPUTF8" if offer.smtputf8:
                if value:
                    return reply.BAD_SYNTAX
            case "RET" if offer.dsn:  # RFC 3461 §4.3
                ret = value.upper()
                if ret not in ("FULL", "HDRS"):
                    return reply.BAD_SYNTAX
            case "ENVID" if offer.dsn:  # RFC 3461 §4.4
                envid = value
                if not value or len(value) > 100 or not _XTEXT.match(value):
                    return reply.BAD_SYNTAX
            case "AUTH" if offer.auth:
                if not value or (value != "<>" and not _XTEXT.match(value)):
                    return reply.BAD_SYNTAX
            case _:
                return reply.BAD_PARAMETER
    if size is not None and offer.max_octets and size > offer.max_octets:
        return reply.TOO_BIG
    return Mail(address, size, body == "8BITMIME", "SMTPUTF8" in given, ret, envid)


def parse_rcpt(argument: str, offer: Offer, smtputf8: bool, postmaster_domain: str) -> Recipient | Reply:
    """Understand what follows `RCPT `.

    smtputf8: the transaction was opened with it. postmaster_domain: whose `<postmaster>` is (RFC 5321 §4.5.1).
    """
    at = _after_keyword(argument, "TO:")
    if at is None:
        return reply.BAD_SYNTAX
    alone = _POSTMASTER.match(argument, at)
    if alone:
        address, at = Address.of(f"postmaster@{postmaster_domain}"), alone.end()
    else:
        found = _path(argument, at)
        if found is None:
            return reply.BAD_RECIPIENT
        address, at = found
    given = _parameters(argument, at, offer)
    if isinstance(given, Reply):
        return given
    if not smtputf8 and not address.is_ascii:
        return reply.NEEDS_SMTPUTF8
    if _is_routed(address.text):
        return reply.NOT_OUR_DOMAIN
    return _recipient(address, given, offer) if given else Recipient(address)


def _recipient(address: Address, given: dict[str, str], offer: Offer) -> Recipient | Reply:
    notify = orcpt = ""
    for name, value in given.items():
        match name:
            case "NOTIFY" if offer.dsn:  # RFC 3461 §4.1
                notify = value.upper()
                words = notify.split(",")
                if notify != "NEVER" and not (len(set(words)) == len(words) and _NOTIFY.issuperset(words)):
                    return reply.BAD_SYNTAX
            case "ORCPT" if offer.dsn:  # RFC 3461 §4.2
                orcpt = value
                if len(value) > 500 or not _ORCPT.match(value) or not _XTEXT.match(value.partition(";")[2]):
                    return reply.BAD_SYNTAX
            case _:
                return reply.BAD_PARAMETER
    return Recipient(address, notify, orcpt)


def _after_keyword(argument: str, keyword: str) -> int | None:
    """Return where the path starts; a blank behind the colon is wrong, but too common to refuse."""
    at = len(keyword)
    if argument[:at].upper() != keyword:
        return None
    while argument[at : at + 1] == " ":
        at += 1
    return at


def _path(argument: str, at: int) -> tuple[Address, int] | None:
    """Read `<local@domain>`; return the mailbox without its route and the offset behind it."""
    # Nearly always the first bracket closes it; in quotes and literals another may stand.
    end = argument.find(">", at) + 1
    address = _mailbox(argument[at:end])
    if address is not None:
        return address, end
    match = _PATH.match(argument, at)
    if match is None or (address := _checked(*match.groups())) is None:
        return None
    return address, match.end()


@lru_cache(maxsize=2048)  # The same few write to the same few.
def _mailbox(path: str) -> Address | None:
    match = _PATH.fullmatch(path)
    return None if match is None else _checked(*match.groups())


def _checked(local: str, domain: str) -> Address | None:
    """Return the mailbox, where its parts are no longer than they may be, and are text."""
    text = f"{local}@{domain}"
    if text.isascii():
        if len(local) > MAX_LOCAL or len(domain) > MAX_DOMAIN or len(text) > MAX_PATH:
            return None
    elif not (_is_text(text) and _fits(local, domain)):
        return None
    if domain.startswith("["):
        if not _is_literal(domain[1:-1]):
            return None
    elif len(domain) > _MAX_LABEL and any(len(label) > _MAX_LABEL for label in domain.split(".")):
        return None
    return Address.of(text)


def _fits(local: str, domain: str) -> bool:
    name, host = len(local.encode()), len(domain.encode())
    return name <= MAX_LOCAL and host <= MAX_DOMAIN and name + 1 + host <= MAX_PATH


def _is_text(text: str) -> bool:
    """False for octets that were no UTF-8, C1 controls, line separators, unassigned and non-characters."""
    return all(c < "\x80" or unicodedata.category(c) not in ("Cc", "Cs", "Cn", "Zl", "Zp") for c in text)


def _is_literal(inside: str) -> bool:
    """True for an address literal of the two kinds in use (RFC 5321 §4.1.3)."""
    try:
        if inside[:5].upper() == "IPV6:":
            IPv6Address(inside[5:])
            return "%" not in inside
        IPv4Address(inside)
    except AddressValueError:
        return False
    return True


def is_host(argument: str) -> bool:
    """True for what EHLO and HELO may name: a domain or an address literal (RFC 5321 §4.1.1.1)."""
    if argument.startswith("[") and argument.endswith("]"):
        return len(argument) <= MAX_DOMAIN and _is_literal(argument[1:-1])
    return len(argument) <= MAX_DOMAIN and _HOST.match(argument) is not None


_HOST = re.compile(r"[A-Za-z0-9_]++(?:[.-]++[A-Za-z0-9_]++)*\.?+\Z")


def _is_routed(mailbox: str) -> bool:
    """True where the local part hides a further route: `user%host`, `host!user`, `"user@host"`.

    Relays were opened by such forms again and again, and no mailbox of today needs them.
    """
    local = mailbox.rpartition("@")[0]
    return "%" in local or "!" in local or "@" in local


def _parameters(argument: str, at: int, offer: Offer) -> dict[str, str] | Reply:
    """Split ` NAME=VALUE …` behind a path; names in upper case, values as they came."""
    if at == len(argument):
        return {}
    if argument[at] != " ":
        return reply.BAD_SYNTAX
    given: dict[str, str] = {}
    for word in argument[at:].split(" "):
        if not word:
            continue
        if not offer.extended:
            return reply.BAD_PARAMETER
        name, equals, value = word.partition("=")
        name = name.upper()
        if not _KEYWORD.match(name) or name in given or (equals and not _VALUE.match(value)):
            return reply.BAD_SYNTAX
        given[name] = value
    return given
