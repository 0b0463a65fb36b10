"""What a change of policy does to mail that waits, told before it is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from gateway.domain.address import Address
from gateway.domain.durations import DAY
from gateway.domain.levels import (
    FOR_ADMINS,
    Choice,
    Effective,
    Level,
    PolicySetting,
    base_values,
    effective_policy,
    level_of,
    levels_above,
    merged,
    policy_scope,
)
from gateway.domain.policy import Expiry, Mode, Policy

NOTICE = DAY
"""Seconds that mail stays at least after its day was moved, so that its recipient can still look."""
MOST_LOOKED_AT = 10_000
"""Mails that wait, the newest, for which it is told: all of a million take a second."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that waits, as far as its day is concerned."""

    id: int
    recipient: str
    """In normal form."""
    held_at: float
    expires_at: float
    challenge_id: int | None


@dataclass(frozen=True, slots=True)
class NewDate:
    """Until when a mail waits from now on."""

    id: int
    expires_at: float
    challenge_id: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One setting, before and after."""

    setting: PolicySetting
    before: Effective
    after: Effective
    locked: bool
    """The level below may not choose any more."""
    keeping: int
    """Scopes below that have chosen something of their own, which stays."""
    overruled: int
    """Scopes below whose own choice no longer counts."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do."""

    changes: tuple[Change, ...]
    waiting: int
    """Mails that wait in the scope; of more than MOST_LOOKED_AT, the newest."""
    whole: bool
    """They are all that wait there; else this and all numbers below are those of the newest."""
    recipients: int
    """For how many recipients."""
    affected: int
    """Recipients of those for whom something would hold that does not now."""
    sooner: int
    """Mails that would go sooner, if the change is applied to what waits."""
    later: int
    to_spam: int
    """Mails that would go to the mailbox as spam at the end of their time; now they would be deleted."""
    to_delete: int
    delivered: int
    """Mails that wait for recipients for whom nothing would be held from now on; these still wait."""


def new_date(row: Waiting, seconds: float, now: float) -> float | None:
    """Return until when a mail waits if `seconds` hold for it; None where nothing changes."""
    wanted = max(row.held_at + seconds, now + NOTICE)
    if wanted == row.expires_at or (row.held_at + seconds < row.expires_at <= wanted):
        return None  # It would go sooner, and does so within a day anyway.
    return wanted


def preview_of(
    base: Policy,
    scope: str,
    choices: Sequence[Choice],
    wanted: Sequence[Choice],
    waiting: Sequence[str],
) -> Preview:
    """Tell what a change would do.

    choices: of the scope, all above and all below. wanted: the changed ones. waiting: for whom each of the mails that
    wait is, the newest first; one more than MOST_LOOKED_AT says that there are more.
    """
    mails_of = Counter(waiting[:MOST_LOOKED_AT])
    before = _by_scope(choices)
    changed = {choice.setting for choice in wanted}
    kept = [choice for choice in choices if choice.scope != scope or choice.setting not in changed]
    after = _by_scope([*kept, *wanted])
    counts = dict.fromkeys(("affected", "sooner", "later", "to_spam", "to_delete", "delivered"), 0)
    known: dict[str, tuple[Policy, Policy]] = {}
    for recipient, mails in mails_of.items():
        its = policy_scope(Address(recipient, recipient))
        # For all of a domain who have chosen nothing themselves, the same holds.
        like = its if its in before or its in after else "@" + its.rpartition("@")[2]
        if like not in known:
            known[like] = (
                effective_policy(base, its, _counting(before, its)),
                effective_policy(base, its, _counting(after, its)),
            )
        old, new = known[like]
        counts["affected"] += old != new
        counts["sooner"] += mails * (new.days < old.days)
        counts["later"] += mails * (new.days > old.days)
        if old.on_expiry is not new.on_expiry:
            counts["to_spam" if new.on_expiry is Expiry.DELIVER_AS_SPAM else "to_delete"] += mails
        counts["delivered"] += mails * (new.mode is Mode.OFF and old.mode is not Mode.OFF)
    return Preview(
        changes=tuple(_change(base, scope, choice, before, after) for choice in wanted),
        waiting=mails_of.total(),
        whole=len(waiting) <= MOST_LOOKED_AT,
        recipients=len(mails_of),
        **counts,
    )


_ByScope = dict[str, list[Choice]]


def _by_scope(choices: Sequence[Choice]) -> _ByScope:
    found: _ByScope = {}
    for choice in choices:
        found.setdefault(choice.scope, []).append(choice)
    return found


def _counting(choices: _ByScope, scope: str) -> tuple[Choice, ...]:
    return tuple(choice for name in levels_above(scope) for choice in choices.get(name, ()))


def _change(base: Policy, scope: str, choice: Choice, before: _ByScope, after: _ByScope) -> Change:
    values, setting = base_values(base), choice.setting
    keeping = overruled = 0
    for name, chosen in before.items():
        mine = any(one.setting is setting and one.value is not None for one in chosen)
        if not mine or (level_of(name) is Level.USER and setting in FOR_ADMINS) or not _is_below(name, scope):
            continue
        counted = merged(values, name, _counting(before, name))[setting].origin is level_of(name)
        counts = merged(values, name, _counting(after, name))[setting].origin is level_of(name)
        keeping += counts
        overruled += counted and not counts
    return Change(
        setting=setting,
        before=merged(values, scope, _counting(before, scope))[setting],
        after=merged(values, scope, _counting(after, scope))[setting],
        locked=choice.locked,
        keeping=keeping,
        overruled=overruled,
    )


def _is_below(name: str, scope: str) -> bool:
    return name != scope and scope in levels_above(name)


def policies_of(
    base: Policy, choices: Callable[[Sequence[str]], tuple[Choice, ...]], recipients: Collection[str]
) -> dict[str, Policy]:
    """Return the policy of each recipient, asking once for the choices of all."""
    scopes = {recipient: policy_scope(Address(recipient, recipient)) for recipient in recipients}
    by_scope: dict[str, list[Choice]] = {}
    for choice in choices(sorted({name for scope in scopes.values() for name in levels_above(scope)})):
        by_scope.setdefault(choice.scope, []).append(choice)
    return {
        recipient: effective_policy(
            base, scope, tuple(choice for name in levels_above(scope) for choice in by_scope.get(name, ()))
        )
        for recipient, scope in scopes.items()
    }
