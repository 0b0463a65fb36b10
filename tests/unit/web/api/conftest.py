"""The house of the console, with the API in it, and a program that asks."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from challenge_web.api.operations import ROOT, Operation
from challenge_web.console.routes import Names
from gateway.domain.roles import Role
from gateway.domain.scopes import Scope
from tests.unit.web.console.house import ADMIN, JOE, KIM, House, house

__all__ = ["house"]

NAMES = {role: JOE if role is Role.USER else f"a-{role.value}" for role in Role}
BODIES: dict[str, object] = {
    "settlePendingSource": {"source": "list:none.example", "do": "refuse"},
    "orderPending": {"action": "delete", "ids": [999999]},
    "saveSearch": {"name": "roofs", "q": "roof"},
    "forwardMessage": {"to": "nobody@example.org"},
    "grantReleaseRequest": {"why": "It is clean."},
    "refuseReleaseRequest": {},
    "askForRelease": {"words": "please"},
    "addEntry": {"verdict": "deny", "pattern": "x@elm.example", "for": JOE},
    "changeEntry": {"note": "n", "expires_at": None},
    "removeEntries": {"ids": [999999]},
    "importEntries": {"text": "a@elm.example", "form": "deny", "for": JOE},
    "changePolicy": {"settings": {"days": {"value": "9"}}},
    "previewPolicy": {"settings": {"days": {"value": "9"}}},
    "openWindow": {"address": JOE},
    "changeDigests": {"schedule": "daily@18"},
    "sendDigest": {},
    "setTemplate": {"subject": "x", "text": "no link", "html": ""},
    "previewTemplate": {"subject": "x", "text": "no link", "html": ""},
    "sendTemplateSample": {"subject": "x", "text": "no link", "html": ""},
    "addAccount": {"name": "new@example.org"},
    "setAccountRole": {"role": "user"},
    "setAccountState": {"disabled": False},
    "giveAddress": {"address": "more@example.org"},
    "changeOwnAccount": {"full_name": "", "time_zone": ""},
}
"""A body that each operation with one understands; most ask for what is not there."""
QUERIES = {"judgeSender": f"?sender=ann@oak.example&recipient={JOE}"}


@dataclass
class Heard:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass
class Program:
    """Asks the API of a house."""

    house: House
    tokens: dict[tuple[Role, tuple[Scope, ...]], str] = field(default_factory=dict)

    async def token(self, role: Role, scopes: Sequence[Scope] = tuple(Scope)) -> str:
        key = (role, tuple(scopes))
        if key not in self.tokens:
            account = await self.house.entrance.accounts.named(ADMIN, NAMES[role])
            assert account is not None
            made = await self.house.entrance.tokens.make_for(ADMIN, account.id, "tests", scopes, 30)
            assert made is not None
            self.tokens[key] = made.secret
        return self.tokens[key]

    async def ask(
        self,
        method: str,
        path: str,
        role: Role | None = Role.USER,
        body: object = None,
        *,
        scopes: Sequence[Scope] = tuple(Scope),
        **headers: str,
    ) -> Heard:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if role is not None:
            told.setdefault("Authorization", f"Bearer {await self.token(role, scopes)}")
        octets = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if octets is not None:
            told.setdefault("Content-Type", "application/json")
        answer = await self.house.client.request(
            method, ROOT + path, data=octets and io.BytesIO(octets), headers=told, allow_redirects=False
        )
        return Heard(answer.status, answer.headers, await answer.read())

    async def run(
        self, operation: Operation, role: Role, named: str, scopes: Sequence[Scope] = tuple(Scope), method: str = ""
    ) -> Heard:
        """Ask for an operation on something."""
        path = re.sub(r"\{(?:id|scope)\}", named, operation.path)
        path = re.sub(r"\{\w+\}", "1", path) + QUERIES.get(operation.id, "")
        return await self.ask(method or operation.method, path, role, BODIES.get(operation.id), scopes=scopes)

    def named(self, operation: Operation, role: Role, *, own: bool) -> str:
        things = self.house.own if own else self.house.foreign
        if operation.names is Names.SESSION and own:
            return "999999"
        if operation.names is Names.SCOPE and role is Role.USER:
            return JOE if own else KIM
        return things.get(operation.names, "999999")


@pytest.fixture
def program(house: House) -> Program:
    return Program(house)
