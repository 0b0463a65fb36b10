"""Digests: when they go and what is in them, one sent now, and mailboxes that do not take theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from challenge_web.api.operations import Call, CursorText, Nothing, Operation, when, when_or_none
from challenge_web.api.problems import Problem, not_found, sentence
from challenge_web.console.routes import Names
from gateway.domain.levels import Level
from gateway.domain.roles import Right
from gateway.flow.digest_choices import DigestChoices, DigestSheet, Wrong
from gateway.flow.digest_ports import Wanted
from gateway.flow.policies import name_of, scope_named


class StuckQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which mailboxes."""

    cursor: CursorText = ""


class StuckMailbox(Struct, frozen=True):
    """A mailbox that did not take its last digest."""

    mailbox: str
    since: datetime
    reply: Annotated[str, Meta(description="What its server said.")]


class DigestPlaces(Struct, frozen=True):
    """For what one may look at digests, and where none can be delivered."""

    site: bool
    domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    stuck: tuple[StuckMailbox, ...]
    next: str | None


class DigestChoice(Struct, frozen=True):
    """One choice in one scope."""

    value: str
    origin: Annotated[str, Meta(description="`site`, a domain, an address, `account` or `configuration`.")]
    own: Annotated[str | None, Meta(description="What is chosen in this very scope; null is nothing.")]


class SentDigest(Struct, frozen=True):
    """A digest that was made."""

    state: str
    created_at: datetime
    total: Annotated[int, Meta(description="Mails that waited, counting to 10 001.")]
    shown: int
    last_reply: str


class DigestPlan(Struct, frozen=True):
    """What holds for digests in a scope."""

    scope: str
    level: str
    choices: dict[str, DigestChoice]
    goes_to: Annotated[tuple[str, ...], Meta(description="Mailboxes in whose digests this address's mail is told of.")]
    sent_at: datetime | None
    stuck_since: datetime | None
    sent: tuple[SentDigest, ...]
    may_change: bool


Chosen = Annotated[str, Meta(max_length=200)] | None | UnsetType


class DigestEdits(Struct, frozen=True, forbid_unknown_fields=True):
    """What to choose; null lets the level above count, what is left out stays."""

    schedule: Chosen = UNSET
    kinds: Chosen = UNSET
    time_zone: Chosen = UNSET
    language: Chosen = UNSET
    subject: Chosen = UNSET
    phrase: Chosen = UNSET


class DigestWish(Struct, frozen=True, forbid_unknown_fields=True):
    """A digest that is wanted now."""

    what: Annotated[Literal["new", "all"], Meta(description="What is new, or all that waits.")] = "new"


class DigestResource:
    """The operations on digests."""

    def __init__(self, choices: DigestChoices) -> None:
        self._choices = choices

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        at, see, edit, scope = "/digests/{scope}", Right.SEE_POLICY, Right.EDIT_POLICY, Names.SCOPE
        return (
            Operation("listDigests", "GET", "/digests", see, self.places,
                      "List for what one may look at digests, and mailboxes that do not take them.",
                      DigestPlaces, StuckQuery),
            Operation("getDigests", "GET", at, see, self.sheet, "See what holds for digests in a scope.", DigestPlan,
                      names=scope),
            Operation("changeDigests", "PATCH", at, edit, self.change, "Choose when digests go, and what is in them.",
                      DigestPlan, body=DigestEdits, also=(see,), names=scope),
            Operation("sendDigest", "POST", f"{at}/send", edit, self.send, "Let a digest go to a mailbox now.",
                      body=DigestWish, also=(see,), names=scope, problems=(409,)),
        )  # fmt: skip

    async def places(self, call: Call[StuckQuery, None]) -> DigestPlaces:
        """Return places, and a page of stuck mailboxes."""
        after = call.cursors.read(call.query.cursor, str)
        places = await self._choices.places(call.viewer, str(after[0]) if after else "")
        if places is None:
            raise Problem("forbidden")
        follows = (places.stuck[-1].mailbox,) if places.more_stuck else None
        return DigestPlaces(
            places.site,
            places.domains,
            places.mailboxes,
            tuple(StuckMailbox(one.mailbox, when(one.since), one.reply) for one in places.stuck),
            call.cursors.write(follows),
        )

    async def sheet(self, call: Call[Nothing, None]) -> DigestPlan:
        """Return what holds for digests in one scope."""
        return _plan(await self._sheet(call))

    async def change(self, call: Call[Nothing, DigestEdits]) -> DigestPlan:
        """Change what is chosen for digests in one scope."""
        sheet = await self._sheet(call)
        edits = msgspec.structs.asdict(call.body)
        wanted = Wanted(
            **{
                field.name: getattr(sheet.own, field.name) if edits[field.name] is UNSET else edits[field.name] or None
                for field in fields(Wanted)
            }
        )
        try:
            saved = await self._choices.save(call.viewer, sheet.scope, wanted)
        except Wrong as wrong:
            raise Problem("invalid", errors=[(name, sentence(text)) for name, text in wrong.faults.items()]) from None
        if saved is None:
            raise not_found()
        return _plan(await self._sheet(call))

    async def send(self, call: Call[Nothing, DigestWish]) -> None:
        """Let a digest go to a mailbox now."""
        sheet = await self._sheet(call)
        if sheet.level is not Level.USER:
            raise Problem("conflict", "No digest goes to a whole domain: name an address.")
        asked = await self._choices.ask(call.viewer, sheet.scope, everything=call.body.what == "all")
        if asked is None:
            raise not_found()
        if not asked:
            raise Problem("conflict", "No digest can go to this address.")

    async def _sheet(self, call: Call[Nothing, Any]) -> DigestSheet:
        scope = scope_named(call.path["scope"])
        sheet = None if scope is None else await self._choices.sheet(call.viewer, scope)
        if sheet is None:
            raise not_found()
        return sheet


def _plan(sheet: DigestSheet) -> DigestPlan:
    named = {"": "site"}
    return DigestPlan(
        scope=name_of(sheet.scope),
        level=sheet.level.value,
        choices={
            name: DigestChoice(value, named.get(origin, origin.removeprefix("@")), getattr(sheet.own, name))
            for name, (value, origin) in sheet.holds.items()
        },
        goes_to=sheet.goes_to,
        sent_at=when_or_none(sheet.known.sent_at if sheet.known else None),
        stuck_since=when_or_none(sheet.known.stuck_since if sheet.known else None),
        sent=tuple(
            SentDigest(one.state, when(one.created_at), one.total, one.shown, one.last_reply) for one in sheet.sent
        ),
        may_change=sheet.may_change,
    )
