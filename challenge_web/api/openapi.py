"""The OpenAPI document, written from the table of operations that is served."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from challenge_web.api.operations import LARGEST_ID, ROOT, Nothing, Operation
from challenge_web.api.problems import MEDIA_TYPE, TITLES, ProblemBody
from gateway import __version__
from gateway.domain.scopes import MEANINGS, scope_of

_REF = "#/components/schemas/{name}"
_PIECE = re.compile(r"\{(\w+)\}")
NUMBERS = frozenset({"id", "part", "session"})
"""Names in paths that are numbers."""
_TITLES = dict(reversed(TITLES.values()))
_ALL = (400, 401, 403, 429, 500, 503)
"""Statuses of problems that every operation may answer with."""
_RATE = {
    "RateLimit": {"description": "What is left of the token's allowance.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "How large it is.", "schema": {"type": "string"}},
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1) as plain values."""
    types: list[Any] = [ProblemBody]
    for operation in operations:
        types += [one for one in (operation.answer, operation.body, operation.query) if isinstance(one, type)]
    schemas, components = msgspec.json.schema_components(dict.fromkeys(types), ref_template=_REF)
    by_type = dict(zip(dict.fromkeys(types), schemas, strict=True))
    queries = {operation.query.__name__ for operation in operations}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Challenge gateway",
            "version": __version__,
            "description": "Everything the console does, for programs. A request bears a token in "
            "`Authorization: Bearer`; what is beyond its owner's reach is answered as what does not exist.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": ROOT}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(map(tag_of, operations))],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Scopes: "
                    + "; ".join(f"`{scope.value}`: {words}" for scope, words in MEANINGS.items()),
                }
            },
        },
    }


def tag_of(operation: Operation) -> str:
    """Return the resource an operation belongs to."""
    return operation.path.split("/")[1]


def _operation(operation: Operation, schemas: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    scopes = [scope.value for right in operation.rights if (scope := scope_of(right)) is not None]
    told: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [tag_of(operation)],
        "security": [{"token": scopes}],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, components)],
        "responses": _responses(operation, schemas),
    }
    if operation.method == "POST":
        told["parameters"].append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key with the same request is answered the same for a day, and done once.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        )
    if operation.body is not None:
        told["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.body]}},
        }
    return told


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _number(name) if name in NUMBERS else {"type": "string", "minLength": 1},
        }
        for name in _PIECE.findall(operation.path)
    ]


def _number(name: str) -> dict[str, Any]:
    # Parts of a mail are counted from 0.
    return {"type": "integer", "minimum": 0 if name == "part" else 1, "maximum": LARGEST_ID}


def _query_parameters(operation: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    if operation.query is Nothing:
        return []
    schema = components[operation.query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": told}
        | ({"description": told["description"]} if "description" in told else {})
        for name, told in schema["properties"].items()
    ]


def _responses(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done." if operation.method != "GET" else "It.", "headers": dict(_RATE)}
    status = operation.status
    if operation.answer is None:
        status = 204
    elif isinstance(operation.answer, str):
        good["content"] = {operation.answer: {"schema": {"type": "string", "format": "binary"}}}
    else:
        good["content"] = {"application/json": {"schema": schemas[operation.answer]}}
    if status == 201:
        good["headers"]["Location"] = {"description": "Where it is.", "schema": {"type": "string"}}
    responses = {str(status): good}
    problem = {MEDIA_TYPE: {"schema": schemas[ProblemBody]}}
    for code in sorted({*_ALL, *statuses(operation)}):
        responses[str(code)] = {"description": _TITLES[code] + ".", "content": problem}
    return responses


def statuses(operation: Operation) -> set[int]:
    """Return the statuses of problems that this operation may answer with besides those of all."""
    found = set(operation.problems)
    if "{" in operation.path:
        found.add(404)
    if operation.body is not None:
        found |= {413, 415, 422}
    if operation.method == "POST":
        found |= {409, 422}
    if operation.method in ("PUT", "PATCH", "DELETE"):
        found.add(412)
    return found
