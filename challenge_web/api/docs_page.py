"""The page that tells about the API: the OpenAPI document in words, without a script. In English, as the document is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from aiohttp import web

from challenge_web.api.operations import ROOT
from challenge_web.pages import Pages
from gateway.languages.language import ENGLISH, language

Words = Mapping[str, Any]


class DocsPage:
    """One document, as a page."""

    def __init__(self, document: Callable[[], Words], pages: Pages) -> None:
        self._document = document
        self._pages = pages

    @cached_property
    def _words(self) -> Words:
        document = self._document()
        components: Words = document["components"]["schemas"]
        return {
            "about": document["info"]["description"],
            "version": document["info"]["version"],
            "at": ROOT,
            "scopes": document["components"]["securitySchemes"]["token"]["description"],
            "groups": [
                (
                    tag["name"],
                    [
                        _operation(path, method, told)
                        for path, methods in document["paths"].items()
                        for method, told in methods.items()
                        if told["tags"] == [tag["name"]]
                    ],
                )
                for tag in document["tags"]
            ],
            "schemas": [
                (name, schema.get("description", ""), _fields(schema)) for name, schema in sorted(components.items())
            ],
        }

    async def show(self, request: web.Request) -> web.Response:
        """GET /api/v1/."""
        return self._pages.page(request, "api/docs", self._words, language=language(ENGLISH))


def _operation(path: str, method: str, told: Words) -> dict[str, Any]:
    good = {status: answer for status, answer in told["responses"].items() if status < "300"}
    ((status, answer),) = good.items()
    return {
        "id": told["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": told["summary"],
        "scope": " ".join(scope for one in told["security"] for scope in one["token"]),
        "parameters": [
            (one["name"], one["in"], words_of(one["schema"]), one.get("description", "")) for one in told["parameters"]
        ],
        "body": _media(told.get("requestBody", {})),
        "status": status,
        "answer": _media(answer),
        "problems": [status for status in told["responses"] if status >= "300"],
    }


def _media(body: Words) -> str:
    """Say what a body is: the name of a schema, or a media type."""
    for kind, told in body.get("content", {}).items():
        return words_of(told["schema"]) if kind == "application/json" else str(kind)
    return ""


def _fields(schema: Words) -> list[tuple[str, str, str]]:
    needed = schema.get("required", ())
    return [
        (name, words_of(told) + ("" if name in needed else ", optional"), told.get("description", ""))
        for name, told in schema.get("properties", {}).items()
    ]


def words_of(schema: Words) -> str:
    """Say in a few words what a schema takes."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(words_of(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in schema["enum"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {words_of(schema.get('items') or {})}"
    return str(schema["format"]) if "format" in schema else kind
