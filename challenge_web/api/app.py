"""Put the operations of the API into the application of the public pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
from aiohttp import hdrs, web

from challenge_web.api.docs_page import DocsPage
from challenge_web.api.gate import ApiGate, problem_outside, problems_of_the_api
from challenge_web.api.openapi import NUMBERS, document
from challenge_web.api.operations import ROOT, Operation, Resource
from challenge_web.api.problems import Problem
from challenge_web.pages import Pages

_PIECE = re.compile(r"\{(\w+)\}")
_JUDGED = frozenset({"PUT", "PATCH", "DELETE"})


def add_api(app: web.Application, pages: Pages, resources: Sequence[Resource], gate: ApiGate) -> tuple[Operation, ...]:
    """Add every operation, the document and its page; return the operations."""
    operations = tuple(operation for resource in resources for operation in resource.operations())

    # Written when somebody first asks for it: the start need not wait for it.
    @cache
    def told() -> dict[str, Any]:
        return document(operations)

    @cache
    def octets() -> tuple[bytes, str]:
        body = msgspec.json.encode(told())
        return body, f'"{sha256(body).hexdigest()[:32]}"'

    page = DocsPage(told, pages)

    async def openapi(request: web.Request) -> web.Response:
        body, tag = octets()
        if request.headers.get(hdrs.IF_NONE_MATCH) == tag:
            return web.Response(status=304, headers={hdrs.ETAG: tag})
        return web.Response(body=body, content_type="application/json", headers={hdrs.ETAG: tag})

    async def with_slash(request: web.Request) -> web.Response:
        # Named from where it stands: a proxy may serve us below a path of its own.
        return web.Response(status=308, headers={hdrs.LOCATION: f"./{ROOT.rpartition('/')[2]}/"})

    app.router.add_get(ROOT, with_slash, name="api-root")
    app.router.add_get(f"{ROOT}/openapi.json", openapi, name="api-document")
    app.router.add_get(f"{ROOT}/", page.show, name="api")
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    for path, methods in by_path.items():
        first = next(iter(methods.values()))
        resource = app.router.add_resource(ROOT + _PIECE.sub(_pattern, path), name=f"api-{first.id}")
        for method, operation in methods.items():
            handler = gate.handler(operation, methods.get("GET") if method in _JUDGED else None)
            resource.add_route(method, handler, expect_handler=_go_on)
            if method == "GET":
                resource.add_route("HEAD", handler, expect_handler=_go_on)
    app.middlewares.append(problems_of_the_api())
    pages.problems_for_programs_by(problem_outside)
    return operations


def _pattern(found: re.Match[str]) -> str:
    name = found[1]
    return f"{{{name}:[0-9]{{1,18}}}}" if name in NUMBERS else f"{{{name}}}"


async def _go_on(request: web.Request) -> web.StreamResponse | None:
    """Let a client that waits for it send its body (RFC 9110 §10.1.1); what else it expects is not to be had."""
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        return Problem("malformed", "Nothing but 100-continue can be expected.").response()
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # Of the answer, nothing was sent yet.
    return None
