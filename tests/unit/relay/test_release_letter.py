"""Mails about requests as they are read: nobody's account at a machine is named to people."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from gateway.flow.release_ports import RequestState
from gateway.languages.language import known
from gateway.mail_texts import MailTexts
from gateway.relay.letter import Desk
from gateway.relay.release_letter import _ANSWER, _ASK, _CASE, compose_answer, compose_ask
from gateway.relay.row_words import SAMPLE_NOW

TEXTS = MailTexts(None)


def words(content: bytes, kind: str) -> str:
    part = message_from_bytes(content, _class=EmailMessage, policy=policy.default).get_body((kind,))
    assert part is not None
    return " ".join(str(part.get_content()).split())


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("tag", known())
@pytest.mark.parametrize("state", [RequestState.RELEASED, RequestState.REFUSED])
def test_answer_of_who_sat_at_the_command_line_names_no_account(tag: str, state: RequestState, kind: str) -> None:
    case = replace(_CASE, request=replace(_CASE.request, state=state, decided_by="cli:root", why="Clean."))
    mail = compose_answer(TEXTS.answer(tag), replace(_ANSWER, case=case), Desk(), SAMPLE_NOW, "<r@gw.example.org>")
    text = words(mail.content, kind)
    assert "cli:" not in text
    assert "Clean." in text
    if tag == "en" and state is RequestState.REFUSED:
        assert "The people in charge did not let it go." in text


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_request_made_at_the_command_line_says_so_without_an_account(kind: str) -> None:
    case = replace(_CASE, request=replace(_CASE.request, asked_by="cli:root"))
    mail = compose_ask(TEXTS.asking("en"), replace(_ASK, cases=(case,)), Desk(), SAMPLE_NOW, "<r@gw.example.org>")
    text = words(mail.content, kind)
    assert "cli:" not in text
    assert "Requested on the command line, on behalf of the recipient." in text


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_request_for_a_mail_whose_author_can_be_taken_for_another_says_so(kind: str) -> None:
    assert _CASE.mail is not None
    case = replace(_CASE, mail=replace(_CASE.mail, author_name="jo@example.org"))
    mail = compose_ask(TEXTS.asking("en"), replace(_ASK, cases=(case,)), Desk(), SAMPLE_NOW, "<r@gw.example.org>")
    assert "Take care: the name speaks of example.org" in words(mail.content, kind)


def test_sentences_of_a_mail_do_not_run_into_each_other() -> None:
    mail = compose_answer(TEXTS.answer("en"), _ANSWER, Desk(), SAMPLE_NOW, "<r@gw.example.org>")
    assert ". eve decided" in words(mail.content, "html")
