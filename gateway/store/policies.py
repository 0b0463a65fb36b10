"""Choices of policy in the store, and the mail that waits under them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.lifecycle import State
from gateway.flow.policy_ports import Chosen
from gateway.flow.queue_ports import Owner, Place, Selection
from gateway.store.counters import POLICIES, count_up
from gateway.store.naming import in_domains
from gateway.store.queue_sql import by_index, rows_of
from gateway.store.queue_strips import waiting_strips
from gateway.store.states import seen_in
from gateway.store.tables import pending, policy_choice

_MOST_NAMES = 500
"""Scopes asked for by one statement."""

_choice = (policy_choice.c.scope, policy_choice.c.setting, policy_choice.c.value, policy_choice.c.locked)


class PolicyTable:
    """Implements `flow.arrangements.PolicyTx` and `flow.policy_ports.PolicyTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def choices(self, scopes: Sequence[str]) -> tuple[Choice, ...]:
        """Return the choices of these scopes."""
        found = []
        names = list(dict.fromkeys(scopes))
        for start in range(0, len(names), _MOST_NAMES):
            query = select(*_choice).where(policy_choice.c.scope.in_(names[start : start + _MOST_NAMES]))
            found += [Choice(scope, PolicySetting(setting), value, locked) for scope, setting, value, locked in
                      self._connection.execute(query)]  # fmt: skip
        return tuple(found)

    def chosen(self, scope: str) -> list[Chosen]:
        """Return who chose what in one scope, and when."""
        query = select(policy_choice.c.setting, policy_choice.c.changed_by, policy_choice.c.changed_at)
        rows = self._connection.execute(query.where(policy_choice.c.scope == scope))
        return [Chosen(PolicySetting(setting), by, at) for setting, by, at in rows]

    def put(self, choice: Choice, actor: str, now: float) -> None:
        """Keep a choice in the place of the one before; one that says nothing is dropped."""
        count_up(self._connection, POLICIES)
        if choice.value is None and not choice.locked:
            same = and_(policy_choice.c.scope == choice.scope, policy_choice.c.setting == choice.setting.value)
            self._connection.execute(delete(policy_choice).where(same))
            return
        values = {"value": choice.value, "locked": choice.locked, "changed_by": actor, "changed_at": now}
        statement = insert_or(policy_choice).values(scope=choice.scope, setting=choice.setting.value, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["scope", "setting"], set_=values))

    def scopes(self, domains: Collection[str] | None, after: str, most: int) -> list[str]:
        """Return scopes in which something was chosen, in order. domains: None is all, the site's own too."""
        query = select(policy_choice.c.scope).distinct().where(policy_choice.c.scope > after)
        if domains is not None:
            query = query.where(in_domains(policy_choice.c.scope, domains))
        return [str(row[0]) for row in self._connection.execute(query.order_by(policy_choice.c.scope).limit(most))]

    def below(self, scope: str) -> tuple[Choice, ...]:
        """Return the choices of every scope below this one."""
        if scope and not scope.startswith("@"):
            return ()
        where = policy_choice.c.scope != ""
        if scope:
            where = and_(policy_choice.c.scope.endswith(scope, autoescape=True), policy_choice.c.scope != scope)
        rows = self._connection.execute(select(*_choice).where(where))
        return tuple(Choice(name, PolicySetting(setting), value, locked) for name, setting, value, locked in rows)

    # --- mail that waits ---

    def waiting_recipients(self, scope: str, most: int) -> list[str]:
        """Return for whom the mails that wait in a scope are, of the newest at most so many."""
        found: list[tuple[float, str]] = []
        for strip in waiting_strips(Selection(_place(scope)), "arrival"):
            rows = by_index(strip.arrival, strip.where)
            query = f"SELECT age, recipient_key {rows.sql} ORDER BY age LIMIT ?"
            found += rows_of(self._connection, query, (*rows.values, most))
        return [recipient for _, recipient in sorted(found)[:most]]


def _place(scope: str) -> Place:
    local, _, domain = scope.rpartition("@")
    if local:
        return Place(owners=(Owner(domain, scope),))
    return Place(domains=(domain,)) if scope else Place(site=True)


def waits_in(scope: str) -> ColumnElement[bool]:
    """Return what is true of mail that waits in a scope."""
    waits = pending.c.state == State.PENDING.value
    if not scope:
        return waits
    local, _, domain = scope.rpartition("@")
    within = and_(waits, pending.c.recipient_domain == domain)
    if not local:
        return within
    # The comma is the character behind the plus sign: all sub-addresses, by the index of recipients.
    waits = seen_in(pending.c.state, State.PENDING)
    tagged = and_(pending.c.recipient_key >= f"{local}+", pending.c.recipient_key < f"{local},")
    return and_(waits, or_(pending.c.recipient_key == scope, tagged))
