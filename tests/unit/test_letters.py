from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain.address import Address
from gateway.domain.lifecycle import ChallengeState
from gateway.domain.policy import Scope
from gateway.flow.ports import ChallengeRow
from gateway.flow.texts import Sample, Texts
from gateway.letters import LetterWriter, from_parts
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
    async def texts_for(domain: str) -> Texts | None:
        assert domain == "example.org"
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


def test_sample_tells_how_the_mail_will_look(settings: Settings) -> None:
    tried = LetterWriter(settings).try_out("@example.org", GOOD)
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
    tried = LetterWriter(settings).try_out("", replace(GOOD, **change))
    assert not isinstance(tried, Sample)
    assert [(fault.part, fault.line) for fault in tried] == [(part, line)]
    assert all(fault.reason for fault in tried)


def test_every_part_with_a_fault_is_told_at_once(settings: Settings) -> None:
    tried = LetterWriter(settings).try_out("", Texts("{{ a }}", "{{ b }}", "{{ c }}", "x"))
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
