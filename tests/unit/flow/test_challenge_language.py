from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.domain.address import Address
from gateway.domain.language import Guess
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.policy import Policy
from gateway.flow.arrangements import Arrangements
from gateway.flow.challenge_language import LanguageChoice
from gateway.languages.language import known
from gateway.languages.small_words import small_words
from tests.unit.test_letters import ROW

GERMAN = "Subject: Angebot\r\n\r\nGuten Tag, anbei sende ich Ihnen das Angebot für das Dach.\r\n".encode()


class Store:
    """One content, and what somebody chose."""

    def __init__(self, content: bytes, *choices: Choice) -> None:
        self.content = content
        self.choices = choices
        self.asked_for: list[int] = []

    @property
    def reading(self) -> Store:
        return self

    def head(self, message_id: int, most: int) -> bytes:
        self.asked_for.append(message_id)
        return self.content[:most]

    async def look(self, work: Callable[[Any], Any]) -> Any:
        return work(self)

    async def arrangements(self, patterns: tuple[str, ...], recipients: Sequence[Address]) -> Arrangements:
        return Arrangements(choices={recipients[0].key: self.choices} if self.choices else {})


def chosen(scope: str, value: str) -> Choice:
    return Choice(scope, PolicySetting.LANGUAGE, value, False)


async def told(store: Store, policy: Policy | None = None) -> Guess:
    return await LanguageChoice(store, policy or Policy(), known(), small_words).of(ROW)


async def test_sender_is_asked_in_the_language_of_his_mail() -> None:
    store = Store(GERMAN)
    assert await told(store) == Guess("de", sure=True)
    assert store.asked_for == [ROW.message_id]


@pytest.mark.parametrize("scope", ["", "@example.org", "joe@example.org"])
async def test_language_that_site_domain_or_user_chose_counts(scope: str) -> None:
    store = Store(GERMAN, chosen(scope, "fr"))
    assert await told(store) == Guess("fr", sure=True)
    assert store.asked_for == []


async def test_domain_may_go_back_to_the_language_of_the_mail() -> None:
    assert await told(Store(GERMAN, chosen("@example.org", "auto")), Policy(language="es")) == Guess("de", sure=True)


async def test_language_of_the_configuration_counts_where_nobody_chose() -> None:
    assert await told(Store(GERMAN), Policy(language="es")) == Guess("es", sure=True)


async def test_language_that_is_no_more_is_english() -> None:
    assert await told(Store(GERMAN, chosen("", "tlh"))) == Guess("en", sure=True)


@pytest.mark.parametrize("content", [b"", b"\xff" * 1000, b"Subject: x"])
async def test_mail_without_words_gets_english(content: bytes) -> None:
    assert await told(Store(content)) == Guess("en", sure=True)


async def test_fault_of_ours_does_not_keep_the_sender_from_being_asked() -> None:
    def broken() -> Any:
        raise RuntimeError

    assert await LanguageChoice(Store(GERMAN), Policy(), known(), broken).of(ROW) == Guess("en", sure=True)
