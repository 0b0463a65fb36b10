from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.address import Address
from gateway.domain.language import Guess
from gateway.domain.lifecycle import ChallengeState
from gateway.domain.policy import Scope
from gateway.flow.rows import ChallengeRow
from gateway.flow.sign_in_mail import SignInLetter
from gateway.flow.text_ports import Sample, TextKind, Texts
from gateway.letters import LetterWriter, from_parts
from gateway.relay.notice_letter import _SAMPLE
from gateway.relay.template_parts import TemplateFault
from gateway.settings import Settings, load

NOW = 1_700_000_000.0
ROW = ChallengeRow(
    id=1, message_id=1, sender=Address.of("ann@oak.example"), recipient=Address.of("joe@example.org"),
    scope=Scope.DOMAIN, state=ChallengeState.QUEUED, created_at=NOW, expires_at=NOW + 86_400, attempts=0,
    wrong_answers=0, paused_until=None, solved_puzzle=None, received_at=NOW, subject="Roof", mail_id="<1@oak.example>",
    references=(), proofs=(), network="",
)  # fmt: skip
GOOD = Texts(
    "Step for {{ subject_piece }}\n",
    "Please open\n{{ url }}\n",
    '<p><a href="{{ url }}">{{ url }}</a></p>\n',
    "Roof desk <desk@example.org>",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "gateway.toml"
    file.write_text("")
    return load(file, {})


async def written(settings: Settings, texts: Texts | None) -> email.message.EmailMessage:
    async def texts_for(recipient: Address, tag: str) -> Texts | None:
        assert (recipient.domain, tag) == ("example.org", "en")
        return texts

    mail = await LetterWriter(settings, texts_for).challenge(ROW, "http://127.0.0.1/challenge/abc", NOW)
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message


async def test_challenge_is_written_with_the_words_of_the_domain(settings: Settings) -> None:
    message = await written(settings, GOOD)
    assert message["Subject"] == "Step for Roof"
    assert message["From"] == "Roof desk <desk@example.org>"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().split() == ["Please", "open", "http://127.0.0.1/challenge/abc"]


async def test_challenge_without_words_of_its_own_is_the_shipped_one(settings: Settings) -> None:
    message = await written(settings, None)
    assert message["Subject"] == "Auto: Roof - one small step"
    assert message["From"].addresses[0].addr_spec == "postmaster@example.org"


async def test_challenge_with_words_that_are_good_no_more_is_the_shipped_one(settings: Settings) -> None:
    message = await written(settings, replace(GOOD, text="no link\n"))
    body = message.get_body(("plain",))
    assert body is not None
    assert "http://127.0.0.1/challenge/abc" in body.get_content()


def test_sample_bears_the_dates_of_its_language(settings: Settings) -> None:
    writer = LetterWriter(settings)
    tried = writer.try_out("@example.org", "de", writer.shipped("de"))
    assert isinstance(tried, Sample)
    assert "20. November 2026, 14:05 UTC" in tried.text
    assert "4. Dezember 2026, 14:05 UTC" in tried.text


def test_sample_tells_how_the_mail_will_look(settings: Settings) -> None:
    tried = LetterWriter(settings).try_out("@example.org", "en", GOOD)
    assert isinstance(tried, Sample)
    assert tried.sender == "Roof desk <desk@example.org>"
    assert tried.subject == "Step for Offer for the roof"
    assert 300 < tried.octets < 10_000


@pytest.mark.parametrize(
    ("change", "part", "line"),
    [
        ({"text": "no link\n"}, "text", 0),
        ({"html": "<p>{{ url }}</p>\n"}, "html", 0),
        ({"text": "a\nb\n{{ nothing }} {{ url }}\n"}, "text", 3),
        ({"html": "{% for a in b %}{% endfor %}"}, "html", 1),
        ({"subject": "{{ \n"}, "subject", 1),
        ({"text": "{{ url }}" + "x" * 9_000}, "text", 0),
        ({"from_line": "desk@elsewhere.example"}, "from_line", 0),
        ({"from_line": "Desk <>"}, "from_line", 0),
        ({"from_line": "no address"}, "from_line", 0),
    ],
)
def test_texts_that_cannot_be_used_are_told_by_part_and_line(
    settings: Settings, change: dict[str, str], part: str, line: int
) -> None:
    tried = LetterWriter(settings).try_out("", "en", replace(GOOD, **change))
    assert not isinstance(tried, Sample)
    assert [(fault.part, fault.line) for fault in tried] == [(part, line)]
    assert all(fault.reason for fault in tried)


def test_every_part_with_a_fault_is_told_at_once(settings: Settings) -> None:
    tried = LetterWriter(settings).try_out("", "en", Texts("{{ a }}", "{{ b }}", "{{ c }}", "x"))
    assert not isinstance(tried, Sample)
    assert [fault.part for fault in tried] == ["subject", "text", "html", "from_line"]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("desk@example.org", ("", "desk@example.org")),
        ("Mail desk <desk@example.org>", ("Mail desk", "desk@example.org")),
        ('"Roth, Anna" <a@example.org>', ("Roth, Anna", "a@example.org")),
        ("", ("", "")),
    ],
)
def test_line_from_is_parted_into_name_and_address(line: str, parts: tuple[str, str]) -> None:
    assert from_parts(line) == parts


# --- languages ---


async def in_language(settings: Settings, guess: Guess, subject: str = "Roof") -> email.message.EmailMessage:
    async def language_of(row: ChallengeRow) -> Guess:
        return guess

    writer = LetterWriter(settings, language_of=language_of)
    mail = await writer.challenge(replace(ROW, subject=subject), "http://127.0.0.1/challenge/abc", NOW)
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message


def text_of(message: email.message.EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content


@pytest.mark.parametrize(
    ("tag", "subject", "desk", "words"),
    [
        ("en", "one small step", "example.org mail desk", "Please open this page."),
        ("de", "nur noch ein kleiner Schritt", "Poststelle example.org", "Bitte öffnen Sie diese Seite."),
        ("fr", "plus qu’une petite étape", "Service du courrier example.org", "Veuillez ouvrir cette page."),
        ("es", "solo falta un paso", "Servicio de correo de example.org", "Abra esta página, por favor."),
        ("cs", "už jen malý krok", "E-mailová podatelna example.org", "Otevřete prosím tuto stránku."),
    ],
)
async def test_challenge_is_written_in_the_language_of_the_mail(
    settings: Settings, tag: str, subject: str, desk: str, words: str
) -> None:
    message = await in_language(settings, Guess(tag, sure=True))
    assert message["Subject"] == f"Auto: Roof - {subject}"
    assert message["From"].addresses[0].display_name == desk
    assert message["Content-Language"] == tag
    assert words in text_of(message)
    assert f'<html lang="{tag}">' in text_of(message, "html")
    assert ("Please open" in text_of(message)) == (tag == "en")


async def test_challenge_in_a_guessed_language_has_english_below(settings: Settings) -> None:
    message = await in_language(settings, Guess("de", sure=False))
    assert message["Content-Language"] == "de, en"
    text, page = text_of(message), text_of(message, "html")
    assert text.startswith("(English text below)")
    assert text.index("Bitte öffnen Sie") < text.index("Please open this page")
    assert text.count("http://127.0.0.1/challenge/abc") == 2
    assert page.index("Bitte öffnen Sie") < page.index('<div lang="en">') < page.index("Please open this page")
    assert page.count("</body>") == 1
    assert len(message.as_bytes()) < 10_000


async def test_challenge_for_a_mail_without_subject_says_so_in_its_language(settings: Settings) -> None:
    message = await in_language(settings, Guess("fr", sure=True), subject="")
    assert message["Subject"] == "Auto: votre message - plus qu’une petite étape"


def with_templates(folder: Path) -> Settings:
    file = folder / "own.toml"
    file.write_text(f'[challenge]\ntemplates = "{folder / "own"}"\n')
    return load(file, {})


async def test_words_of_the_operator_in_one_language_leave_the_others(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own/mail/de/challenge"
    own.mkdir(parents=True)
    (own / "subject.txt").write_text("Eigener Betreff {{ subject_piece }}")
    with_own = with_templates(tmp_path)
    assert (await in_language(with_own, Guess("de", sure=True)))["Subject"] == "Eigener Betreff Roof"
    assert (await in_language(with_own, Guess("en", sure=True)))["Subject"] == "Auto: Roof - one small step"


def test_words_of_the_operator_are_tried_when_the_gateway_starts(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own/mail/de/challenge"
    own.mkdir(parents=True)
    (own / "body.txt").write_text("kein Link")
    with pytest.raises(TemplateFault, match=r"de/challenge/body\.txt"):
        LetterWriter(with_templates(tmp_path))


async def test_sign_in_mail_is_written_in_the_language_it_was_asked_in(settings: Settings) -> None:
    letter = SignInLetter("joe@example.org", "http://127.0.0.1/x", "192.0.2.1", NOW + 900, "cs")
    mail = await LetterWriter(settings).sign_in(letter, NOW)
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert (message["Subject"], message["Content-Language"]) == ("Váš odkaz k přihlášení", "cs")


# --- the words of notices ---

NOTICE = Texts("Waits: {{ subject }}\n", "{{ url }}\n{{ stop }}\n", '<p><a href="{{ stop }}">x</a></p>\n')


async def noticed(settings: Settings, texts: Texts | None) -> email.message.EmailMessage:
    async def texts_for(recipient: Address, tag: str) -> Texts | None:
        assert (recipient.domain, tag) == ("example.org", "en")
        return texts

    mail = await LetterWriter(settings, notice_texts_for=texts_for).notice(_SAMPLE, NOW)
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    return message


@pytest.mark.parametrize(
    ("texts", "subject"),
    [
        (None, "A message is waiting: Offer for the roof"),
        (NOTICE, "Waits: Offer for the roof"),
        (replace(NOTICE, text="no end\n"), "A message is waiting: Offer for the roof"),
    ],
)
async def test_notice_is_written_with_the_words_of_the_domain_if_they_are_good(
    settings: Settings, texts: Texts | None, subject: str
) -> None:
    assert (await noticed(settings, texts))["Subject"] == subject


def test_words_of_a_notice_are_tried_and_filled_in(settings: Settings) -> None:
    workshop = LetterWriter(settings).workshop(TextKind.NOTICE)
    tried = workshop.try_out("@example.org", "de", workshop.shipped("de"))
    assert isinstance(tried, Sample)
    assert tried.subject == "Eine E-Mail wartet: Offer for the roof"
    assert tried.sender == "Poststelle example.org <postmaster@example.org>"
    assert tried.octets > 3_000
    faults = workshop.try_out("", "en", Texts("{{ a }}", "{{ stop }}\n{{ b }}", "x", "Desk <desk@example.org>"))
    assert isinstance(faults, list)
    assert [(fault.part, fault.line) for fault in faults] == [("subject", 1), ("text", 2), ("from_line", 0)]
    faults = workshop.try_out("", "en", Texts("x", "{{ stop }}", "x"))
    assert [(fault.part, fault.line) for fault in faults] == [("html", 0)]  # type: ignore[union-attr]
    mail = workshop.sample_mail("", "en", NOTICE, "eve@example.org")
    assert b"\r\nTo: <eve@example.org>\r\n" in mail.content
    with pytest.raises(KeyError):
        workshop.shipped("xx")
