"""The API against its own document: requests that a machine makes up, right ones and wrong ones.

What each answer must be stands in the document: its status, its media type, its schema.
"""

from __future__ import annotations

import asyncio
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from challenge_web.api.operations import ROOT
from gateway.domain.roles import Role
from tests.unit.web.api.conftest import Program

EXAMPLES = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 4}
"""Requests for each operation: all of them together take some ten seconds."""
LONGEST_LINE = 8000
READ = (ParameterLocation.PATH, ParameterLocation.BODY)
"""Where what is wrong must be refused. Of parameters it may be lost on the way: they have tests by hand."""
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.unsupported_method,
]
# Its token ends with these: nobody asks after it.
UNASKED = {"revokeToken", "removeAccount", "setAccountState", "setAccountRole"}


async def test_answers_to_made_up_requests_are_those_of_the_document(program: Program) -> None:
    told = (await program.ask("GET", "/openapi.json", None)).data
    secret = await program.token(Role.SITE_ADMIN)
    base = str(program.house.client.make_url(ROOT))
    asked = await asyncio.to_thread(ask_all, told, base, {"Authorization": f"Bearer {secret}"})
    assert asked == {one.id for one in program.house.operations} - UNASKED


def ask_all(document: dict[str, Any], base: str, headers: dict[str, str]) -> set[str]:
    """Ask for every operation; return their names. Raises what a check found."""
    schema = schemathesis.openapi.from_dict(document)
    asked = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        name = operation.definition.raw["operationId"]
        if name in UNASKED:
            continue
        for mode, count in EXAMPLES.items():
            try_out(operation, mode, count, base, headers)
        asked.add(name)
    return asked


def try_out(operation: Any, mode: GenerationMode, count: int, base: str, headers: dict[str, str]) -> None:
    """Make up requests of one kind for one operation."""

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def ask(case: Any) -> None:
        response = case.call(base_url=base, headers=headers)
        if len(response.request.url) > LONGEST_LINE:
            return  # Refused before it is a request.
        case.validate_response(response, checks=CHECKS)
        if any(told.mode.is_negative and place in READ for place, told in case.meta.components.items()):
            assert 400 <= response.status_code < 500, (response.request.method, response.request.url)

    ask()
