"""Policies: what site, domains and users have chosen, what a change would do, and the change itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from gateway.domain.address import Address
from gateway.domain.levels import (
    FOR_ADMINS,
    Choice,
    Level,
    PolicySetting,
    base_values,
    checked_value,
    choices_for,
    level_of,
    levels_above,
    merged,
    narrower_scopes,
    no_opener_choices,
    policy_scope,
    withheld,
)
from gateway.domain.lists import parse_scope
from gateway.domain.phrase import OR, chain, phrase, words_of
from gateway.domain.policy import Policy
from gateway.domain.roles import Reach, Right, Viewer
from gateway.flow.policy_effects import MOST_LOOKED_AT, Preview, preview_of
from gateway.flow.policy_ports import Edits, Faulty, Line, Places, PoliciesStore, PoliciesTx, Sheet
from gateway.flow.redate import Redating
from gateway.log import event

_log = logging.getLogger("gateway.policies")

MOST_SCOPES = 100


def scope_named(name: str) -> str | None:
    """Return the scope a person names: `site`, a domain, or an address; None for what is none."""
    if name == "site":
        return ""
    try:
        scope = parse_scope(name)
    except ValueError:
        return None
    if not scope:
        return None
    return scope if scope.startswith("@") else policy_scope(Address.of(scope))


def name_of(scope: str) -> str:
    """Name a scope as a person does."""
    return scope.removeprefix("@") or "site"


class Policies:
    """Shows and changes policies within a viewer's reach. What is beyond it is None, as if it were not there."""

    def __init__(
        self,
        store: PoliciesStore,
        policy: Policy,
        domains: frozenset[str],
        languages: Sequence[str],
        *,
        now: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        """policy: the configuration's. domains: ours, as A-labels. languages: those that templates exist for.

        wake: tells the worker that there is an order.
        """
        self._store = store
        self._policy = policy
        self._base = base_values(policy)
        self._domains = domains
        self._languages = tuple(languages)
        self._now = now
        self._wake = wake

    async def places(self, viewer: Viewer, after: str = "") -> Places | None:
        """Return the scopes a person may look at. after: the last one of the page before."""
        if not viewer.may(Right.SEE_POLICY):
            return None
        reach = viewer.reach
        domains = None if reach.site else reach.domains
        chosen = await self._store.look(lambda tx: tx.policies.scopes(domains, after, MOST_SCOPES + 1))
        return Places(
            site=reach.site,
            domains=tuple(sorted(self._domains if reach.site else reach.domains & self._domains)),
            addresses=tuple(sorted(reach.addresses)),
            chosen=tuple(chosen[:MOST_SCOPES]),
            more=len(chosen) > MOST_SCOPES,
        )

    async def sheet(self, viewer: Viewer, scope: str) -> Sheet | None:
        """Return all settings of a scope."""
        if not self._may(viewer, scope, Right.SEE_POLICY):
            return None
        return await self._store.look(lambda tx: self._sheet(tx, viewer, scope))

    async def preview(self, viewer: Viewer, scope: str, edits: Edits) -> Preview | None:
        """Return what a change would do, to the newest MOST_LOOKED_AT of the mails that wait. Raises Faulty."""
        if not self._may(viewer, scope, Right.EDIT_POLICY):
            return None

        def work(tx: PoliciesTx) -> Preview:
            wanted = self._wanted(self._sheet(tx, viewer, scope), edits)
            choices = (*tx.policies.choices(levels_above(scope)), *tx.policies.below(scope))
            waiting = tx.policies.waiting_recipients(scope, MOST_LOOKED_AT + 1)
            return preview_of(self._policy, scope, choices, wanted, waiting)

        return await self._store.look(work)

    async def save(self, viewer: Viewer, scope: str, edits: Edits) -> int | None:
        """Make the changes, all or none; return how many settings changed. They count for the next message.

        Raises Faulty.
        """
        if not self._may(viewer, scope, Right.EDIT_POLICY):
            return None
        now = self._now()

        def work(tx: PoliciesTx) -> list[Choice]:
            wanted = self._wanted(self._sheet(tx, viewer, scope), edits)
            for choice in wanted:
                tx.policies.put(choice, viewer.name, now)
            return wanted

        wanted = await self._store.transact(work)
        for choice in wanted:
            event(_log, "policy", scope=name_of(scope), setting=choice.setting.value, value=choice.value,
                  locked=choice.locked, actor=viewer.name)  # fmt: skip
        return len(wanted)

    async def apply_to_waiting(self, viewer: Viewer, scope: str) -> Redating | None:
        """Order that what waits in a scope goes after the days that hold now; the worker does it bit by bit.

        None goes earlier than a day from now, unless it would have before. May be ordered again: it begins anew.
        """
        if not self._may(viewer, scope, Right.EDIT_POLICY):
            return None
        now = self._now()

        def work(tx: PoliciesTx) -> Redating | None:
            return tx.redatings.get(tx.redatings.open(scope, viewer.name, now))

        order = await self._store.transact(work)
        event(_log, "policy-apply", scope=name_of(scope), actor=viewer.name)
        self._wake()
        return order

    async def applying(self, viewer: Viewer, scope: str) -> Redating | None:
        """Return the newest order of that kind for a scope, whether it has ended or not; None where there is none."""
        if not self._may(viewer, scope, Right.SEE_POLICY):
            return None
        return await self._store.look(lambda tx: tx.redatings.of_scope(scope))

    async def stop_applying(self, viewer: Viewer, scope: str) -> bool:
        """Let it end where it is; what was moved stays moved. False where it had ended."""
        if not self._may(viewer, scope, Right.EDIT_POLICY):
            return False
        now = self._now()

        def work(tx: PoliciesTx) -> bool:
            order = tx.redatings.of_scope(scope)
            return order is not None and tx.redatings.stop(order.id, now)

        stopped = await self._store.transact(work)
        if stopped:
            event(_log, "policy-apply-stopped", scope=name_of(scope), actor=viewer.name)
        return stopped

    async def withheld(self, reach: Reach) -> frozenset[Right]:
        """Return the rights that a user with these addresses has not; where they differ, the strictest counts."""

        addresses = [Address(address, address) for address in reach.addresses]
        arranged = await self._store.arrangements((), addresses)
        taken: frozenset[Right] = frozenset()
        for address in addresses:
            taken |= withheld(merged(self._base, address.key, arranged.choices.get(address.key, ())))
        return taken

    def _may(self, viewer: Viewer, scope: str, right: Right) -> bool:
        if scope and scope.rpartition("@")[2] not in self._domains:
            return False
        return viewer.may(right) and viewer.reach.covers_scope(scope)

    def _sheet(self, tx: PoliciesTx, viewer: Viewer, scope: str) -> Sheet:
        choices = tx.policies.choices(levels_above(scope))
        level = level_of(scope)
        own = {choice.setting: choice for choice in choices if choice.scope == scope}
        holds = merged(self._base, scope, choices)
        above = merged(self._base, scope, [choice for choice in choices if choice.scope != scope])
        chosen = {one.setting: one for one in tx.policies.chosen(scope)}
        return Sheet(
            scope=scope,
            level=level,
            lines=tuple(
                Line(
                    setting=setting,
                    effective=holds[setting],
                    above=above[setting],
                    own=own.get(setting),
                    chosen=chosen.get(setting),
                    options=self._options(viewer, setting, level, above[setting].value, own.get(setting)),
                    open=not above[setting].locked_for(level),
                )
                for setting in self._base
                if level is not Level.USER or setting not in FOR_ADMINS
            ),
            may_change=viewer.may(Right.EDIT_POLICY),
            may_lock=level is not Level.USER,
        )

    def _options(
        self, viewer: Viewer, setting: PolicySetting, level: Level, held: str, own: Choice | None
    ) -> tuple[str, ...]:
        if setting is PolicySetting.SCOPE:
            return narrower_scopes(held, level)
        options = choices_for(setting, self._languages)
        allowed = () if viewer.may(Right.MODERATE) else no_opener_choices(setting, held)
        if not allowed:
            return options
        # What an admin has chosen for him stays to be seen, and may stay.
        return tuple(value for value in options if value in allowed or (own is not None and own.value == value))

    def _wanted(self, sheet: Sheet, edits: Edits) -> list[Choice]:
        """Return the choices that differ from what is there. Raises Faulty."""
        lines = {line.setting: line for line in sheet.lines}
        faults: dict[PolicySetting, str] = {}
        wanted = []
        for setting, edit in edits.items():
            line = lines.get(setting)
            before = (line.own.value, line.own.locked) if line and line.own else (None, False)
            try:
                value = None if edit.value is None else checked_value(setting, edit.value, self._languages)
            except ValueError as fault:
                faults[setting] = words_of(fault)
                continue
            if (value, edit.locked) == before:
                continue
            if line is None:
                faults[setting] = phrase(
                    "{setting} is chosen for the site or a domain, not for one address", setting=setting.value
                )
            elif not line.open:
                faults[setting] = phrase(
                    "{setting} is locked by the {level}", setting=setting.value, level=_locker(line)
                )
            elif edit.locked and not sheet.may_lock:
                faults[setting] = phrase("an address has nothing below it to lock")
            elif value is not None and line.options and value not in line.options:
                faults[setting] = phrase(
                    "{setting} can only be narrowed here: {known}",
                    setting=setting.value,
                    known=chain(OR, line.options),
                )
            else:
                wanted.append(Choice(sheet.scope, setting, value, edit.locked))
        if faults:
            raise Faulty(faults)
        return wanted


def _locker(line: Line) -> str:
    return line.above.locked_by.value if line.above.locked_by else "level above"
