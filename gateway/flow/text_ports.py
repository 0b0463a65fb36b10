"""The words of our mails as their editor hands them about, and what it needs of the store and of what renders them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from gateway.domain.address import normal_domain
from gateway.domain.policy import Templates
from gateway.flow.arrangements import PolicyTx
from gateway.flow.transactions import StoreOf

SITE = ""
"""The scope of all domains that have no texts of their own; a domain's is `@example.org`."""


def scope_in_path(text: str) -> str:
    """Read a scope from a path: `site`, or a domain."""
    return SITE if text == "site" else f"@{normal_domain(text)}"


def text_scopes(templates: Templates, scope: str) -> tuple[str, ...]:
    """Return whose texts count in a scope by its policy, the first that has any; none: the shipped ones do."""
    match templates:
        case Templates.DOMAIN:
            return tuple(dict.fromkeys((scope, SITE)))
        case Templates.SITE:
            return (SITE,)
        case Templates.SHIPPED:
            return ()


@dataclass(frozen=True, slots=True)
class Texts:
    """What a mail is written from: templates, and the address that a challenge names as its author's."""

    subject: str
    text: str
    html: str
    from_line: str = ""
    """`Name <address>`, an address, or "" for what the configuration says."""

    @property
    def hash(self) -> bytes:
        """Tells two versions of the texts apart."""
        parts = (self.subject, self.text, self.html)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why texts cannot be used."""

    part: str
    """`subject`, `text`, `html`, `from_line`; "" where it is about all of them."""
    line: int
    """0: the whole part."""
    reason: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The texts filled in for a mail that nobody sent."""

    subject: str
    text: str
    html: str
    sender: str
    """The line From as a mail program shows it."""
    octets: int
    """Of the whole mail."""
    pictures: Mapping[str, str] = field(default_factory=dict)
    """Those that the HTML names as `cid:name`: name → address of the kind `data:`."""


@dataclass(frozen=True, slots=True)
class Override:
    """Texts that somebody wrote for the site or a domain."""

    scope: str
    language: str
    texts: Texts
    shipped: bytes
    """Hash of the shipped texts they were made from."""
    changed_by: str
    changed_at: float


@dataclass(frozen=True, slots=True)
class Draft:
    """What the page shows of one scope."""

    scope: str
    language: str
    texts: Texts
    own: Override | None
    """None: the texts come from further up."""
    source: str
    """From where the texts in force come: `own`, `site`, `shipped`."""
    shipped: Texts
    shipped_changed: bool
    """The shipped texts are not those any more that these were made from."""
    unused: bool
    """It has texts of its own, but its policy says that others are used."""


class Workshop(Protocol):
    """Knows how a mail is made of texts."""

    def languages(self) -> Sequence[str]:
        """Return the languages that there are shipped texts in, as tags of RFC 5646."""

    def shipped(self, tag: str) -> Texts:
        """Return the shipped texts, or those of the operator's folder. Raises KeyError."""

    def try_out(self, scope: str, tag: str, texts: Texts) -> Sample | Sequence[Fault]:
        """Fill in the sample, or tell every fault that was found."""


class TextTable(Protocol):
    """The texts in the store."""

    def override(self, scope: str, language: str) -> Override | None:
        """Return a scope's own words in one language; None where it has none."""

    def overrides(self, language: str) -> Sequence[Override]:
        """Return those of all scopes in one language."""

    def put(self, override: Override) -> None:
        """Keep texts in place of those that the scope had."""

    def drop(self, scope: str, language: str) -> bool:
        """Forget them; False where there were none."""


class TextTx(Protocol):
    """What texts need of a transaction."""

    @property
    def policies(self) -> PolicyTx:
        """Choices of policy."""

    @property
    def texts(self) -> TextTable:
        """Those of challenges."""

    @property
    def notice_texts(self) -> TextTable:
        """Those of notices."""


class TextKind(Enum):
    """What words are for. Stands in addresses: add members, never rename them."""

    CHALLENGE = "challenge"
    NOTICE = "notice"

    def table(self, tx: TextTx) -> TextTable:
        """Return where they are kept."""
        return tx.texts if self is TextKind.CHALLENGE else tx.notice_texts


TextStore = StoreOf[TextTx]
