"""The kinds of history's lines: where the facts of each are, by which indexes they are found, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, literal, select

from gateway.store.tables import challenge, departure, letter, message, passage, pending


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind, in the names of its table's columns and indexes. Each index lies in the order of time."""

    lines: Select[Any]
    """The fields of `Line` behind its kind, in their order."""
    table: Table
    at: str
    by_state: str
    by_domain: str
    """Index of the domains of whoever is one of ours."""
    by_key: str
    """Index of their addresses."""
    by_other_domain: str
    """Index of the domains of the other one."""
    by_other_key: str
    """Index of the other one's addresses; the same where it has both, the domain first."""
    ours: str = "recipient"
    """Who of the two is one of ours."""
    sender: str = "sender_key"

    @property
    def key(self) -> str:
        """Column with the address of whoever is one of ours."""
        return f"{self.ours}_key"

    @property
    def domain(self) -> str:
        """Column with its domain."""
        return f"{self.ours}_domain"

    @property
    def other_key(self) -> str:
        """Column with the other one's address."""
        return self.sender if self.ours == "recipient" else "recipient_key"

    @property
    def other_domain(self) -> str:
        """Column with its domain."""
        return "sender_domain" if self.ours == "recipient" else "recipient_domain"


def _kinds() -> dict[str, Kind]:
    none, coming, going = literal(""), literal("in"), literal("out")
    went, kept, mail, asked, left, told = passage.c, pending.c, message.c, challenge.c, departure.c, letter.c
    through = select(
        went.id, went.at, coming, went.sender, went.recipient, went.size, went.decision, went.reason, went.state,
        went.queue_id, went.reply, went.client, went.transaction_id,
    )  # fmt: skip
    held = select(
        kept.id, kept.held_at, coming, mail.reverse_path, kept.recipient, mail.size, literal("hold"), kept.reason,
        kept.state, mail.queue_id, kept.last_reply, mail.client_address, mail.transaction_id,
    )  # fmt: skip
    challenges = select(
        asked.id, asked.created_at, going, asked.recipient, asked.sender, literal(0), none, literal("challenge"),
        asked.state, none, asked.last_reply, none, none,
    )  # fmt: skip
    departures = select(
        left.id, left.at, going, left.sender, left.recipient, left.size, none, left.taught, left.state, left.queue_id,
        left.reply, left.client, left.transaction_id,
    )  # fmt: skip
    letters = select(
        told.id, told.at, going, told.sender, told.recipient, told.size, none, told.kind, told.state, none, told.reply,
        none, none,
    )  # fmt: skip
    return {
        "passage": Kind(
            through, passage, "at", "passage_state", "passage_domain", "passage_recipient", "passage_sender",
            "passage_sender",
        ),
        "held": Kind(
            held.join(message, kept.message_id == mail.id), pending, "held_at", "pending_held", "pending_domain",
            "pending_recipient", "pending_sender", "pending_sender",
        ),
        "challenge": Kind(
            challenges, challenge, "created_at", "challenge_state", "challenge_place", "challenge_recipient",
            "challenge_domain", "challenge_sender",
        ),
        "sent": Kind(
            departures, departure, "at", "departure_state", "departure_domain", "departure_sender",
            "departure_recipient", "departure_recipient", ours="sender",
        ),
        "letter": Kind(
            letters, letter, "at", "letter_state", "letter_domain", "letter_recipient", "letter_sender",
            "letter_sender", sender="sender",
        ),
    }  # fmt: skip


KINDS: dict[str, Kind] = _kinds()
PASSING = ("passage", "sent", "letter")
"""Those whose facts are all there is of a mail."""
