"""Who gets digests: one for each person, with the mail of all addresses, by what the nearest level has chosen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import tzinfo
from typing import Protocol

from gateway.domain.address import without_tag
from gateway.domain.digest import Kind, kind_of, parse_kinds
from gateway.domain.levels import levels_above
from gateway.domain.schedule import OFF, Schedule, parse_schedule
from gateway.flow.account_ports import Account
from gateway.flow.account_ports import Kind as Belonging
from gateway.flow.digest_ports import AccountLook, RowLook, Wanted
from gateway.flow.queue_ports import MACHINE, Row
from gateway.flow.reader_days import zone_named

EVERY_KIND = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who gets digests."""

    mailbox: str
    """Where they go, in normal form; it stands for the person."""
    owners: tuple[str, ...]
    """Whose mail is in them, each in normal form and without sub-address; the mailbox's own first."""
    time_zone: str = ""
    """Of the account; "" where there is none."""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for one person."""

    schedule: Schedule | None
    kinds: frozenset[Kind]
    time_zone: str
    language: str
    subject: str
    phrase: str

    @property
    def zone(self) -> tzinfo:
        """UTC for a name that is none."""
        return zone_named(self.time_zone)


class DeputyLook(Protocol):
    """What is asked of digests here."""

    def choice(self, scope: str) -> Wanted:
        """Return what one level has chosen."""

    def deputies(self, owner: str) -> Sequence[int]:
        """Return the accounts that see to this address of somebody else's."""

    def shown(self, rows: Collection[int]) -> frozenset[int]:
        """Return those rows that were in a digest that was delivered."""

    def own(self, rows: Collection[int]) -> frozenset[int]:
        """Return those rows that are digests of ours, which no digest tells of."""


class PeopleTx(Protocol):
    """What finding people needs of a transaction."""

    @property
    def digests(self) -> DeputyLook:
        """Digests."""

    @property
    def accounts(self) -> AccountLook:
        """Accounts."""


def mailbox_of(account: Account) -> str:
    """Return where an account's digests go: its first mailbox; "" where it has none."""
    for kind in (Belonging.OWN, Belonging.ALIAS):
        for held in account.addresses:
            if held.kind is kind:
                return held.address
    return ""


def person_of(tx: PeopleTx, mailbox: str, domains: Collection[str]) -> Person | None:
    """Return whose digests go to a mailbox; None where none go there. domains: ours."""
    account = tx.accounts.owner(mailbox)
    if account is not None:
        return _with_account(account) if mailbox_of(account) == mailbox else None
    ours = without_tag(mailbox) == mailbox and mailbox.rpartition("@")[2] in domains
    return Person(mailbox, (mailbox,)) if ours else None


def _with_account(account: Account) -> Person | None:
    if account.disabled:
        return None
    mailbox = mailbox_of(account)
    owners = dict.fromkeys(without_tag(address) for address in (mailbox, *(held.address for held in account.addresses)))
    return Person(mailbox, tuple(owners), account.time_zone, account.language)


def mailboxes_for(tx: PeopleTx, owner: str) -> list[str]:
    """Return where mail of an address is told of: to its owner, and to whoever sees to it for him."""
    account = tx.accounts.owner(owner)
    found = [owner if account is None else mailbox_of(account)]
    deputies = (tx.accounts.get(number) for number in tx.digests.deputies(owner))
    found += [mailbox_of(deputy) for deputy in deputies if deputy is not None and not deputy.disabled]
    return [mailbox for mailbox in dict.fromkeys(found) if mailbox]


def wanted_by(
    tx: PeopleTx, base: Wanted, mailbox: str, person: Person | None = None, without: str | None = None
) -> dict[str, tuple[str, str]]:
    """Return for each choice what holds, and the scope it comes from; "configuration" where nobody has chosen.

    mailbox: or any scope. person: whose it is, where that is a mailbox. without: a scope that is left out.
    """
    found = {field.name: (getattr(base, field.name) or "", "configuration") for field in fields(Wanted)}
    scopes = levels_above(mailbox)
    for scope in scopes:
        if person is not None and scope == scopes[-1]:
            # What the account says of its owner counts more than a domain's choice, less than one's own.
            own = {"time_zone": person.time_zone, "language": person.language}
            found |= {name: (value, "account") for name, value in own.items() if value}
        chosen = Wanted() if scope == without else tx.digests.choice(scope)
        found |= {
            field.name: (value, scope) for field in fields(Wanted) if (value := getattr(chosen, field.name)) is not None
        }
    return found


def plan_of(holds: Mapping[str, tuple[str, str]]) -> Plan:
    """Turn what holds into a plan; what a newer program has written there counts as nothing."""
    values = {name: value for name, (value, _) in holds.items()}
    try:
        schedule = parse_schedule(values["schedule"] or OFF)
    except ValueError:
        schedule = None
    try:
        kinds = parse_kinds(values["kinds"])
    except ValueError:
        kinds = frozenset(Kind)
    return Plan(schedule, kinds, values["time_zone"], values["language"], values["subject"], values["phrase"])


def kind_of_row(row: Row) -> Kind:
    """Tell which kind a listed mail is of."""
    return kind_of(machine=row.lane == MACHINE, proven=bool(row.proofs), score=row.score)


class UnseenTx(PeopleTx, Protocol):
    """What it needs of a transaction to tell what nobody has seen."""

    @property
    def queue(self) -> RowLook:
        """The pending list."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A row that may be about to go."""

    id: int
    owner: str
    """Its recipient, without sub-address."""


def must_stay(tx: UnseenTx, base: Wanted, domains: Collection[str], rows: Sequence[Unseen]) -> frozenset[int]:
    """Return those rows that somebody is still to be told of: digests are on, and none that was delivered showed them.

    What no digest of his will ever show, for he wants no such mail, stays for nobody.
    """
    ids = [row.id for row in rows]
    never = tx.digests.shown(ids) | tx.digests.own(ids)
    told: dict[str, frozenset[Kind]] = {}
    stay = set()
    for row in rows:
        if row.id in never:
            continue
        if row.owner not in told:
            told[row.owner] = _told_kinds(tx, base, domains, row.owner)
        wanted = told[row.owner]
        # Looked up only for who has left something out: mail that comes in waits for this.
        listed = tx.queue.one(row.id, 0) if wanted and wanted != EVERY_KIND else None
        if wanted and (listed is None or kind_of_row(listed) in wanted):
            stay.add(row.id)
    return frozenset(stay)


def _told_kinds(tx: PeopleTx, base: Wanted, domains: Collection[str], owner: str) -> frozenset[Kind]:
    """Return the kinds of mail for an address that some digest tells of; none where all are off."""
    people = (person_of(tx, mailbox, domains) for mailbox in mailboxes_for(tx, owner))
    plans = [plan_of(wanted_by(tx, base, person.mailbox, person)) for person in people if person is not None]
    return frozenset(kind for plan in plans if plan.schedule is not None for kind in plan.kinds)


def with_day_to_look(row: Row, earliest: float) -> Row:
    """Return a row as it will be once its digest has been delivered: it does not go before then."""
    return replace(row, expires_at=max(row.expires_at, earliest))
