from __future__ import annotations

import pytest

from gateway.domain.language import MOST_WORDS, Guess, guess, nearest, wanted
from gateway.languages.language import known
from gateway.languages.small_words import small_words

KNOWN = ("en", "cs", "de", "es", "fr")


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", ""),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("it-IT,it;q=0.9,fr;q=0.8,en;q=0.7", "fr"),
        ("en;q=0.2, cs ; q = 0.9", "cs"),
        ("fr;q=0,en", "en"),
        ("es,fr", "es"),
        ("*", ""),
        ("ja", ""),
        ("de;q=2, \x00, ;;, fr;q=0.1", "fr"),
        (",".join(["ja"] * 30 + ["de"]), ""),
    ],
)
def test_browser_gets_the_language_it_likes_best(accepted: str, tag: str) -> None:
    assert wanted(accepted, KNOWN) == tag


@pytest.mark.parametrize(("tag", "found"), [("de-CH-1996", "de"), ("DE", "de"), ("ja", ""), ("", "")])
def test_tag_is_taken_for_the_nearest_known_language(tag: str, found: str) -> None:
    assert nearest(tag, KNOWN) == found


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Offer\nHello, please find the offer for the roof attached. Kind regards, Anna", "en"),
        ("Angebot\nGuten Tag, anbei sende ich Ihnen das Angebot für das Dach. Viele Grüße, Anna", "de"),
        ("Devis\nBonjour, vous trouverez ci-joint notre devis pour le toit. Cordialement, Anna", "fr"),
        ("Presupuesto\nEstimados señores: les envío adjunto el presupuesto para el tejado. Saludos", "es"),
        ("Nabídka\nDobrý den, v příloze Vám zasílám nabídku na střechu. S pozdravem Anna", "cs"),
        # Neighbours that are none of ours.
        ("Preventivo\nBuongiorno, in allegato vi mando la nostra offerta per il tetto. Cordiali saluti", "en"),
        ("Ponuka\nDobrý deň, v prílohe Vám zasielam ponuku na strechu, ktorú ste si želali. S pozdravom", "en"),
        ("Orçamento\nOlá, segue em anexo o orçamento para o telhado que você pediu. Obrigado", "en"),
        ("Oferta\nDzień dobry, w załączniku przesyłam ofertę na dach. Proszę o odpowiedź. Pozdrawiam", "en"),
        ("Offerte\nGoedemorgen, hierbij de offerte voor het dak van uw huis. Met vriendelijke groet", "en"),
        ("报价\n你好，附件是报价。", "en"),
        ("", "en"),
    ],
)
def test_language_of_a_letter_is_told_by_its_small_words(text: str, tag: str) -> None:
    assert guess(small_words(), known(), text, "", "utf-8") == Guess(tag, sure=True)


def test_words_count_more_than_what_the_mail_program_says() -> None:
    text = "Guten Tag, anbei sende ich Ihnen das Angebot für das Dach."
    assert guess(small_words(), known(), text, "en-US", "") == Guess("de", sure=True)


def test_few_words_are_a_guess_only() -> None:
    assert guess(small_words(), known(), "Rechnung für den Monat", "", "") == Guess("de", sure=False)


def test_few_words_and_the_mail_program_together_are_sure() -> None:
    assert guess(small_words(), known(), "Rechnung für den Monat", "de-DE", "") == Guess("de", sure=True)


def test_few_words_and_the_letters_they_are_written_in_are_sure() -> None:
    assert guess(small_words(), known(), "pro který", "", "windows-1250") == Guess("cs", sure=True)


def test_few_english_words_need_no_english_below() -> None:
    assert guess(small_words(), known(), "about the roof", "", "") == Guess("en", sure=True)


def test_mail_program_alone_is_a_guess() -> None:
    assert guess(small_words(), known(), "Roof 12", "fr", "") == Guess("fr", sure=False)
    assert guess(small_words(), known(), "Roof 12", "en", "") == Guess("en", sure=True)


def test_words_against_the_mail_program_leave_english() -> None:
    # One word of each is no hint; the program's language has none.
    assert guess(small_words(), known(), "und", "fr", "") == Guess("en", sure=True)


def test_no_words_at_all_leave_english() -> None:
    assert guess({}, known(), "Guten Tag", "", "") == Guess("en", sure=True)
    assert guess({"de": frozenset({"guten", "tag"})}, ("en", "de"), "Guten Tag", "", "") == Guess("de", sure=False)


def test_words_far_below_are_not_looked_at() -> None:
    text = "lorem " * MOST_WORDS + "der die das und ist nicht ich sie wir"
    assert guess(small_words(), known(), text, "", "") == Guess("en", sure=True)
