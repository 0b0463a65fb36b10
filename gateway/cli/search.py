"""What commands look for: the words of the pages' search box, and the options that stand beside them."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.operator import operator
from gateway.domain.address import without_tag
from gateway.domain.lifecycle import State
from gateway.domain.query import Query, Term, read_query, search_words
from gateway.domain.roles import Reach
from gateway.flow.digest_people import mailboxes_for
from gateway.flow.queue import Queue
from gateway.flow.queue_ports import Selection
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from gateway.store.views import Filter


def understood(query: Query) -> Query:
    """Return the search, where a command can do all that it says. Raises WrongUse."""
    if query.faults:
        # What was not understood is not part of the search: it would find more than was meant.
        raise WrongUse(" ".join(query.faults))
    if query.unseen:
        raise WrongUse("is:unseen is for the pages and the API: nobody opens mail at the command line")
    return query


def search_of(text: str, beside: Filter) -> Query:
    """Return what is looked for, by the calendar of UTC. beside: what the options say. Raises WrongUse."""
    query = understood(read_query(text, datetime.now(UTC).date()))
    if query.since_digest and (not beside.recipient or beside.recipient.startswith("@")):
        raise WrongUse("after:digest needs --for RECIPIENT: whose digest is meant?")
    states = query.states
    if not any(piece.lower().startswith("state:") for piece in query.pieces):
        states = (State(beside.state),) if beside.state else tuple(State)
    terms = list(query.terms)
    for words, field in ((beside.sender, "from"), (beside.words, "")):
        if words:
            terms.append(Term(tuple(search_words(words).split()), field, whole=bool(field)))
    return replace(query, states=states, terms=tuple(terms))


async def selected(store: Store, query: Query, recipient: str) -> Selection:
    """Return which rows a search means. recipient: an address or `@domain`; "" is all. Raises CommandError."""
    if query.since_digest:
        query = replace(query, told_at=await _told_at(store, recipient))
    reach = Reach(site=True)
    if recipient.startswith("@"):
        reach = Reach(domains=frozenset({recipient[1:]}))
    elif recipient:
        reach = Reach(addresses=frozenset({recipient}))
    return Queue(store, now=time.time).selection(replace(operator(), reach=reach), query)


async def _told_at(store: Store, recipient: str) -> float:
    """Return when the recipient's last digest was made."""

    def last(tx: Transaction) -> float | None:
        mailbox = next(iter(mailboxes_for(tx, without_tag(recipient))), "")
        return tx.queue.told_there(mailbox)

    told_at = await store.look(last)
    if told_at is None:
        raise CommandError(f"no digest was delivered to {recipient} yet: leave out after:digest")
    return told_at
