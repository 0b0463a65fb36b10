"""A mailbox as the envelope and the lists see it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gateway.domain.value import value_class

_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@value_class(frozen=True, slots=True)
class Address:
    """One mailbox, or the null reverse-path (RFC 5321 §4.5.5).

    Equality is that of both fields; compare `key` to ask whether two spellings mean one mailbox.
    """

    text: str
    """As the client wrote it, without angle brackets; "" is the null reverse-path."""
    key: str
    """Normal form: local part NFC with ASCII lower case, domain in lower-case A-labels."""

    @staticmethod
    @lru_cache(maxsize=8192)  # One value for one spelling is found sooner where it is a key.
    def of(text: str) -> Address:
        """Make an address of text whose grammar has been checked by the caller."""
        return Address(text, normal_form(text))

    @property
    def is_null(self) -> bool:
        """True for the null reverse-path."""
        return not self.text

    @property
    def local(self) -> str:
        """The local part in normal form."""
        return self.key.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """The domain in lower-case A-labels; "" for the null reverse-path."""
        return self.key.rpartition("@")[2]

    @property
    def is_ascii(self) -> bool:
        """False where the path needs SMTPUTF8 (RFC 6531 §3.4)."""
        return self.text.isascii()

    def __str__(self) -> str:
        return self.text


NULL_PATH = Address("", "")


@lru_cache(maxsize=8192)
def normal_form(text: str) -> str:
    """Return the form in which addresses are compared and stored as keys.

    It never maps two visually alike spellings to one key: letters outside ASCII keep their case in the
    local part, and a domain label outside ASCII becomes its own A-label, whatever it looks like.
    """
    local, at, domain = text.rpartition("@")
    if not at:
        return text.translate(_ASCII_LOWER)
    return f"{_normal_local(local)}@{normal_domain(domain)}"


def _normal_local(local: str) -> str:
    if local.startswith('"') and local.endswith('"') and len(local) > 2:
        plain = _QUOTED_PAIR.sub(r"\1", local[1:-1])
        # RFC 5321 §4.1.2: the quotes are spelling, not part of the name, where a dot-atom would do.
        if plain and all(c.isalnum() or c in "!#$%&'*+-/=?^_`{|}~." for c in plain):
            local = plain
    if local.isascii():
        return local.translate(_ASCII_LOWER)
    # Lower case first: NFC turns the Kelvin sign into K, which thus never equals k.
    lowered = local.translate(_ASCII_LOWER)
    composed = unicodedata.normalize("NFC", lowered)
    # Two more letters (the oxia, the Greek question mark) become ASCII: keep such a name apart from the real one.
    return lowered if composed.isascii() else composed


def normal_domain(domain: str) -> str:
    """Return a domain in lower-case A-labels, without the root dot (RFC 5890 §2.3.2.1)."""
    domain = domain.removesuffix(".")
    if domain.isascii():
        return domain.translate(_ASCII_LOWER)
    return ".".join(_a_label(label) for label in domain.split("."))


def _a_label(label: str) -> str:
    if label.isascii():
        return label.translate(_ASCII_LOWER)
    lowered = unicodedata.normalize("NFC", label.lower())
    if lowered.isascii():
        # A compatibility letter (Kelvin sign) folded into ASCII: keep the label apart from the real one.
        lowered = label
    return "xn--" + lowered.encode("punycode").decode("ascii")


def without_tag(key: str, delimiter: str = "+") -> str:
    """Return a normal form without its sub-address (RFC 5233 §4): `anna+shop@x` becomes `anna@x`."""
    if delimiter not in key:
        return key
    local, at, domain = key.rpartition("@")
    base = local.partition(delimiter)[0]
    return f"{base}{at}{domain}" if base else key
