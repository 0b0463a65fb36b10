"""How spam-like a filter in front found a mail, as it wrote into a header field."""

from __future__ import annotations

import re

from gateway.domain.header import Header

_NUMBER = rb"([+-]?[0-9]{1,6}(?:\.[0-9]{1,6})?)(?![\w.])"
# X-Spam-Status: Yes, score=7.2 required=5.0 · X-Spam-Status: Yes, hits=7.2 · X-Spamd-Result: default: False [7.20 / 15.00]
_NAMED = re.compile(rb"\b(?:score|hits)=" + _NUMBER + rb"|\[" + _NUMBER + rb" /")
# X-Spam-Score: 7.2 (+++++++)
_ALONE = re.compile(_NUMBER)
_LONGEST = 1000


def read_score(head: Header, name: str) -> float | None:
    """Return the number in the topmost field of this name; None where there is none, or no name is given.

    The topmost is what the server next to us wrote; what is below may have come with the mail.
    """
    value = head.first(name.lower().encode("ascii")) if name else None
    if value is None:
        return None
    found = _NAMED.search(value[:_LONGEST]) or _ALONE.match(value[:_LONGEST])
    return None if found is None else float(next(group for group in found.groups() if group))
