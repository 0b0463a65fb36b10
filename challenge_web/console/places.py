"""The place that a person types, to see what is chosen for it."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.phrase import phrase
from gateway.flow.policies import scope_named

NO_PLACE = phrase("There is no such domain or address here.")


def typed_place(request: web.Request) -> tuple[str | None, str | None]:
    """Return what was typed, None where nothing was; and the scope it names, None where it names none."""
    if "scope" not in request.query:
        return None, None
    typed = request.query["scope"].strip()
    return typed, scope_named(typed.lower() if typed.lower() == "site" else typed)
