"""One mail in two languages: the reader's, as far as we can tell, and English below it."""

from __future__ import annotations

import re

from gateway.relay.template_parts import Rendered

_BODY = re.compile(r"<body\b[^>]*>(.*)</body\s*>", re.IGNORECASE | re.DOTALL)
_OPEN = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_NOTE = "English text below"
_RULE = "-" * 40


def with_english(rendered: Rendered, english: Rendered) -> Rendered:
    """Put English below. Where the HTML has no body to put it into, the text alone has both."""
    text = f"({_NOTE})\n\n{rendered.text.rstrip()}\n\n{_RULE}\n\n{english.text}"
    page, below = rendered.html, _BODY.search(english.html)
    begin = _OPEN.search(page)
    end = page.lower().rfind("</body")
    if below is not None and begin is not None and end > begin.end():
        note = f'\n<p lang="en"><small>({_NOTE})</small></p>\n'
        page = (
            page[: begin.end()] + note + page[begin.end() : end]
            + f'<hr>\n<div lang="en">{below[1]}</div>\n' + page[end:]
        )  # fmt: skip
    return Rendered(rendered.subject, text, page)
