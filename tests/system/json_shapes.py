"""What commands tell programs, beside what the API tells them of the same: one shape, but for what is named here."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from challenge_web.api.account import JournalLine, TokenItem
from challenge_web.api.accounts import AccountItem, AccountLink, SessionItem
from challenge_web.api.digests import DigestPlan
from challenge_web.api.expecting import ExpectedWindow
from challenge_web.api.history import HistoryLine
from challenge_web.api.lists import EntryAdded, EntryItem
from challenge_web.api.machine_mail import Source
from challenge_web.api.message_content import CleanHtml, MessageContent
from challenge_web.api.messages import Forwarded, Message
from challenge_web.api.orders import OrderDetail, OrderState
from challenge_web.api.overview import DomainItem, OutgoingItem, OverviewAnswer
from challenge_web.api.pending import Mail
from challenge_web.api.policies import Applying, PolicyChanged, PolicyLine
from challenge_web.api.releases import ReleaseAsked, RequestCase
from challenge_web.api.searches import SearchItem
from challenge_web.api.templates import Template, TemplateSample
from challenge_web.api.webhook import Retried, TestAnswer, WebhookAnswer

SHAPES: dict[str, tuple[type[Struct], str]] = {
    "account link": (AccountLink, ""),
    "account list": (AccountItem, ""),
    "account sessions": (SessionItem, ""),
    "account show": (AccountItem, ""),
    "digest show": (DigestPlan, "+known -goes_to -level -may_change -sent_at -stuck_since"),
    "domains": (DomainItem, ""),
    "expect list": (ExpectedWindow, "-passed"),
    "expect start": (ExpectedWindow, "-passed"),
    "history list": (HistoryLine, ""),
    "lists add": (EntryAdded, "+waiting -entry.holds -entry.mine -entry.rival"),
    "lists judge": (EntryItem, ""),
    "lists show": (EntryItem, "-holds -mine -rival"),
    "log list": (JournalLine, "+domain"),
    "orders give": (OrderState, "+actor -can_be_stopped -can_be_undone"),
    "orders list": (OrderState, "+actor -can_be_stopped -can_be_undone"),
    "orders show": (OrderDetail, "+order.actor -order.can_be_stopped -order.can_be_undone"),
    "outgoing list": (OutgoingItem, ""),
    "overview": (OverviewAnswer, "+needs +untold"),
    "pending forward": (Forwarded, ""),
    "pending html": (CleanHtml, ""),
    "pending list": (Mail, "+attempts +client +due_at +message_id +received_at -files -held_at -lane -seen -source"),
    "pending read": (MessageContent, ""),
    "pending show": (
        Message,
        "+challenge +evidence +history.actor +history.detail +history.event +history.state +mail_id +proofs +score -history.what -history.who -list_id -source",
    ),
    "policy set": (PolicyChanged, "+dry_run +moved +preview +scope -applying"),
    "policy show": (PolicyLine, "+words -above -open"),
    "policy waiting": (Applying, "+scope -open"),
    "requests ask": (ReleaseAsked, ""),
    "requests list": (RequestCase, ""),
    "searches list": (SearchItem, ""),
    "sources list": (Source, ""),
    "templates list": (Template, "-shipped -texts"),
    "templates preview": (TemplateSample, ""),
    "templates show": (Template, ""),
    "token list": (TokenItem, "+account -current"),
    "webhook retry": (Retried, ""),
    "webhook show": (WebhookAnswer, ""),
    "webhook test": (TestAnswer, ""),
}
"""Command → the API's answer, or one item of it, and the fields that only one of them has: + the command, - the API.

Commands are nobody's, so they know nothing that is somebody's own: `mine`, `seen`, `may_change`.
"""


def unlike(told: Mapping[str, Any], shape: type[Struct], at: str = "") -> set[str]:
    """Return the fields that only one of the two has, with a sign before."""
    hints = get_type_hints(shape)
    fields = {field.encode_name: hints[field.name] for field in msgspec.structs.fields(shape)}
    found = {f"+{at}{name}" for name in told.keys() - fields.keys()}
    found |= {f"-{at}{name}" for name in fields.keys() - told.keys()}
    for name in told.keys() & fields.keys():
        value = told[name][0] if isinstance(told[name], list) and told[name] else told[name]
        inner = next(_structs(fields[name]), None)
        if isinstance(value, dict) and inner is not None:
            found |= unlike(value, inner, f"{at}{name}.")
        elif isinstance(value, dict) and get_origin(fields[name]) is not dict:
            found.add(f"*{at}{name}")
    return found


def _structs(hint: Any) -> Iterator[type[Struct]]:
    """Yield the structs that a field's type is made of."""
    if get_origin(hint) in (Annotated, Union, types.UnionType, tuple):
        for part in get_args(hint):
            yield from _structs(part)
    elif isinstance(hint, type) and issubclass(hint, Struct):
        yield hint
