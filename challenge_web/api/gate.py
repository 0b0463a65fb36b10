"""The gate of the API: who asks, may he, how often, what does he want; and the answer, or a problem.

A cookie says nothing here, so no page of another site can make a browser ask for anything.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Protocol
from urllib.parse import quote

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from msgspec import Struct

from challenge_web.api.allowance import Allowance, Left
from challenge_web.api.cursors import Cursors
from challenge_web.api.operations import ROOT, Call, Created, Octets, Operation
from challenge_web.api.problems import Problem, by_status, refused, too_many
from challenge_web.limits import Buckets, Limit, counted_network
from challenge_web.query import unreadable
from gateway.domain.roles import Viewer
from gateway.domain.scopes import scope_of
from gateway.flow.kept_answers import LONGEST_KEY, Answer, Course, KeptAnswers
from gateway.flow.ports import StoreDown
from gateway.flow.tokens import Token
from gateway.log import bug, warning

_log = logging.getLogger("gateway.web")

KEY_FIELD = "Idempotency-Key"
_JSON = "application/json"
_FAILURES = Limit(per_minute=10, burst=30)
"""Wrong tokens that one network may show."""
_NETWORKS = 10_000
_REALM = 'Bearer realm="challenge-gateway"'


class Holders(Protocol):
    """Knows who a token speaks for."""

    async def viewer(self, secret: str, client: str) -> tuple[Viewer, Token] | None:
        """Return who it is, and the token; None for one that is wrong, old, or was revoked. Raises StoreDown."""


class Journal(Protocol):
    """Writes down who did what."""

    async def note(self, viewer: Viewer, deed: str, named: str, detail: str, client: str) -> None:
        """Write one line. Raises StoreDown."""


class ApiGate:
    """Lets requests in to operations."""

    def __init__(
        self,
        holders: Holders,
        kept: KeptAnswers,
        journal: Journal,
        client_of: Callable[[web.Request], str],
        *,
        key: Callable[[], Awaitable[bytes]],
        per_minute: int,
        tick: Callable[[], float],
    ) -> None:
        """key: the site's, for cursors. per_minute: requests of one token. tick: a clock that never goes back."""
        self._holders = holders
        self._kept = kept
        self._journal = journal
        self._client_of = client_of
        self._key = key
        self._allowance = Allowance(per_minute)
        self._failures = Buckets(_FAILURES, _NETWORKS)
        self._tick = tick

    def handler(self, operation: Operation, twin: Operation | None) -> Handler:
        """Return what serves an operation. twin: the GET of the same address, by which If-Match is judged."""

        async def handle(request: web.Request) -> web.StreamResponse:
            viewer, token, left = await self._let_in(request)
            try:
                _may(viewer, token, operation)
                response = await self._served(request, operation, twin, viewer, token)
            except Problem as problem:
                problem.headers |= left.headers()
                raise
            response.headers.update(left.headers())
            return response

        return handle

    # --- who asks ---

    async def _let_in(self, request: web.Request) -> tuple[Viewer, Token, Left]:
        """Return who asks. Raises Problem."""
        client = self._client_of(request)
        kind, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if kind.lower() != "bearer":
            raise Problem("unauthorized", "Send a token: Authorization: Bearer …", headers=_challenge(""))
        found = await self._holders.viewer(secret.strip(), client)
        if found is None:
            wait = self._failures.take(counted_network(client), self._tick())
            if wait:
                raise too_many(wait)
            raise Problem(
                "unauthorized",
                "This token is wrong, or its time is over, or it was revoked.",
                headers=_challenge("invalid_token"),
            )
        left = self._allowance.take(found[1].id, self._tick())
        if left.wait:
            raise too_many(left.wait, left.headers())
        return (*found, left)

    # --- what is wanted ---

    async def _served(
        self, request: web.Request, operation: Operation, twin: Operation | None, viewer: Viewer, token: Token
    ) -> web.Response:
        body = await _octets(request) if operation.body is not None else b""
        call = Call(
            viewer,
            token,
            dict(request.match_info),
            _query(request, operation),
            _body(operation, body),
            Cursors(await self._key(), viewer.account, operation.id, request.query),
        )
        if twin is not None and operation.changes and hdrs.IF_MATCH in request.headers:
            await self._unchanged(request, twin, call)
        if operation.method == "POST" and KEY_FIELD in request.headers:
            return await self._once(request, operation, call, body)
        return await self._done(request, operation, call)

    async def _unchanged(self, request: web.Request, twin: Operation, call: Call[Struct, object]) -> None:
        """Hold If-Match (RFC 9110 §13.1.1) against what a GET would answer now. Raises Problem."""
        query = msgspec.convert({}, twin.query)
        now = _response(twin, await twin.handler(Call(call.viewer, call.token, call.path, query, None, call.cursors)))
        told = [tag.strip() for tag in request.headers[hdrs.IF_MATCH].split(",")]
        if "*" not in told and now.headers[hdrs.ETAG] not in told:
            raise Problem("changed", "Get it again, and decide anew.")

    async def _once(
        self, request: web.Request, operation: Operation, call: Call[Struct, object], body: bytes
    ) -> web.Response:
        name, *others = request.headers.getall(KEY_FIELD)
        if others or not 0 < len(name) <= LONGEST_KEY or not name.isascii() or not name.isprintable():
            # Taken for none, it would be done twice by who relies on it.
            raise Problem("malformed", f"{KEY_FIELD} is one, of 1 to {LONGEST_KEY} printable characters of ASCII.")
        account = call.viewer.account
        asked = b"\0".join((operation.id.encode(), request.raw_path.encode(), body))
        course = await self._kept.begin(account, name, asked)
        if course is Course.OTHER:
            raise Problem("key-reused")
        if course is Course.IN_PROGRESS:
            raise Problem("in-progress", headers={hdrs.RETRY_AFTER: "1"})
        if isinstance(course, Answer):
            if not course.body and operation.secret:
                raise Problem("conflict", "It was done, and its answer is told once only.")
            return _kept_response(course)
        try:
            response = await self._done(request, operation, call)
        except Problem as problem:
            response = problem.response()
            if response.status < 500:
                await self._kept.keep(account, name, asked, _kept_answer(response, secret=False))
            else:
                await self._kept.forget(account, name)
            raise
        except BaseException:
            await self._kept.forget(account, name)
            raise
        await self._kept.keep(account, name, asked, _kept_answer(response, secret=operation.secret))
        return response

    async def _done(self, request: web.Request, operation: Operation, call: Call[Struct, object]) -> web.Response:
        response = _response(operation, await operation.handler(call))
        if operation.changes:
            named = " ".join(call.path.values())[:300]
            detail = "; ".join([*call.deeds, f"token {call.token.name}"])
            await self._journal.note(call.viewer, f"api {operation.id}", named, detail, self._client_of(request))
        tag = response.headers.get(hdrs.ETAG, "")
        told = [one.strip().removeprefix("W/") for one in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")]
        if tag and tag in told:
            return web.Response(status=304, headers={hdrs.ETAG: tag})
        return response


def problems_of_the_api() -> Middleware:
    """Tell every refusal below the API's root as problem details; what it was goes to the log only."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(f"{ROOT}/"):
            return await handler(request)
        try:
            return await handler(request)
        except Problem as problem:
            return problem.response()
        except web.HTTPException as refusal:
            if refusal.status < 400:
                raise
            return refused(refusal).response()
        except StoreDown as cannot_now:
            warning(_log, "web-cannot-now", route="api", reason=type(cannot_now).__name__)
            return Problem("cannot-now", headers={hdrs.RETRY_AFTER: "60"}).response()
        except Exception:
            bug(_log, "web-bug", route="api")
            return Problem("fault").response()

    return middleware


def problem_outside(request: web.Request, status: int) -> web.Response | None:
    """Tell a refusal that was made before the API had a look; None for requests to other pages."""
    return by_status(status).response() if request.path.startswith(f"{ROOT}/") else None


def _may(viewer: Viewer, token: Token, operation: Operation) -> None:
    """Refuse what the token or its owner may not do. Raises Problem."""
    missing = [right for right in operation.rights if not viewer.may(right)]
    if not missing:
        return
    scopes = [scope for right in missing if (scope := scope_of(right)) is not None and scope not in token.scopes]
    if not scopes:
        raise Problem("forbidden")
    names = " ".join(scope.value for scope in scopes)
    told = f'{_REALM}, error="insufficient_scope", scope="{names}"'
    raise Problem("scope", f"It needs {names}.", headers={hdrs.WWW_AUTHENTICATE: told})


def _challenge(error: str) -> dict[str, str]:
    return {hdrs.WWW_AUTHENTICATE: f'{_REALM}, error="{error}"' if error else _REALM}


def _query(request: web.Request, operation: Operation) -> Struct:
    """Read the parameters. Raises Problem."""
    bad = unreadable(request)
    if bad:
        raise Problem("malformed", errors=[(name, "It is not UTF-8.") for name in bad])
    told: dict[str, str] = {}
    for name, value in request.query.items():
        if name in told:
            raise Problem("malformed", errors=[(name, "It stands there twice.")])
        told[name] = value
    try:
        return msgspec.convert(told, operation.query, strict=False)
    except msgspec.ValidationError as fault:
        raise Problem("malformed", errors=[_fault(fault)]) from None


async def _octets(request: web.Request) -> bytes:
    """Read what was sent. Raises Problem."""
    if request.content_type != _JSON:
        raise Problem("media-type")
    if hdrs.CONTENT_ENCODING in request.headers:
        # What unpacks to more than was sent is not unpacked (`listener`).
        raise Problem("media-type", "A body is not compressed.")
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError):
        # Chunks that are none, or a client that went away in the middle.
        raise Problem("malformed", "The body is not whole.") from None


def _body(operation: Operation, octets: bytes) -> object:
    """Read the body. Raises Problem."""
    if operation.body is None:
        return None
    try:
        return msgspec.json.decode(octets, type=operation.body)
    except msgspec.ValidationError as fault:
        raise Problem("invalid", errors=[_fault(fault)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem("malformed", "The body is no JSON.") from None


def _fault(fault: msgspec.ValidationError) -> tuple[str, str]:
    """Return the field, and what is wrong with it."""
    words, _, where = str(fault).partition(" - at ")
    return where.strip("`").removeprefix("$").removeprefix("."), f"{words}."


def _response(operation: Operation, answer: object) -> web.Response:
    if answer is None:
        return web.Response(status=204)
    if isinstance(answer, Octets):
        headers = {hdrs.CONTENT_TYPE: answer.media_type, "Content-Security-Policy": "default-src 'none'; sandbox"}
        name = quote(answer.name, safe="")
        headers[hdrs.CONTENT_DISPOSITION] = f"attachment; filename*=UTF-8''{name}" if name else "attachment"
        return web.Response(body=answer.body, headers=headers)
    headers, status = {}, operation.status
    if isinstance(answer, Created):
        headers[hdrs.LOCATION], status, answer = ROOT + answer.location, 201, answer.value
    # A sentence that can be said in other languages is told in English.
    body = msgspec.json.encode(answer, enc_hook=str)
    if operation.method == "GET":
        headers[hdrs.ETAG] = f'"{sha256(body).hexdigest()[:32]}"'
    return web.Response(body=body, status=status, content_type=_JSON, headers=headers)


def _kept_answer(response: web.Response, *, secret: bool) -> Answer:
    body = response.body if isinstance(response.body, bytes) and not secret else b""
    return Answer(
        response.status, response.headers.get(hdrs.CONTENT_TYPE, ""), response.headers.get(hdrs.LOCATION, ""), body
    )


def _kept_response(answer: Answer) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: answer.media_type, hdrs.LOCATION: answer.location, "Idempotency-Replayed": "true"}
    return web.Response(
        body=answer.body or None,
        status=answer.status,
        headers={name: value for name, value in headers.items() if value},
    )
