"""The schema, a module for each room. Times are seconds since the epoch, UTC; addresses ending in `_key` are in normal form."""

from __future__ import annotations

from gateway.store.tables.accounts import account, session
from gateway.store.tables.api import api_answer, api_token
from gateway.store.tables.core import (
    SCHEMA_VERSION,
    RowId,
    challenge,
    content,
    disowned,
    event,
    inserted_id,
    list_entry,
    message,
    metadata,
    page_use,
    pending,
    secret,
    sequence,
    service,
    spent_puzzle,
    token,
)
from gateway.store.tables.digests import digest, digest_choice, digest_item, digest_mailbox, digest_secret
from gateway.store.tables.history import passage
from gateway.store.tables.letters import letter
from gateway.store.tables.lists import draft, removal, removed_entry
from gateway.store.tables.notices import notice, notice_secret
from gateway.store.tables.outgoing import departure, sent_mail
from gateway.store.tables.overview import journal, tally
from gateway.store.tables.policies import expecting, expecting_use, policy_choice
from gateway.store.tables.queue import bulk_order, order_row, queue, saved_search, seen
from gateway.store.tables.releases import release_knock, release_letter, release_request
from gateway.store.tables.texts import challenge_text, notice_text
from gateway.store.tables.webhook import webhook_event, webhook_state

__all__ = [
    "SCHEMA_VERSION",
    "RowId",
    "account",
    "api_answer",
    "api_token",
    "bulk_order",
    "challenge",
    "challenge_text",
    "content",
    "departure",
    "digest",
    "digest_choice",
    "digest_item",
    "digest_mailbox",
    "digest_secret",
    "disowned",
    "draft",
    "event",
    "expecting",
    "expecting_use",
    "inserted_id",
    "journal",
    "letter",
    "list_entry",
    "message",
    "metadata",
    "notice",
    "notice_secret",
    "notice_text",
    "order_row",
    "page_use",
    "passage",
    "pending",
    "policy_choice",
    "queue",
    "release_knock",
    "release_letter",
    "release_request",
    "removal",
    "removed_entry",
    "saved_search",
    "secret",
    "seen",
    "sent_mail",
    "sequence",
    "service",
    "session",
    "spent_puzzle",
    "tally",
    "token",
    "webhook_event",
    "webhook_state",
]
