"""Policies: what holds for the site, a domain or an address, what a change would do, and the change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from challenge_web.api.operations import Call, CursorText, Nothing, Operation, when
from challenge_web.api.problems import Problem, not_found
from challenge_web.console.routes import Names
from gateway.domain.levels import PolicySetting
from gateway.domain.roles import Right
from gateway.flow.policies import Policies, name_of, scope_named
from gateway.flow.policy_ports import Edit, Edits, Faulty, Sheet
from gateway.flow.redate import Redating


class PlacesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which places."""

    cursor: CursorText = ""


class PlacePage(Struct, frozen=True):
    """For what one may look at a policy."""

    site: bool
    domains: tuple[str, ...]
    addresses: tuple[str, ...]
    chosen: Annotated[tuple[str, ...], Meta(description="In which something was chosen.")]
    next: str | None


class PolicyLine(Struct, frozen=True):
    """One setting in one scope."""

    setting: str
    value: str
    origin: Annotated[str, Meta(description="The level that chose it.")]
    locked_by: str | None
    above: Annotated[str, Meta(description="What would hold without a choice here.")]
    own: Annotated[str | None, Meta(description="What was chosen here.")]
    own_lock: bool
    options: Annotated[tuple[str, ...], Meta(description="Empty where a number is typed.")]
    open: Annotated[bool, Meta(description="It may be chosen here: no level above has locked it.")]


class Policy(Struct, frozen=True):
    """All settings of one scope."""

    scope: str
    level: str
    settings: tuple[PolicyLine, ...]
    may_change: bool
    may_lock: bool


class SettingEdit(Struct, frozen=True, forbid_unknown_fields=True):
    """What is wanted of one setting."""

    value: Annotated[str | None, Meta(description="null: what holds above.")]
    lock: bool = False


Setting = Annotated[str, Meta(description="One of " + ", ".join(f"`{one.value}`" for one in PolicySetting))]


class PolicyEdits(Struct, frozen=True, forbid_unknown_fields=True):
    """Changes: all are made, or none. What is not named stays."""

    settings: Annotated[dict[Setting, SettingEdit], Meta(min_length=1, max_length=len(PolicySetting))]
    apply_to_waiting: Annotated[bool, Meta(description="Order that what waits goes after the days that hold then.")] = (
        False
    )


class Applying(Struct, frozen=True):
    """How far what waits has been moved to its new days."""

    state: str
    open: Annotated[bool, Meta(description="It goes on, and can be stopped.")]
    actor: str
    changed_at: datetime
    total: Annotated[int, Meta(description="Mails to look at; 0 until they are counted.")]
    done: int
    moved: int


class PolicyChanged(Struct, frozen=True):
    """What was done."""

    changed: Annotated[int, Meta(description="Settings.")]
    applying: Applying | None


class ChangeEffect(Struct, frozen=True):
    """One setting, before and after."""

    setting: str
    before: str
    after: str
    locked: bool
    keeping: Annotated[int, Meta(description="Scopes below that keep a choice of their own.")]
    overruled: Annotated[int, Meta(description="Scopes below whose own choice no longer counts.")]


class PolicyPreview(Struct, frozen=True):
    """What a change would do."""

    changes: tuple[ChangeEffect, ...]
    waiting: Annotated[int, Meta(description="Mails that wait in the scope.")]
    whole: Annotated[
        bool, Meta(description="They are all; else more wait, and all numbers are those of the newest 10,000.")
    ]
    recipients: int
    affected: int
    sooner: int
    later: int
    to_spam: int
    to_delete: int
    delivered: int


class PolicyResource:
    """The operations on policies."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        at, see, edit, scope = "/policies/{scope}", Right.SEE_POLICY, Right.EDIT_POLICY, Names.SCOPE
        return (
            Operation(
                "listPolicies", "GET", "/policies", see, self.places, "List for what one may look at a policy.",
                PlacePage, PlacesQuery,
            ),
            Operation("getPolicy", "GET", at, see, self.sheet, "See what holds in a scope.", Policy, names=scope),
            Operation("changePolicy", "PATCH", at, edit, self.change, "Choose settings of a scope.", PolicyChanged,
                      body=PolicyEdits, also=(see,), names=scope),
            Operation("previewPolicy", "POST", f"{at}/preview", edit, self.preview, "See what a change would do.",
                      PolicyPreview, body=PolicyEdits, also=(see,), names=scope, reads=True),
            Operation("getPolicyWaiting", "GET", f"{at}/waiting", see, self.applying,
                      "See how far what waits has been moved to its new days.", Applying, names=scope),
            Operation("stopPolicyWaiting", "DELETE", f"{at}/waiting", edit, self.stop,
                      "Stop moving what waits; what was moved stays.", also=(see,), names=scope, problems=(409,)),
        )  # fmt: skip

    async def places(self, call: Call[PlacesQuery, None]) -> PlacePage:
        """Return a page of the scopes within reach."""
        after = call.cursors.read(call.query.cursor, str)
        places = await self._policies.places(call.viewer, str(after[0]) if after else "")
        if places is None:
            raise Problem("forbidden")
        follows = (places.chosen[-1],) if places.more else None
        return PlacePage(
            places.site,
            places.domains,
            places.addresses,
            tuple(map(name_of, places.chosen)),
            call.cursors.write(follows),
        )

    async def sheet(self, call: Call[Nothing, None]) -> Policy:
        """Return the policy of one scope."""
        return _policy(await self._sheet(call))

    async def change(self, call: Call[Nothing, PolicyEdits]) -> PolicyChanged:
        """Change one scope's policy."""
        sheet = await self._sheet(call)
        try:
            changed = await self._policies.save(call.viewer, sheet.scope, _edits(call.body))
        except Faulty as faulty:
            raise _wrong(faulty) from None
        if changed is None:
            raise not_found()
        order = None
        if call.body.apply_to_waiting:
            order = await self._policies.apply_to_waiting(call.viewer, sheet.scope)
        return PolicyChanged(changed, None if order is None else _applying(order))

    async def applying(self, call: Call[Nothing, None]) -> Applying:
        """Return how far the newest order is."""
        sheet = await self._sheet(call)
        order = await self._policies.applying(call.viewer, sheet.scope)
        if order is None:
            raise not_found()
        return _applying(order)

    async def stop(self, call: Call[Nothing, None]) -> None:
        """Let it end where it is."""
        sheet = await self._sheet(call)
        if not await self._policies.stop_applying(call.viewer, sheet.scope):
            raise Problem("conflict", "It had ended already.")

    async def preview(self, call: Call[Nothing, PolicyEdits]) -> PolicyPreview:
        """Say what a change would do."""
        sheet = await self._sheet(call)
        try:
            told = await self._policies.preview(call.viewer, sheet.scope, _edits(call.body))
        except Faulty as faulty:
            raise _wrong(faulty) from None
        if told is None:
            raise not_found()
        return PolicyPreview(
            changes=tuple(
                ChangeEffect(
                    one.setting.value, one.before.value, one.after.value, one.locked, one.keeping, one.overruled
                )
                for one in told.changes
            ),
            **{name: getattr(told, name) for name in _FACTS},
        )

    async def _sheet(self, call: Call[Nothing, Any]) -> Sheet:
        scope = scope_named(call.path["scope"])
        sheet = None if scope is None else await self._policies.sheet(call.viewer, scope)
        if sheet is None:
            raise not_found()
        return sheet


def _applying(order: Redating) -> Applying:
    return Applying(
        order.state.value,
        order.open,
        order.actor,
        when(order.changed_at),
        order.total,
        order.done,
        order.progress.moved,
    )


_FACTS = [field.name for field in msgspec.structs.fields(PolicyPreview) if field.name != "changes"]
_SETTINGS = {setting.value: setting for setting in PolicySetting}


def _edits(told: PolicyEdits) -> Edits:
    unknown = [("settings", f"There is no setting {name}.") for name in told.settings if name not in _SETTINGS]
    if unknown:
        raise Problem("invalid", errors=unknown)
    return {_SETTINGS[name]: Edit(edit.value, edit.lock) for name, edit in told.settings.items()}


def _wrong(faulty: Faulty) -> Problem:
    return Problem("invalid", errors=[(f"settings.{one.value}", words) for one, words in faulty.faults.items()])


def _policy(sheet: Sheet) -> Policy:
    return Policy(
        scope=name_of(sheet.scope),
        level=sheet.level.value,
        settings=tuple(
            PolicyLine(
                setting=line.setting.value,
                value=line.effective.value,
                origin=line.effective.origin.value,
                locked_by=line.effective.locked_by.value if line.effective.locked_by else None,
                above=line.above.value,
                own=line.own.value if line.own else None,
                own_lock=bool(line.own and line.own.locked),
                options=line.options,
                open=line.open,
            )
            for line in sheet.lines
        ),
        may_change=sheet.may_change,
        may_lock=sheet.may_lock,
    )
