"""What the message page says of one mail: plain values for the templates. Text of the mail's own is marked as foreign there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from challenge_web.console.pending_words import octets, score_words
from gateway.domain.durations import HOUR
from gateway.domain.entry_words import demand, whom
from gateway.domain.evidence import Evidence, Result
from gateway.domain.explain import Fact, evidence_facts
from gateway.domain.file_name import safe_name, warning_of
from gateway.domain.lifecycle import State
from gateway.domain.lists import SIGNED, Entry, Verdict
from gateway.domain.lookalike import cautions, look_of
from gateway.domain.outline import Outline, Part, Person
from gateway.domain.phrase import phrase, phrase_in
from gateway.domain.sentences import answer_of, challenge_sentence, days_left, proof_sentence, reason_sentence
from gateway.domain.sources import proof_of_source
from gateway.flow.queue import MOST_COUNTED, Spot
from gateway.flow.read import Held
from gateway.flow.sources import source_at

_MOST_PEOPLE = 10
"""Named in one field; of more it is said how many they are."""
_LATEST = 2.0**33
"""Epoch seconds; later than any date that is meant."""


@dataclass(frozen=True, slots=True)
class Who:
    """A mailbox as it is shown."""

    name: str
    address: str
    """In the letters people read."""
    ascii_domain: str
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileWords:
    """A part that is offered as a file."""

    number: int
    name: str
    kind: str
    size: str
    warning: str
    depth: int
    is_file: bool


def who(name: str, address: str) -> Who:
    """Put a mailbox into words."""
    look = look_of(address)
    return Who(name, look.text, look.ascii_domain, cautions(name, address))


def people(found: Sequence[Person]) -> tuple[list[Who], int]:
    """Return the first few, and how many more there are."""
    return [who(one.name, one.address) for one in found[:_MOST_PEOPLE]], max(0, len(found) - _MOST_PEOPLE)


def only_for(recipient: str, found: Sequence[Person]) -> bool:
    """True where the mail is addressed to nobody but this mailbox, and by no name: who it waits for says it all."""
    return all(not one.name and one.address.lower() == recipient.lower() for one in found)


def dated(date: str, received_at: float) -> float | None:
    """Return when its sender says it was written; 0.0 within an hour of its coming; None for what is no date."""
    try:
        found = parsedate_to_datetime(date)
        at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    if not 0 < at < _LATEST:
        return None
    return at if abs(at - received_at) > HOUR else 0.0


def files(outline: Outline) -> list[FileWords]:
    """Return every part, those that only hold others too."""
    return [
        FileWords(
            part.number, part.name, part.kind, octets(part.octets), warning_of(part.name), part.depth, part.is_file
        )
        for part in outline.parts
    ]


def why(held: Held, now: float) -> list[str]:
    """Say why the mail is here and how things stand, in whole sentences, what matters most first."""
    sentences = [reason_sentence(held.reason), phrase("{words}.", words=proof_sentence(held.evidence.proofs))]
    if _failed(held.evidence):
        sentences.append(_failed(held.evidence))
    waits = held.state is State.PENDING
    if waits or held.asked is not None:
        sentences.append(challenge_sentence(held.asked.state if held.asked else "", held.silence))
    if waits:
        left, _ = days_left(held.expires_at, now)
        sentences.append(phrase("Time: {left}, unless somebody moves it before.", left=left))
    return sentences


@dataclass(frozen=True, slots=True)
class SourceWords:
    """The source of a mail that can be accepted or blocked as a whole."""

    name: str
    """Text of the mail's own, to be shown with care."""
    vouched: bool
    """It can be accepted."""
    needs: str
    """What its mail will have to prove, in a sentence."""
    wide: str
    """A domain whose people get in with it too; "" where it is a machine's alone."""


def source_words(held: Held) -> SourceWords | None:
    """Return the source that can be settled at this mail; None where there is none."""
    key = source_at(held.source, held.reason, held.evidence)
    if not key:
        return None
    proof = proof_of_source(key, held.evidence)
    needs = demand(Entry(Verdict.ALLOW, key, held.recipient_key, proof)) if proof else ""
    return SourceWords(whom(key), bool(proof), needs, "" if held.source else key.removeprefix(SIGNED))


def _failed(evidence: Evidence) -> str:
    if evidence.dmarc is not None and evidence.dmarc.result is Result.FAIL:
        return phrase(
            "{domain} has published how to know its mail, and this mail does not fit: it may be forged.",
            domain=evidence.dmarc.domain,
        )
    return ""


def facts(held: Held) -> list[Fact]:
    """Return everything that was found out about how it came."""
    found = [
        Fact(phrase_in("fact", "recipient"), held.recipient),
        Fact(phrase_in("fact", "reverse-path"), held.sender or phrase("<> (null)")),
        Fact(
            phrase_in("fact", "author"),
            held.author or phrase("none, or more than one: no identity can be aligned with it"),
        ),
        *evidence_facts(held.evidence),
        Fact(
            phrase_in("fact", "score"),
            ""
            if held.score is None
            else phrase("{score}, says the filter in front of us", score=score_words(held.score)),
        ),
        Fact(phrase_in("fact", "reason"), held.reason),
        Fact(phrase_in("fact", "client"), " ".join(word for word in (held.client, held.client_name) if word)),
        Fact("HELO", held.helo),
        Fact(phrase_in("fact", "protocol"), held.protocol),
        Fact("Message-ID", held.mail_id),
        Fact(phrase_in("fact", "list"), held.list_id),
        Fact(phrase_in("fact", "source"), held.source),
        Fact(phrase_in("fact", "in our log"), held.transaction_id),
        Fact(phrase_in("fact", "in the log of the server in front"), held.queue_id),
        Fact(phrase_in("fact", "SHA-256 of the content"), held.sha256.hex()),
    ]
    if held.attempts:
        found.append(Fact(phrase_in("fact", "attempts to deliver"), str(held.attempts)))
    if held.last_reply:
        found.append(Fact(phrase_in("fact", "the mail server said"), answer_of(held.last_reply)))
    return [fact for fact in found if fact.words]


def place_words(spot: Spot) -> str:
    """Say where a mail stands in the list it was opened from."""
    total = str(spot.total) if spot.total <= MOST_COUNTED else phrase("more than {count}", count=MOST_COUNTED)
    if spot.number:
        return phrase("{number} of {total}", number=spot.number, total=total)
    return phrase("One of {total}", total=total)


def saved_as(part: Part | None, name: str, fallback: str) -> str:
    """Return the name a file is offered under."""
    return safe_name(name, (part.name if part else "") or fallback)


def disposition(name: str) -> str:
    """Return a Content-Disposition field for a download (RFC 6266 §4, RFC 8187 §3.2). name: made safe already."""
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\%' else "_" for letter in name
    )
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
    return f'attachment; filename="{plain}"{extended}'
