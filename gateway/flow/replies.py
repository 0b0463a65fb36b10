"""Replies: mail that would be held, but answers what its recipient wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.domain.address import without_tag
from gateway.domain.challenge import DAY
from gateway.domain.header import Header
from gateway.domain.outgoing import cited, is_of_them
from gateway.domain.policy import Decision, Disposition, Policy, Seen, decide
from gateway.flow.arrangements import Arrangements
from gateway.flow.expected import let_in
from gateway.flow.ports import Store


async def second_look(
    store: Store,
    arranged: Arrangements,
    policies: Sequence[Policy],
    seen: Sequence[Seen],
    decisions: Sequence[Decision],
    head: Header,
    content: bytes,
    reply_days: float,
    now: float,
) -> tuple[Decision, ...]:
    """Return the decisions, changed where a mail of ours that is answered, or else an open window, lets the mail in.

    policies, seen and decisions: one for each recipient, in order. reply_days: for which a mail of ours is known; 0:
    none is. Mail that is let in anyway is not looked at. Raises StoreDown.
    """
    held = any(decision.disposition is Disposition.HOLD for decision in decisions)
    if held and reply_days:
        seen = await recognised(store, policies, seen, head, now - reply_days * DAY)
        decisions = tuple(map(decide, policies, seen))
    if arranged.windows:
        return await let_in(store, arranged, policies, seen, decisions, content, now)
    return tuple(decisions)


async def recognised(
    store: Store, policies: Sequence[Policy], seen: Sequence[Seen], head: Header, since: float
) -> tuple[Seen, ...]:
    """Return what was seen, with a mark for each recipient whose own mail, sent since then, this one answers.

    Without a proof, or without a word of what it answers, nothing is looked up. Raises StoreDown.
    """
    author, proven = seen[0].message.author, bool(seen[0].evidence.proofs)
    owners = [without_tag(one.recipient.key) for one in seen]
    asked = {owner for owner, policy in zip(owners, policies, strict=True) if policy.written_to}
    mail_ids = cited(head) if author is not None and proven and asked else ()
    if author is None or not mail_ids:
        return tuple(seen)
    found = await store.look(lambda tx: tx.sent.answered(mail_ids, asked, since))
    known = {sent.owner for sent in found if is_of_them(author, (sent.domain,))}
    return tuple(replace(one, answers=True) if owner in known else one for one, owner in zip(seen, owners, strict=True))
