"""Conditions for rows of the pending list that are read one by one."""

from __future__ import annotations

from gateway.domain.lifecycle import State
from gateway.domain.query import Term
from gateway.flow.queue_ports import Selection
from gateway.store.queue_sql import Clause, Values
from gateway.store.queue_strips import ended_states
from gateway.store.queue_words import columns_of

NO_SCORE = -1e99
"""Stands for no score: it sorts below all others."""


def days(chosen: Selection, earliest: int | None, latest: int | None) -> Clause:
    """Return the condition for the days asked for. earliest, latest: bounds of ids that follow from them."""
    clause = Clause("")
    if earliest is not None:
        clause = clause.and_(Clause("age <= ?", (-earliest,)))
    if latest is not None:
        clause = clause.and_(Clause("age >= ?", (-latest,)))
    # The clock may have been set back meanwhile, so that ids alone would not do.
    if chosen.after is not None:
        clause = clause.and_(Clause("held_at >= ?", (chosen.after,)))
    if chosen.before is not None:
        clause = clause.and_(Clause("held_at < ?", (chosen.before,)))
    return clause


def checks(chosen: Selection) -> Clause:
    """Return the condition for rows read one by one, besides their place, their state and their days."""
    clause = Clause("")
    if chosen.reasons:
        clause = clause.and_(Clause(f"+reason IN ({', '.join('?' * len(chosen.reasons))})", chosen.reasons))
    if chosen.has_file:
        clause = clause.and_(Clause("files <> '[]'"))
    if chosen.source:
        clause = clause.and_(Clause("+source = ?", (chosen.source,)))
    for term in chosen.terms:
        clause = clause.and_(_spelled(term, chosen.content))
    return (
        clause.and_(score_between(chosen)).and_(not_seen(chosen)).and_(_told_in(chosen)).and_(_sent_by(chosen.sender))
    )


def _sent_by(pattern: str) -> Clause:
    """Return the condition for a sender; what is compared stands with the mail."""
    if not pattern:
        return Clause("")
    sender, author = "p.sender_key", "lower(m.author)"
    ending = pattern.removeprefix("@") if pattern.startswith("@.") else pattern
    if pattern.startswith("@"):
        sender, author = f"substr({sender}, -length(?))", f"substr({author}, -length(?))"
    values: Values = (ending, ending) * 2 if pattern.startswith("@") else (ending, ending)
    # `age` is what only the list has: minus the id.
    named = f"p.id = -age AND ({sender} = ? OR {author} = ?)"
    mails = "pending AS p CROSS JOIN message AS m ON m.id = p.message_id"
    return Clause(f"EXISTS (SELECT 1 FROM {mails} WHERE {named})", values)  # noqa: S608 names of our own


def score_between(chosen: Selection) -> Clause:
    """Return the condition for the scores asked for. Who has none has not a low one."""
    clause = Clause("")
    if chosen.score is not None:
        signs = {"<": "score < ?", "<=": "score <= ?", ">": "score > ?", ">=": "score >= ?", "=": "score = ?"}
        clause = Clause(signs[chosen.score.sign], (chosen.score.value,)).and_(Clause("score > ?", (NO_SCORE,)))
    return clause


def not_seen(chosen: Selection, row: str = "id") -> Clause:
    """Return the condition for rows that an account has not opened, where it is asked for. row: what names their id."""
    if chosen.unseen_by is None:
        return Clause("")
    opened = f"SELECT 1 FROM seen WHERE pending_id = {row} AND account = ?"  # noqa: S608 names of our own
    return Clause(f"NOT EXISTS ({opened})", (chosen.unseen_by,))


def _told_in(chosen: Selection) -> Clause:
    if chosen.digest is None:
        return Clause("")
    told = "SELECT 1 FROM digest_item WHERE digest_id = ? AND pending_id = id"
    return Clause(f"EXISTS ({told})", (chosen.digest,))


def _spelled(term: Term, content: bool) -> Clause:
    part = f" {' '.join(term.words)}{' ' if term.whole else ''}"
    columns = columns_of(term, content)
    return Clause(f"({' OR '.join(f'instr({column}, ?)' for column in columns)})", (part,) * len(columns))


def not_in_words(chosen: Selection, *, waiting: bool) -> Clause:
    """Return what is not known of the rows that the index of words finds, besides their days."""
    clause = score_between(chosen).and_(_told_in(chosen)).and_(_sent_by(chosen.sender))
    states = tuple(state.value for state in ended_states(chosen))
    if not waiting and len(states) < len(State) - 1:
        clause = Clause(f"+state IN ({', '.join('?' * len(states))})", states).and_(clause)
    return clause
