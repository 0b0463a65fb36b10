"""Has mails read by workers: few, started at the first question, killed when they take too long, ended when idle."""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from typing import TypeVar

import msgspec

from gateway.domain.outline import Document, File, Marks, Outline, Unreadable
from gateway.domain.phrase import phrase
from gateway.log import event, warning
from gateway.reading.limits import LIMITS, Limits
from gateway.reading.protocol import LENGTHS, MAX_HEAD, Answer, Question

_log = logging.getLogger("gateway.reading")
T = TypeVar("T")

WORKERS = 2
IDLE_SECONDS = 60.0
MAX_USES = 200
"""Questions after which a worker is replaced: what its libraries may have left behind goes with it."""
MAX_WAITING = 50
START_SECONDS = 10.0
"""More for the first question of a worker: it has to load its libraries, perhaps on a busy machine."""
_SLICE = 262_144
_TOO_SLOW = phrase("Reading the mail took too long.")
_CRASHED = phrase("The program that reads mails has given up on this one.")
_BUSY = phrase("Too many mails are being read at the moment; try again in a minute.")


class Reader:
    """Asks workers about mails. Each question stands for itself; nothing of a mail is kept."""

    def __init__(
        self,
        limits: Limits = LIMITS,
        command: tuple[str, ...] = (sys.executable, "-I", "-m", "gateway.reading.worker"),
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._limits = limits
        self._command = command
        self._idle_seconds = idle_seconds
        self._idle: list[_Worker] = []
        self._room = asyncio.Semaphore(WORKERS)
        self._waiting = 0
        self._serials = itertools.count(1)
        self._reaper: asyncio.TimerHandle | None = None
        self._ends: set[asyncio.Task[None]] = set()

    async def outline(self, content: bytes, marks: Marks) -> Outline:
        """Return a mail at a glance. Raises Unreadable."""
        _, body = await self._ask(Question(next(self._serials), "outline", marks=marks), content)
        return _decoded(body, Outline)

    async def document(self, content: bytes, part: int, images: bool, marks: Marks) -> Document:
        """Return one HTML part, cleaned. Raises Unreadable."""
        _, body = await self._ask(Question(next(self._serials), "document", part, images, marks), content)
        return _decoded(body, Document)

    async def file(self, content: bytes, part: int) -> File:
        """Return one part, decoded. Raises Unreadable."""
        said, body = await self._ask(Question(next(self._serials), "file", part), content)
        return File(said.name, body)

    async def close(self) -> None:
        """End every worker that rests."""
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        for worker in self._idle:
            self._end(worker)
        self._idle.clear()
        await asyncio.gather(*self._ends, return_exceptions=True)

    async def _ask(self, question: Question, content: bytes) -> tuple[Answer, bytes]:
        if self._waiting >= MAX_WAITING:
            raise Unreadable(_BUSY)
        self._waiting += 1
        try:
            async with self._room:
                said, body = await self._ask_one(question, content)
        finally:
            self._waiting -= 1
        if said.fault:
            raise Unreadable(phrase(said.fault))  # Its template alone comes through the pipe.
        return said, body

    async def _ask_one(self, question: Question, content: bytes) -> tuple[Answer, bytes]:
        worker = await self._worker()
        done = False
        patience = self._limits.seconds + (0 if worker.uses else START_SECONDS)
        try:
            async with asyncio.timeout(patience):
                answer = await worker.ask(question, content, self._limits.answer_octets)
            done = worker.uses < MAX_USES
            return answer
        except TimeoutError as fault:
            warning(_log, "reading-killed", task=question.task, octets=len(content))
            raise Unreadable(_TOO_SLOW) from fault
        except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError, ValueError) as fault:
            warning(_log, "reading-crashed", task=question.task, octets=len(content), reason=type(fault).__name__)
            raise Unreadable(_CRASHED) from fault
        finally:
            # Also when who asked has gone away: the answer that is under way must not become the next one's.
            if done:
                self._rest(worker)
            else:
                self._end(worker)

    async def _worker(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            self._end(worker)
        try:
            # Its own environment: nothing of ours is any business of what reads foreign mail.
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={"LC_ALL": "C.UTF-8"}, close_fds=True
            )
        except OSError as fault:
            warning(_log, "reading-not-started", reason=type(fault).__name__)
            raise Unreadable(_CRASHED) from fault
        event(_log, "reading-started", worker=process.pid)
        return _Worker(process)

    def _rest(self, worker: _Worker) -> None:
        loop = asyncio.get_running_loop()
        worker.rests_since = loop.time()
        self._idle.append(worker)
        if self._reaper is None:
            self._reaper = loop.call_later(self._idle_seconds, self._reap)

    def _reap(self) -> None:
        loop = asyncio.get_running_loop()
        self._reaper = None
        latest = loop.time() - self._idle_seconds
        for worker in [one for one in self._idle if one.rests_since <= latest]:
            self._idle.remove(worker)
            self._end(worker)
        if self._idle:
            self._reaper = loop.call_at(self._idle[0].rests_since + self._idle_seconds, self._reap)

    def _end(self, worker: _Worker) -> None:
        task = asyncio.get_running_loop().create_task(worker.end(), name="reading: end of a worker")
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)


class _Worker:
    """One process and its pipes."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.uses = 0
        self.rests_since = 0.0

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, question: Question, content: bytes, most: int) -> tuple[Answer, bytes]:
        """Return its answer. Raises what pipes raise, and ValueError for what is no answer to this question."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        head = msgspec.msgpack.encode(question)
        to.write(LENGTHS.pack(len(head), len(content)) + head)
        whole = memoryview(content)
        for at in range(0, len(whole), _SLICE):
            to.write(whole[at : at + _SLICE])
            await to.drain()
        head_length, body_length = LENGTHS.unpack(await back.readexactly(LENGTHS.size))
        if head_length > MAX_HEAD or body_length > most:
            raise ValueError("the answer is too long")
        said = msgspec.msgpack.decode(await back.readexactly(head_length), type=Answer)
        body = await back.readexactly(body_length)
        if said.serial != question.serial:
            raise ValueError("the answer is to another question")
        self.uses += 1
        return said, body

    async def end(self) -> None:
        """Kill it: it holds nothing that is worth a farewell."""
        with suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.MsgspecError as fault:
        raise Unreadable(_CRASHED) from fault
