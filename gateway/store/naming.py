"""By what the store knows an address: by itself, with a sub-address, as who wrote a mail, and in words about it."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true

from gateway.store.tables import challenge, departure, message, passage, pending

ERASED = "(erased)"
"""Stands in words about an address in its place."""


def names(address: str, sender: ColumnElement[str], recipient: ColumnElement[str]) -> ColumnElement[bool]:
    """Select mail from or to an address, or `@domain`; "" is all mail."""
    if not address:
        return true()
    if address.startswith("@"):
        return or_(sender.endswith(address, autoescape=True), recipient.endswith(address, autoescape=True))
    return or_(_is(sender, address), _is(recipient, address))


def mail_of(address: str, sender: ColumnElement[str], recipient: ColumnElement[str]) -> ColumnElement[bool]:
    """Select mail from or to an address of ours with its sub-addresses; from or to `@domain`."""
    return or_(names(address, sender, recipient), _tagged(address, recipient))


def passed_by(address: str) -> ColumnElement[bool]:
    """Select mail that went through, or was refused at once."""
    return mail_of(address, passage.c.sender_key, passage.c.recipient_key)


def outgoing_of(address: str) -> ColumnElement[bool]:
    """Select mail of our users to the outside: there, ours is who sends."""
    return mail_of(address, departure.c.recipient_key, departure.c.sender_key)


def held_of(address: str) -> ColumnElement[bool]:
    """Select mail that was kept: from an address, to it, or with it in From behind another reverse-path."""
    written = select(message.c.id).where(func.lower(message.c.author) == address)
    return or_(mail_of(address, pending.c.sender_key, pending.c.recipient_key), pending.c.message_id.in_(written))


def asked_of(address: str) -> ColumnElement[bool]:
    """Select challenges to an address, or on its behalf."""
    return mail_of(address, challenge.c.sender_key, challenge.c.recipient_key)


def in_domains(column: ColumnElement[str], domains: Collection[str]) -> ColumnElement[bool]:
    """Select addresses in one of some domains, however many they are; and the domains' own scopes, as `@example.org`."""
    # In quotes a local part may hold an at sign: what stands behind the last one counts.
    last = func.substr(column, func.length(func.rtrim(column, func.replace(column, "@", ""))) + 1)
    domain = case((column.startswith('"'), last), else_=func.substr(column, func.instr(column, "@") + 1))
    return domain.in_(sorted(domains))


def without(address: str, text: str) -> str:
    """Return words without an address that stands in them."""
    return _in_words(address).sub(ERASED, text)


def _is(column: ColumnElement[str], address: str) -> ColumnElement[bool]:
    """Select an address in such words that an index leads to it, also where that begins with its domain."""
    who, _, _ = str(column.key).partition("_")
    domain = column.table.c.get(f"{who}_domain")
    if domain is None or domain.computed is None:
        return column == address
    return and_(domain == address.rpartition("@")[2], column == address)


def _tagged(address: str, column: ColumnElement[str]) -> ColumnElement[bool]:
    local, _, domain = address.rpartition("@")
    # The comma is what follows the plus: between them an index finds all that begins so.
    return and_(column > f"{local}+", column < f"{local},", column.endswith(f"@{domain}", autoescape=True))


def _in_words(address: str) -> re.Pattern[str]:
    local, _, domain = address.rpartition("@")
    return re.compile(rf"(?<![\w.+-]){re.escape(local)}(?:\+[^@\s]*)?@{re.escape(domain)}(?![\w-]|\.\w)", re.IGNORECASE)
