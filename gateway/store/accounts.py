"""Accounts in the store, with their addresses, domains and second factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.address import normal_form
from gateway.domain.phrase import phrase
from gateway.domain.roles import Role
from gateway.flow.account_ports import Account, AccountAddress, Kind, NewAccount, Passkey, Taken
from gateway.store.naming import in_domains
from gateway.store.tables import inserted_id, saved_search
from gateway.store.tables.accounts import (
    account,
    account_address,
    account_domain,
    account_identity,
    passkey,
    recovery_code,
    session,
    sign_in_link,
)
from gateway.store.tables.api import api_token

_OWNED = account_address.c.kind != Kind.DELEGATED.value


class AccountTable:
    """Implements `flow.account_ports.AccountTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, account_id: int) -> Account | None:
        """Return an account by its id; None where there is none."""
        return self._one(select(account).where(account.c.id == account_id))

    def by_name(self, name: str) -> Account | None:
        """Return the one of this name, or that owns this address."""
        key = normal_form(name)
        return self._one(select(account).where(account.c.name_key == key)) or self.owner(key)

    def owner(self, address: str) -> Account | None:
        """Return the one whose own address or alias this normal form is."""
        joined = select(account).join(account_address, account_address.c.account_id == account.c.id)
        return self._one(joined.where(account_address.c.address_key == address, _OWNED))

    def by_identity(self, method: str, subject: str) -> Account | None:
        """Return the one whom another system knows under this name."""
        joined = select(account).join(account_identity, account_identity.c.account_id == account.c.id)
        return self._one(joined.where(account_identity.c.method == method, account_identity.c.subject == subject))

    def page(self, words: str, domains: Sequence[str] | None, after: str, most: int) -> list[Account]:
        """Return accounts by name, from behind `after`; domains: of None are all, else with an address in one of them."""
        query = select(account).where(account.c.name_key > normal_form(after)) if after else select(account)
        addresses = select(account_address.c.account_id)
        if words:
            named = addresses.where(account_address.c.address_key.icontains(words, autoescape=True))
            found = (column.icontains(words, autoescape=True) for column in (account.c.name, account.c.full_name))
            query = query.where(or_(*found, account.c.id.in_(named)))
        if domains is not None:
            inside = in_domains(account_address.c.address_key, domains)
            query = query.where(account.c.id.in_(addresses.where(inside)))
        return self._accounts(self._connection.execute(query.order_by(account.c.name_key).limit(most)).mappings().all())

    def site_admins(self) -> list[Account]:
        """Return those who may do everything and are not disabled, the eldest first."""
        query = select(account).where(account.c.role == Role.SITE_ADMIN.value, account.c.disabled.is_(False))
        return self._accounts(self._connection.execute(query.order_by(account.c.id)).mappings().all())

    def domain_admins(self, domain: str) -> list[Account]:
        """Return those who are for this domain and not disabled, the eldest first."""
        named = select(account_domain.c.account_id).where(account_domain.c.domain == domain)
        mine = and_(account.c.role == Role.DOMAIN_ADMIN.value, account.c.disabled.is_(False), account.c.id.in_(named))
        query = select(account).where(mine).order_by(account.c.id)
        return self._accounts(self._connection.execute(query).mappings().all())

    def add(self, new: NewAccount) -> int:
        """Keep a new one; return its id. Raises Taken."""
        key = normal_form(new.name)
        if self._value(select(account.c.id).where(account.c.name_key == key)) is not None:
            raise Taken(phrase("there is an account {name} already", name=new.name))
        values = {
            "name": new.name,
            "name_key": key,
            "full_name": new.full_name,
            "role": new.role.value,
            "disabled": False,
            "password": new.password,
            "totp_secret": "",
            "totp_step": 0,
            "language": new.language,
            "time_zone": new.time_zone,
            "created_at": new.created_at,
            "created_by": new.created_by,
        }
        made = inserted_id(self._connection.execute(insert(account), values))
        for address, kind in new.addresses:
            self.give(made, address, kind, new.created_by, new.created_at)
        self._set_domains(made, new.domains)
        return made

    def tie(self, account_id: int, method: str, subject: str) -> None:
        """Remember under which name another system knows it."""
        statement = insert_or(account_identity).values(method=method, subject=subject, account_id=account_id)
        self._connection.execute(statement.on_conflict_do_nothing())

    def remove(self, account_id: int) -> None:
        """Drop it with all that belongs to it."""
        for table in (
            account_address,
            account_domain,
            account_identity,
            passkey,
            recovery_code,
            saved_search,
            session,
            sign_in_link,
            api_token,
        ):
            self._connection.execute(delete(table).where(table.c.account_id == account_id))
        self._connection.execute(delete(account).where(account.c.id == account_id))

    def set_role(self, account_id: int, role: Role, domains: Sequence[str]) -> None:
        """Save what it may do, and where."""
        self._set(account_id, role=role.value)
        self._set_domains(account_id, domains)

    def set_disabled(self, account_id: int, disabled: bool) -> None:
        """Save whether it may sign in."""
        self._set(account_id, disabled=disabled)

    def set_person(self, account_id: int, full_name: str, time_zone: str, language: str) -> None:
        """Save what its owner chooses."""
        self._set(account_id, full_name=full_name, time_zone=time_zone, language=language)

    def set_password(self, account_id: int, hashed: str) -> None:
        """Save a hash; "" takes the password away."""
        self._set(account_id, password=hashed)

    def set_totp(self, account_id: int, secret: str, step: int) -> None:
        """Save a secret and the time step that was used last."""
        self._set(account_id, totp_secret=secret, totp_step=step)

    def use_totp(self, account_id: int, step: int) -> bool:
        """Use up a time step; False where it or a later one was used before."""
        newer = update(account).where(account.c.id == account_id, account.c.totp_step < step)
        return self._connection.execute(newer.values(totp_step=step)).rowcount == 1

    def signed_in(self, account_id: int, now: float) -> None:
        """Note that its owner came in."""
        self._set(account_id, signed_in_at=now)

    def give(self, account_id: int, address: str, kind: Kind, given_by: str, now: float) -> None:
        """Let an address belong to it. Raises Taken where somebody else owns it."""
        owner = self.owner(address)
        if kind is not Kind.DELEGATED and owner is not None and owner.id != account_id:
            raise Taken(phrase("{address} belongs to the account {name}", address=address, name=owner.name))
        statement = insert_or(account_address).values(
            account_id=account_id, address_key=address, kind=kind.value, given_by=given_by, given_at=now
        )
        again = {"kind": kind.value, "given_by": given_by, "given_at": now}
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["account_id", "address_key"], set_=again)
        )

    def take(self, account_id: int, address: str) -> bool:
        """Take an address away; False where it had none such."""
        mine = and_(account_address.c.account_id == account_id, account_address.c.address_key == address)
        return self._connection.execute(delete(account_address).where(mine)).rowcount == 1

    def passkeys(self, account_id: int) -> list[Passkey]:
        """Return its passkeys, the eldest first."""
        query = select(passkey).where(passkey.c.account_id == account_id).order_by(passkey.c.id)
        return [
            Passkey(
                row["id"], row["account_id"], bytes(row["credential"]), bytes(row["public_key"]), row["counter"],
                row["name"], row["added_at"], row["used_at"],
            )
            for row in self._connection.execute(query).mappings()
        ]  # fmt: skip

    def add_passkey(self, account_id: int, credential: bytes, public_key: bytes, counter: int, name: str, now: float) -> None:  # fmt: skip
        """Keep one more. Raises Taken."""
        if self._value(select(passkey.c.id).where(passkey.c.credential == credential)) is not None:
            raise Taken(phrase("this passkey is known already"))
        values = {
            "account_id": account_id,
            "credential": credential,
            "public_key": public_key,
            "counter": counter,
            "name": name,
            "added_at": now,
        }
        self._connection.execute(insert(passkey), values)

    def use_passkey(self, passkey_id: int, counter: int, now: float) -> None:
        """Save a passkey's counter, and when it was used."""
        self._connection.execute(update(passkey).where(passkey.c.id == passkey_id).values(counter=counter, used_at=now))

    def remove_passkey(self, account_id: int, passkey_id: int) -> bool:
        """Drop one; False where the account has none such."""
        mine = and_(passkey.c.id == passkey_id, passkey.c.account_id == account_id)
        return self._connection.execute(delete(passkey).where(mine)).rowcount == 1

    def set_recovery(self, account_id: int, hashes: Sequence[bytes]) -> None:
        """Save new recovery codes in place of the old ones."""
        self._connection.execute(delete(recovery_code).where(recovery_code.c.account_id == account_id))
        if hashes:
            self._connection.execute(
                insert(recovery_code), [{"account_id": account_id, "hash": hashed} for hashed in hashes]
            )

    def use_recovery(self, account_id: int, hashed: bytes) -> bool:
        """Use up a recovery code; False where it is none, or was used before."""
        mine = and_(recovery_code.c.account_id == account_id, recovery_code.c.hash == hashed)
        return self._connection.execute(delete(recovery_code).where(mine)).rowcount == 1

    def _set(self, account_id: int, **values: object) -> None:
        self._connection.execute(update(account).where(account.c.id == account_id).values(**values))

    def _set_domains(self, account_id: int, domains: Sequence[str]) -> None:
        self._connection.execute(delete(account_domain).where(account_domain.c.account_id == account_id))
        rows = [{"account_id": account_id, "domain": domain} for domain in dict.fromkeys(domains)]
        if rows:
            self._connection.execute(insert(account_domain), rows)

    def _value(self, query: Select[Any]) -> Any:
        return self._connection.execute(query).scalar()

    def _one(self, query: Select[Any]) -> Account | None:
        found = self._accounts(self._connection.execute(query.limit(1)).mappings().all())
        return found[0] if found else None

    def _accounts(self, rows: Sequence[RowMapping]) -> list[Account]:
        """Return accounts with all that belongs to them: four look-ups, however many there are."""
        ids = [row["id"] for row in rows]
        if not ids:
            return []
        addresses: dict[int, list[AccountAddress]] = {number: [] for number in ids}
        of_these = select(account_address).where(account_address.c.account_id.in_(ids)).order_by(account_address.c.id)
        for held in self._connection.execute(of_these).mappings():
            addresses[held["account_id"]].append(
                AccountAddress(held["address_key"], Kind(held["kind"]), held["given_by"], held["given_at"])
            )
        domains: dict[int, list[str]] = {number: [] for number in ids}
        named = select(account_domain).where(account_domain.c.account_id.in_(ids)).order_by(account_domain.c.domain)
        for line in self._connection.execute(named).mappings():
            domains[line["account_id"]].append(line["domain"])
        passkeys, codes = self._counts(passkey, ids), self._counts(recovery_code, ids)
        return [
            Account(
                id=row["id"],
                name=row["name"],
                role=Role(row["role"]),
                full_name=row["full_name"],
                disabled=row["disabled"],
                addresses=tuple(addresses[row["id"]]),
                domains=tuple(domains[row["id"]]),
                language=row["language"],
                time_zone=row["time_zone"],
                created_at=row["created_at"],
                created_by=row["created_by"],
                signed_in_at=row["signed_in_at"],
                password=row["password"],
                totp_secret=row["totp_secret"],
                totp_step=row["totp_step"],
                passkeys=passkeys.get(row["id"], 0),
                recovery_codes=codes.get(row["id"], 0),
            )
            for row in rows
        ]

    def _counts(self, table: Table, ids: Sequence[int]) -> dict[int, int]:
        """Return how many rows of a table each account has; without those that have none."""
        counted = select(table.c.account_id, func.count()).where(table.c.account_id.in_(ids))
        return {row[0]: row[1] for row in self._connection.execute(counted.group_by(table.c.account_id))}
