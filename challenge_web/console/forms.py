"""Reading forms."""

from __future__ import annotations

from collections.abc import Mapping


def text_of(form: Mapping[str, object], name: str) -> str:
    """Return a field's text; "" for one that is missing, or is a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
