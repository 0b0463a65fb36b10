"""Real and malformed mails: nothing raises, and what a machine sent is never asked."""

from __future__ import annotations

import pytest

from gateway.domain import header, trace
from gateway.domain.address import Address
from gateway.domain.challenge import Asking
from gateway.domain.envelope import Client, Recipient, Transaction
from gateway.domain.message import read_message
from gateway.domain.policy import Policy, decide
from tests.corpus import Sample, samples
from tests.unit.domain.letters import ANNA, JOE, PROVEN, seen

AUTOMATIC = {"list", "prec-bulk", "prec-list", "prec-junk", "null-return-path", "report", "from-daemon"}
KEY = bytes(32)


@pytest.fixture(scope="module")
def corpus() -> list[Sample]:
    return samples()


def test_corpus_read_message_gives_facts_fit_to_be_stored_and_cited(corpus: list[Sample]) -> None:
    for sample in corpus:
        head = header.split(sample.content)
        facts = read_message(head)
        for text in (facts.subject, facts.author_name, facts.message_id, *facts.references):
            assert not set(text) & set("\r\n\0\x1b\u2028\u2029"), sample.path
            text.encode("utf-8")
        assert facts.message_id.isascii()
        assert len(facts.subject) <= 500
        at = 0
        for field in head.fields:
            assert at <= field.start < field.end <= head.body, sample.path
            assert head.malformed or at == field.start or b"From " in sample.content[at : field.start], sample.path
            at = field.end


def test_r01_r03_r05_r06_automatic_mail_of_the_corpus_is_never_asked_whoever_vouches(corpus: list[Sample]) -> None:
    policy = Policy(asking=Asking.ALL)
    asked = []
    for sample in corpus:
        if not (sample.flags & AUTOMATIC or any(flag.startswith("auto-") for flag in sample.flags)):
            continue
        facts = read_message(header.split(sample.content))
        recipients = [Address.of(key) for key in sorted(facts.addressed)] or [JOE]
        for recipient in recipients[:20]:
            for reverse_path in (ANNA, facts.author or ANNA):
                case = seen(message=facts, recipient=recipient, reverse_path=reverse_path, evidence=PROVEN)
                if decide(policy, case).ask:
                    asked.append(sample.path)
    assert asked == []


def test_corpus_release_mark_is_known_again_and_leaves_the_octets_alone(corpus: list[Sample]) -> None:
    transaction = Transaction(Client("192.0.2.7", helo="mx.oak.example"), ANNA, [Recipient(JOE)], id="t1")
    for sample in corpus:
        head = header.split(sample.content)
        mark = trace.release_mark(KEY, sample.content, head, 1000.0)
        onward = mark + trace.received_field(transaction, "gw.example.org", 1000.0) + sample.content
        again = header.split(onward)
        assert onward.endswith(sample.content)
        assert trace.bears_release_mark(KEY, onward, again, 2000.0), sample.path
        assert not trace.bears_release_mark(b"x" * 32, onward, again, 2000.0), sample.path


def test_corpus_subject_tag_changes_the_subject_alone(corpus: list[Sample]) -> None:
    for sample in corpus:
        head = header.split(sample.content)
        span, field = trace.with_subject_tag(sample.content, head, "[unasked]")
        tagged = b"".join(trace.replaced(sample.content, (), span, field))
        assert tagged == sample.content[: span[0]] + field + sample.content[span[1] :]
        if head.fields:
            after = header.split(tagged)
            assert (after.first(b"subject") or b"").startswith(b"[unasked]"), sample.path
            assert tagged[after.body :] == sample.content[head.body :], sample.path
            assert [f.name for f in after.fields if f.name != b"subject"] == [
                f.name for f in head.fields if f.name != b"subject"
            ], sample.path
