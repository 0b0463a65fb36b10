"""Text that others wrote, made fit to be shown: nothing in it hides, and nothing turns the direction of what follows."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
    "|[\U000e0000-\U000e0fff]"
)


def shown(text: str) -> str:
    """Return text with line feeds as line ends, without what hides text or turns its direction."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))
