"""The courier: where a letter goes, and by what it passes when it comes by us again."""

from __future__ import annotations

import pytest

from gateway.domain import header, trace
from gateway.domain.address import Address
from gateway.domain.reply import Reply
from gateway.flow.courier import Courier
from gateway.flow.letter_book import LetterKind
from gateway.flow.own_mail import OwnMail
from gateway.flow.ports import Hop
from tests.unit.flow.world import FakeHop

KEY, NOW = b"k" * 32, 1_700_000_000.0
JOE, OUTER = Address.of("joe@example.org"), Address.of("lab@inspect.example")
DESK = Address.of("postmaster@example.org")


class SmartHost:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes, bool]] = []

    async def send(self, *mail: str | bytes | bool) -> Reply:
        self.sent.append(mail)  # type: ignore[arg-type]  # The four of Outside, compared as they are.
        return Reply(250, "ok", "2.0.0")


def courier(hop: Hop, outside: SmartHost) -> Courier:
    return Courier({"example.org"}, lambda domain: hop, outside.send, now=lambda: NOW, mark_key=KEY)


def letter(text: str = "Hello") -> OwnMail:
    return OwnMail(f"From: <{DESK.text}>\r\nSubject: x\r\n\r\n{text}\r\n".encode(), "<1@gw>", False)


@pytest.mark.parametrize("kind", LetterKind)
async def test_letter_to_our_domain_of_any_kind_bears_the_release_mark(kind: LetterKind) -> None:
    hop, outside = FakeHop(), SmartHost()
    assert (await courier(hop, outside).bring(kind, JOE, letter())).accepted
    ((envelope, taken),) = hop.taken
    assert trace.bears_release_mark(KEY, taken, header.split(taken), NOW)
    assert taken.endswith(letter().content)
    assert envelope.reverse_path.is_null
    assert envelope.recipients[0].notify == "NEVER"
    assert outside.sent == []


async def test_letter_to_another_domain_goes_outside_as_it_is() -> None:
    hop, outside = FakeHop(), SmartHost()
    await courier(hop, outside).bring(LetterKind.COPY, OUTER, letter(), DESK)
    assert outside.sent == [(DESK.text, OUTER.text, letter().content, False)]
    assert hop.taken == []


@pytest.mark.parametrize(("text", "eight"), [("Hello", False), ("Grüße", True)])
async def test_letter_with_8bit_text_is_announced_as_such(text: str, eight: bool) -> None:
    hop = FakeHop()
    await courier(hop, SmartHost()).bring(LetterKind.COPY, JOE, letter(text), DESK)
    ((envelope, _),) = hop.taken
    assert (envelope.reverse_path, envelope.body_8bit) == (DESK, eight)
