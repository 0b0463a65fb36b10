"""The reader and its workers: killed, replaced, ended; a mail that cannot be read costs itself only."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from io import BytesIO

import msgspec
import pytest

from gateway.domain.outline import Marks, Outline, Unreadable
from gateway.reading import reader as reading
from gateway.reading import tasks, worker
from gateway.reading.limits import LIMITS
from gateway.reading.protocol import LENGTHS, Answer, Question
from gateway.reading.reader import Reader

MAIL = b"Subject: x\r\n\r\nhello\r\n"

# A worker that does as its mail says.
_TOY = """
import os, struct, sys, time, msgspec
from gateway.reading.protocol import LENGTHS, Answer, Question
from gateway.domain.outline import Outline
read, out = sys.stdin.buffer.read, sys.stdout.buffer
while head := read(LENGTHS.size):
    first, second = LENGTHS.unpack(head)
    question, mail = msgspec.msgpack.decode(read(first), type=Question), read(second)
    if mail == b"hang":
        time.sleep(60)
    if mail == b"die":
        os._exit(1)
    serial = question.serial + (mail == b"mix up")
    said, body = msgspec.msgpack.encode(Answer(serial)), msgspec.msgpack.encode(Outline(subject=str(os.getpid())))
    if mail == b"shout":
        out.write(LENGTHS.pack(len(said), 2**40))
    elif mail == b"babble":
        out.write(LENGTHS.pack(3, 3) + b"\\xff\\xff\\xff\\xff\\xff\\xff")
    else:
        out.write(LENGTHS.pack(len(said), len(body)) + said + body)
    out.flush()
"""
Make = Callable[..., Reader]


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    # No more time for a fresh worker than for others; the toy has its libraries in the blink of an eye.
    made: list[Reader] = []

    def toy(seconds: float = 10.0, idle: float = 60.0) -> Reader:
        made.append(Reader(replace(LIMITS, seconds=seconds), (sys.executable, "-I", "-c", _TOY), idle))
        return made[-1]

    yield toy
    for one in made:
        await one.close()


async def worker_of(reader: Reader) -> int:
    return int((await reader.outline(b"", Marks())).subject)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_reader_reads_a_mail_in_a_confined_process_of_its_own() -> None:
    reader = Reader()
    try:
        found = await reader.outline(MAIL, Marks())
        assert found.pieces[0].text == "hello"
        (file, document) = (await reader.file(MAIL, 0), reader.document(MAIL, 0, False, Marks()))
        assert file.octets == b"hello\r\n"
        with pytest.raises(Unreadable, match="no HTML"):
            await document
    finally:
        await reader.close()


async def test_worker_serves_one_question_after_the_other(make: Make) -> None:
    reader = make()
    assert await worker_of(reader) == await worker_of(reader)


async def test_nothing_runs_before_the_first_question(make: Make) -> None:
    assert make()._idle == []


async def test_worker_that_hangs_is_killed_and_replaced(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = make(seconds=0.2)
    before = await worker_of(reader)
    begun = time.monotonic()
    with pytest.raises(Unreadable, match="took too long"):
        await reader.outline(b"hang", Marks())
    assert time.monotonic() - begun < 5
    assert await worker_of(reader) != before
    await reader.close()
    assert gone(before)


@pytest.mark.parametrize("mail", [b"die", b"mix up", b"shout", b"babble"])
async def test_worker_that_goes_wrong_is_replaced(make: Make, mail: bytes) -> None:
    reader = make()
    before = await worker_of(reader)
    with pytest.raises(Unreadable, match="has given up"):
        await reader.outline(mail, Marks())
    assert await worker_of(reader) != before


async def test_answer_nobody_waits_for_is_not_the_next_ones(make: Make) -> None:
    reader = make()
    before = await worker_of(reader)
    asking = asyncio.create_task(reader.outline(b"hang", Marks()))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await worker_of(reader) != before


async def test_idle_worker_is_ended(make: Make) -> None:
    reader = make(idle=0.05)
    pid = await worker_of(reader)
    for _ in range(200):
        if gone(pid):
            break
        await asyncio.sleep(0.02)
    assert gone(pid)
    assert await worker_of(reader) != pid


async def test_worker_is_replaced_after_many_uses(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_USES", 2)
    reader = make()
    pids = [await worker_of(reader) for _ in range(4)]
    assert pids[0] == pids[1]
    assert pids[1] != pids[2]


async def test_reader_that_has_too_much_to_do_says_so(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_WAITING", 0)
    with pytest.raises(Unreadable, match="Too many"):
        await make().outline(MAIL, Marks())


async def test_worker_that_cannot_be_started_is_told_of() -> None:
    reader = Reader(command=("/does/not/exist",))
    with pytest.raises(Unreadable, match="given up"):
        await reader.outline(MAIL, Marks())
    await reader.close()


def talk(*questions: tuple[Question, bytes]) -> list[tuple[Answer, bytes]]:
    asked = BytesIO()
    for question, content in questions:
        head = msgspec.msgpack.encode(question)
        asked.write(LENGTHS.pack(len(head), len(content)) + head + content)
    asked.seek(0)
    said = BytesIO()
    worker.serve(asked.read, said.write, LIMITS)
    said.seek(0)
    answers = []
    while lengths := said.read(LENGTHS.size):
        head_length, body_length = LENGTHS.unpack(lengths)
        answers.append((msgspec.msgpack.decode(said.read(head_length), type=Answer), said.read(body_length)))
    return answers


def test_worker_answers_each_question_with_its_serial() -> None:
    first, second = talk((Question(7, "outline"), MAIL), (Question(9, "file", 5), MAIL))
    assert first[0] == Answer(7)
    assert msgspec.msgpack.decode(first[1], type=Outline).subject == "x"
    assert second[0] == Answer(9, fault="The mail has no such part.")


@pytest.mark.parametrize(
    ("fault", "words"), [(MemoryError, "more memory"), (RecursionError, "so odd"), (KeyError, "so odd")]
)
def test_worker_that_meets_a_fault_says_so_and_lives(
    monkeypatch: pytest.MonkeyPatch, fault: type[Exception], words: str
) -> None:
    def broken(*_: object) -> Outline:
        raise fault

    monkeypatch.setattr(tasks, "outline", broken)
    said, body = worker.answer(Question(1, "outline"), MAIL, LIMITS)
    assert words in said.fault
    assert body == b""


def test_large_mail_is_read_within_the_limits() -> None:
    mail = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf; name=x.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + (b"A" * 76 + b"\r\n") * 100_000 + b"--b--\r\n"
    )
    ((said, body),) = talk((Question(1, "file", 1), mail))
    assert (said.name, len(body)) == ("x.pdf", 5_700_000)
