"""What the policy service hands out, and what it asks of the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.address import Address
from gateway.domain.levels import Choice, Effective, Level, PolicySetting
from gateway.flow.arrangements import Arrangements
from gateway.flow.redate import RedatingTable
from gateway.flow.transactions import StoreOf


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who made a choice, and when."""

    setting: PolicySetting
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody wants of one setting."""

    value: str | None
    """None: what holds above."""
    locked: bool = False


Edits = Mapping[PolicySetting, Edit]


@dataclass(frozen=True, slots=True)
class Line:
    """One setting in one scope."""

    setting: PolicySetting
    effective: Effective
    above: Effective
    """What would hold without a choice in this scope."""
    own: Choice | None
    chosen: Chosen | None
    options: tuple[str, ...]
    """What may be chosen here; empty where a number is typed."""
    open: bool
    """May be chosen here at all: no level above has locked it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """All settings of one scope."""

    scope: str
    level: Level
    lines: tuple[Line, ...]
    may_change: bool
    """This viewer may."""
    may_lock: bool


@dataclass(frozen=True, slots=True)
class Places:
    """Scopes a person may look at."""

    site: bool
    domains: tuple[str, ...]
    addresses: tuple[str, ...]
    chosen: tuple[str, ...]
    """Scopes within reach in which something was chosen, in order."""
    more: bool
    """There are more of them."""


class Faulty(Exception):
    """Nothing was changed: some of what was wanted is wrong, or locked."""

    def __init__(self, faults: Mapping[PolicySetting, str]) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults
        """One sentence for each setting."""


class PolicyTable(Protocol):
    """Choices in the store, as people need them."""

    def choices(self, scopes: Sequence[str]) -> tuple[Choice, ...]:
        """Return the choices of these scopes."""

    def chosen(self, scope: str) -> Sequence[Chosen]:
        """Return who chose what in one scope, and when."""

    def put(self, choice: Choice, actor: str, now: float) -> None:
        """Keep a choice in the place of the one before; one that says nothing is dropped."""

    def scopes(self, domains: Collection[str] | None, after: str, most: int) -> Sequence[str]:
        """Return scopes in which something was chosen, in order. domains: None is all, the site's own too."""

    def below(self, scope: str) -> tuple[Choice, ...]:
        """Return the choices of every scope below this one."""

    def waiting_recipients(self, scope: str, most: int) -> Sequence[str]:
        """Return for whom the mails that wait in a scope are, of the newest at most so many."""


class PoliciesTx(Protocol):
    """What this service needs of a transaction."""

    @property
    def policies(self) -> PolicyTable:
        """Choices."""

    @property
    def redatings(self) -> RedatingTable:
        """Orders to apply them to what waits."""


class PoliciesStore(StoreOf[PoliciesTx], Protocol):
    """Where it is kept."""

    async def arrangements(self, patterns: tuple[str, ...], recipients: Sequence[Address]) -> Arrangements:
        """Return what was arranged for these recipients, as it stands now; cached."""
