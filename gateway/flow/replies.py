"""Replies: mail that would be held, but answers what its recipient wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.domain.address import without_tag
from gateway.domain.durations import DAY
from gateway.domain.header import Header
from gateway.domain.outgoing import cited, is_of_them, returned
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
        seen = await recognised(store, policies, seen, head, content, now - reply_days * DAY)
        decisions = tuple(map(decide, policies, seen))
    if arranged.windows:
        return await let_in(store, arranged, policies, seen, decisions, content, now)
    return tuple(decisions)


async def recognised(
    store: Store, policies: Sequence[Policy], seen: Sequence[Seen], head: Header, content: bytes, since: float
) -> tuple[Seen, ...]:
    """Return what was seen, with a mark for each recipient whose own mail, sent since then, this one answers.

    Without a proof, or without a word of what it answers, nothing is looked up. Raises StoreDown.
    """
    first = seen[0]
    author = first.message.author
    owners = [without_tag(one.recipient.key) for one in seen]
    asked = {owner for owner, policy in zip(owners, policies, strict=True) if policy.written_to}
    if author is None or not first.evidence.proofs or not asked:
        return tuple(seen)
    answered = cited(head)
    # Who reports that a mail could not be delivered is some server on its way, not where it went.
    reported = returned(head, content) if first.reverse_path.is_null else ()
    if not answered and not reported:
        return tuple(seen)
    found = await store.look(lambda tx: tx.sent.answered((*answered, *reported), asked, since))
    known = {sent.owner for sent in found if sent.mail_id in reported or is_of_them(author, (sent.domain,))}
    return tuple(replace(one, answers=True) if owner in known else one for one, owner in zip(seen, owners, strict=True))
