"""What went wrong, as programs are told it: problem details (RFC 9457)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct

MEDIA_TYPE = "application/problem+json"
_NAMES = "urn:challenge-gateway:problem:"


class FieldFault(Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    reason: str


class ProblemBody(Struct, frozen=True, omit_defaults=True):
    """Problem details (RFC 9457): what went wrong, for a program and for a person."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldFault, ...] = ()


TITLES = {
    "malformed": (400, "The request cannot be understood"),
    "cursor": (400, "This cursor is not one of ours"),
    "unauthorized": (401, "A token is needed"),
    "scope": (403, "The token lacks a scope"),
    "forbidden": (403, "Your role does not allow this"),
    "not-found": (404, "There is nothing here"),
    "method": (405, "This address does not take this method"),
    "conflict": (409, "This cannot be done as things stand"),
    "in-progress": (409, "The first request with this key is still being answered"),
    "changed": (412, "It has changed meanwhile"),
    "too-large": (413, "The request is too large"),
    "media-type": (415, "Bodies are application/json"),
    "host": (421, "This is not a name of ours"),
    "invalid": (422, "Some of it is wrong"),
    "key-reused": (422, "This key was used for another request"),
    "too-many": (429, "Too many requests"),
    "fault": (500, "Something went wrong here"),
    "cannot-now": (503, "This cannot be answered now"),
}
"""Name of each kind of problem → status, title."""

_BY_STATUS = {
    400: "malformed",
    403: "forbidden",
    404: "not-found",
    405: "method",
    413: "too-large",
    415: "media-type",
} | {
    421: "host",
    503: "cannot-now",
}


class Problem(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        name: str,
        detail: str = "",
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name)
        self.name = name
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The status of the answer."""
        return TITLES[self.name][0]

    def response(self) -> web.Response:
        """Return the problem as an answer (RFC 9457 §3)."""
        status, title = TITLES[self.name]
        body = ProblemBody(
            type=_NAMES + self.name,
            title=title,
            status=status,
            detail=self.detail,
            errors=tuple(FieldFault(field, reason) for field, reason in self.errors),
        )
        return web.Response(
            body=msgspec.json.encode(body, enc_hook=str),
            status=status,
            headers={**self.headers, hdrs.CONTENT_TYPE: MEDIA_TYPE},
        )


def not_found() -> Problem:
    """Return the answer to what is not there, and to what is beyond reach."""
    return Problem("not-found")


def invalid(field: str, reason: str) -> Problem:
    """Return the answer to one wrong field. reason: a sentence."""
    return Problem("invalid", errors=[(field, reason)])


def sentence(text: str) -> str:
    """Make a whole sentence of what a service says."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text[0].upper()}{text[1:]}."


def refused(refusal: web.HTTPException) -> Problem:
    """Return the problem that stands for a refusal of the framework's own."""
    problem = by_status(refusal.status)
    if hdrs.ALLOW in refusal.headers:
        problem.headers[hdrs.ALLOW] = refusal.headers[hdrs.ALLOW]
    return problem


def by_status(status: int) -> Problem:
    """Return the problem that stands for a status."""
    if status in _BY_STATUS:
        return Problem(_BY_STATUS[status])
    return Problem("malformed", HTTPStatus(status).phrase) if status < 500 else Problem("fault")


def too_many(seconds: float, headers: Mapping[str, str] | None = None) -> Problem:
    """Return the answer to who asks too often. seconds: to wait."""
    return Problem("too-many", headers={**(headers or {}), hdrs.RETRY_AFTER: str(max(1, math.ceil(seconds)))})
