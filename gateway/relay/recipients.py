"""What a server said of recipients not long ago."""

from __future__ import annotations

import re

from gateway.domain.address import Address
from gateway.domain.reply import Reply

MAX_ENTRIES = 100_000
_OF_THE_MAILBOX = re.compile(r"5\.(1\.(1|2|3|6|10)|2\.[0-9]+)")
"""RFC 3463 §3.2, §3.3: the refusal is about the recipient, whoever writes to it."""


class RecipientCache:
    """Answers to RCPT: who is taken, and who is not.

    A refusal counts for every sender only where its enhanced code says that it is about the mailbox. Any other
    may be about the sender, whom many servers refuse at RCPT: remembered for all, it would let a sender nobody
    wants shut a mailbox to everybody else.
    """

    def __init__(self, taken_seconds: float, refused_seconds: float, most: int = MAX_ENTRIES) -> None:
        self._taken_seconds = taken_seconds
        self._refused_seconds = refused_seconds
        self._most = most
        self._answers: dict[tuple[str, str], tuple[float, Reply]] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def look(self, reverse_path: Address, recipient: Address, now: float) -> Reply | None:
        """Return the answer that is still good, or None. now: seconds of a steady clock."""
        for key in ((recipient.key, _sender_key(reverse_path)), (recipient.key, "")):
            entry = self._answers.get(key)
            if entry is not None:
                if now < entry[0]:
                    return entry[1]
                del self._answers[key]
        return None

    def learn(self, reverse_path: Address, recipient: Address, answer: Reply, now: float) -> None:
        """Remember an answer to RCPT; a temporary one is none."""
        if answer.accepted:
            self._answers.pop((recipient.key, _sender_key(reverse_path)), None)
            self._keep((recipient.key, ""), answer, now + self._taken_seconds)
        elif answer.permanent:
            of_mailbox = _OF_THE_MAILBOX.fullmatch(answer.enhanced) is not None
            sender = "" if of_mailbox else _sender_key(reverse_path)
            self._keep((recipient.key, sender), answer, now + self._refused_seconds)

    def _keep(self, key: tuple[str, str], answer: Reply, until: float) -> None:
        self._answers.pop(key, None)  # The newest stands last, so that the oldest goes first.
        if len(self._answers) >= self._most:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = (until, answer)


def _sender_key(reverse_path: Address) -> str:
    return f"<{reverse_path.key}>"
