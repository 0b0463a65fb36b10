"""Pictures that the HTML of a mail names as `cid:…` (RFC 2392 §2): each must be in the mail, for nothing is loaded."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from html import unescape

from gateway.domain.phrase import Phrase, phrase

# As the value of an attribute, or within url() of a style: words that end in "cid:" are none.
_NAMED = re.compile(
    r"""[=(]\s*(?:"|'|&quot;|&#39;)?\s*cid:([^\s"'<>()]+?)(?=\s|"|'|<|>|\)|&quot;|&#39;|\Z)""", re.IGNORECASE
)


def named_pictures(html: str) -> Sequence[str]:
    """Return the names, each once, in their order."""
    return tuple(dict.fromkeys(unescape(found[1]) for found in _NAMED.finditer(html)))


def missing_picture(source: str, filled: str, known: Collection[str]) -> tuple[int, Phrase] | None:
    """Return line and reason where HTML names a picture there is none of; None where all are there.

    source, filled: the template, and the same with the sample's values. known: names of the pictures.
    """
    in_source = (name for name in named_pictures(source) if "{" not in name)
    for name in dict.fromkeys((*in_source, *named_pictures(filled))):
        if name not in known:
            found = re.search(f"cid:{re.escape(name)}", source, re.IGNORECASE)
            return source.count("\n", 0, found.start()) + 1 if found else 0, _reason(name, known)
    return None


def _reason(name: str, known: Collection[str]) -> Phrase:
    if not known:
        return phrase("there is no picture {name}: this mail has none", name=repr(name))
    return phrase("there is no picture {name}; there are {known}", name=repr(name), known=", ".join(sorted(known)))
