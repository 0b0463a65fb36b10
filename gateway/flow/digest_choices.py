"""Digest choices: what site, domains and people have chosen of digests; one sent now; those that cannot be delivered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

from gateway.domain.digest import checked_subject, kinds_text, parse_kinds
from gateway.domain.levels import Level, level_of
from gateway.domain.phrase import OR, chain, phrase, words_of
from gateway.domain.roles import Right, Viewer
from gateway.domain.schedule import schedule_text
from gateway.flow.account_ports import Account
from gateway.flow.digest_people import Person, mailbox_of, mailboxes_for, person_of, wanted_by
from gateway.flow.digest_ports import AccountLook, DigestRules, DigestTable, Mailbox, Sent, Stuck, Wanted
from gateway.flow.digests import ALL, NEW
from gateway.flow.policies import name_of
from gateway.flow.transactions import StoreOf
from gateway.log import event

_log = logging.getLogger("gateway.digest")

MOST_PLACES = 100
RECENT = 10
LONGEST_PHRASE = 60

Held = Mapping[str, tuple[str, str]]
"""Choice → what holds, and the scope it comes from; `configuration` or `account` beside the scopes."""


@dataclass(frozen=True, slots=True)
class DigestSheet:
    """All that one scope has to do with digests."""

    scope: str
    level: Level
    own: Wanted
    holds: Held
    above: Held
    """What holds where this scope chooses nothing."""
    person: Person | None
    """Whose mailbox it is; None for a domain and the site, and where no digest goes."""
    goes_to: tuple[str, ...]
    """Of an address whose mail is told of elsewhere: where."""
    known: Mailbox | None
    sent: tuple[Sent, ...]
    may_change: bool


@dataclass(frozen=True, slots=True)
class DigestPlaces:
    """What a person may look at."""

    site: bool
    domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    """The person's own."""
    stuck: tuple[Stuck, ...]
    more_stuck: bool


class Wrong(Exception):
    """Choices that cannot be: field → one sentence."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = dict(faults)


class ChoicesTx(Protocol):
    """What choices need of a transaction."""

    @property
    def digests(self) -> DigestTable:
        """Digests."""

    @property
    def accounts(self) -> AccountLook:
        """Accounts."""


ChoicesStore = StoreOf[ChoicesTx]


class DigestChoices:
    """Shows and changes what holds for digests within a viewer's reach. What is beyond it is None."""

    def __init__(
        self,
        rules: DigestRules,
        store: ChoicesStore,
        languages: Sequence[str],
        zones: Callable[[], Collection[str]],
        *,
        now: Callable[[], float],
    ) -> None:
        """languages: those that there are texts in. zones: the names of all time zones."""
        self._rules = rules
        self._store = store
        self.languages = tuple(languages)
        self._zones = zones
        self._now = now

    async def places(self, viewer: Viewer, after: str = "") -> DigestPlaces | None:
        """Return what a person may look at. after: the last stuck mailbox of the page before."""
        if not viewer.may(Right.SEE_POLICY):
            return None
        reach = viewer.reach
        domains = None if reach.site else reach.domains

        def work(tx: ChoicesTx) -> tuple[Account | None, Sequence[Stuck]]:
            stuck = tx.digests.stuck(domains, after, MOST_PLACES + 1) if reach.site or reach.domains else ()
            return tx.accounts.get(viewer.account), stuck

        account, stuck = await self._store.look(work)
        own = mailbox_of(account) if account is not None else ""
        return DigestPlaces(
            site=reach.site,
            domains=tuple(sorted(self._rules.domains if reach.site else reach.domains & self._rules.domains)),
            mailboxes=(own,) if own else tuple(sorted(reach.addresses)),
            stuck=tuple(stuck[:MOST_PLACES]),
            more_stuck=len(stuck) > MOST_PLACES,
        )

    async def sheet(self, viewer: Viewer, scope: str) -> DigestSheet | None:
        """Return what holds in a scope: "" the site, `@domain`, or a mailbox."""

        def work(tx: ChoicesTx) -> DigestSheet | None:
            if not self._may(tx, viewer, scope, Right.SEE_POLICY):
                return None
            person = self._person(tx, scope)
            own = tx.digests.choice(scope)
            holds = wanted_by(tx, self._rules.base, scope, person)
            mine = {field.name for field in fields(Wanted) if getattr(own, field.name) is not None}
            level = level_of(scope)
            return DigestSheet(
                scope=scope,
                level=level,
                own=own,
                holds=holds,
                above=wanted_by(tx, self._rules.base, scope, person, without=scope) if mine else holds,
                person=person,
                goes_to=tuple(mailboxes_for(tx, scope)) if level is Level.USER and person is None else (),
                known=tx.digests.mailbox(scope),
                sent=tuple(tx.digests.sent(scope, RECENT)) if level is Level.USER else (),
                may_change=viewer.may(Right.EDIT_POLICY),
            )

        return await self._store.look(work)

    async def save(self, viewer: Viewer, scope: str, wanted: Wanted) -> bool | None:
        """Save what a scope chooses; None beyond reach, False where nothing is different. Raises Wrong."""
        checked = self._checked(wanted, level_of(scope))
        now = self._now()

        def work(tx: ChoicesTx) -> bool | None:
            if not self._may(tx, viewer, scope, Right.EDIT_POLICY):
                return None
            if tx.digests.choice(scope) == checked:
                return False
            tx.digests.choose(scope, checked, viewer.name, now)
            return True

        saved = await self._store.transact(work)
        if saved:
            event(_log, "digest-choice", scope=name_of(scope), schedule=checked.schedule, actor=viewer.name)
        return saved

    async def ask(self, viewer: Viewer, mailbox: str, *, everything: bool) -> bool | None:
        """Let one go to a mailbox as soon as may be; None beyond reach, False where none can go there."""
        now = self._now()

        def work(tx: ChoicesTx) -> bool | None:
            if not self._may(tx, viewer, mailbox, Right.EDIT_POLICY):
                return None
            if self._person(tx, mailbox) is None:
                return False
            tx.digests.ask(mailbox, ALL if everything else NEW, now)
            return True

        asked = await self._store.transact(work)
        if asked:
            event(_log, "digest-asked", mailbox=mailbox, everything=everything, actor=viewer.name)
        return asked

    def _person(self, tx: ChoicesTx, scope: str) -> Person | None:
        return person_of(tx, scope, self._rules.domains) if level_of(scope) is Level.USER else None

    def _may(self, tx: ChoicesTx, viewer: Viewer, scope: str, right: Right) -> bool:
        if not viewer.may(right) or not viewer.reach.covers_scope(scope):
            return False
        if not scope or scope.rpartition("@")[2] in self._rules.domains:
            return True
        # A mailbox elsewhere has to do with digests where an account's go there.
        return self._person(tx, scope) is not None

    def _checked(self, wanted: Wanted, level: Level) -> Wanted:
        """Return choices as they are stored. Raises Wrong."""
        faults: dict[str, str] = {}
        found: dict[str, str | None] = {}
        for field in fields(Wanted):
            typed = getattr(wanted, field.name)
            try:
                found[field.name] = None if typed is None else self._value(field.name, " ".join(typed.split()))
            except ValueError as fault:
                faults[field.name] = words_of(fault)
        if found.get("phrase") and level is not Level.USER:
            faults["phrase"] = phrase("a phrase is one person's own")
        if faults:
            raise Wrong(faults)
        return replace(Wanted(), **found)

    def _value(self, name: str, text: str) -> str | None:
        match name:
            case "schedule":
                return schedule_text(text)
            case "kinds":
                return kinds_text(parse_kinds(text))
            case "subject":
                return checked_subject(text) or None
            case "time_zone":
                if text and text not in self._zones():
                    raise ValueError(phrase("choose a time zone of the list"))
            case "language":
                if text and text not in self.languages:
                    raise ValueError(phrase("language is {known}", known=chain(OR, self.languages)))
            case _:
                if len(text) > LONGEST_PHRASE:
                    raise ValueError(phrase("a phrase has at most {most} characters", most=LONGEST_PHRASE))
        return text or None
