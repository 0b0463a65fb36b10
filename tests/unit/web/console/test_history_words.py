"""The words of the history page."""

from __future__ import annotations

from challenge_web.console.history import TEACHINGS
from gateway.domain.outgoing import TAUGHT, Untaught


def test_every_reason_why_a_mail_to_the_outside_lets_in_nobody_has_words() -> None:
    assert set(TEACHINGS) == {TAUGHT, *(why.value for why in Untaught)}
