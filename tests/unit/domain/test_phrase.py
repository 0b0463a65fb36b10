from __future__ import annotations

import pytest

from gateway.domain.outline import Oddity
from gateway.domain.phrase import Phrase, phrase, phrase_in, phrases, words_of


def test_phrase_is_its_english_text() -> None:
    made = phrase("Signed by {domain}", domain="oak.example")
    assert made == "Signed by oak.example"
    assert (made.template, made.values) == ("Signed by {domain}", {"domain": "oak.example"})


def test_phrase_without_values_keeps_its_braces() -> None:
    assert phrase("Write {{ url }}") == "Write {{ url }}"


def test_phrase_does_not_fill_in_what_a_value_says() -> None:
    assert phrase("From {name}", name="{secret}") == "From {secret}"


@pytest.mark.parametrize(("number", "text"), [(0, "0 mails"), (1, "1 mail"), (2, "2 mails")])
def test_phrases_agree_with_the_number(number: int, text: str) -> None:
    assert phrases(number, "{n} mail", "{n} mails") == text


def test_phrase_said_in_another_language_has_the_same_values() -> None:
    made = phrase_in("sender", "From {name}", name="Anna")
    assert made.context == "sender"
    assert made.said("Von {name}", str) == "Von Anna"


def test_fault_says_the_phrase_it_was_raised_with() -> None:
    told = words_of(ValueError(phrase("{n} is too many", n=3)))
    assert isinstance(told, Phrase)
    assert told == "3 is too many"


def test_fault_without_words_says_nothing() -> None:
    assert words_of(ValueError()) == ""
    assert words_of(ValueError(3)) == "3"


def test_oddity_is_whole_again_behind_a_pipe() -> None:
    sentence = phrase("It has more than {most} parts, says {who}.", most=3, who=phrase("anyone"))
    told = Oddity.of(sentence)
    assert told.values == {"most": 3, "who": "anyone"}
    assert (told.sentence, told.sentence.template) == (sentence, sentence.template)
