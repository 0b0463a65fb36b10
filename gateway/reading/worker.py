"""The process that reads mails: questions on standard input, answers on standard output, and nothing else it may do.

`python -m gateway.reading.worker`, started by `gateway.reading.reader` and by nobody else.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable

import msgspec

from gateway.domain.outline import Unreadable
from gateway.reading import tasks
from gateway.reading.limits import LIMITS, Limits
from gateway.reading.protocol import LENGTHS, Answer, Question

_GRACE = 2
"""Seconds after which a worker whose reader is gone, and cannot kill it, ends itself."""
_TOO_LARGE = "The mail needs more memory to be read than is allowed."
_TOO_ODD = "The mail is so odd that it cannot be taken apart."


def confine(limits: Limits) -> None:
    """Take from this process what reading does not need."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_octets),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def answer(question: Question, content: bytes, limits: Limits) -> tuple[Answer, bytes]:
    """Return what there is to say; never raises."""
    try:
        if question.task == "file":
            file = tasks.file(content, question.part, limits)
            return Answer(question.serial, name=file.name), file.octets
        said = (
            tasks.outline(content, question.marks, limits)
            if question.task == "outline"
            else tasks.document(content, question.part, question.images, question.marks, limits)
        )
        return Answer(question.serial), msgspec.msgpack.encode(said)
    except Unreadable as fault:
        return Answer(question.serial, fault=str(fault)), b""
    except MemoryError:
        return Answer(question.serial, fault=_TOO_LARGE), b""
    except Exception:  # What no test has thought of shall cost this one answer, not the page.
        return Answer(question.serial, fault=_TOO_ODD), b""


def serve(receive: Callable[[int], bytes], send: Callable[[bytes], object], limits: Limits) -> None:
    """Answer until nobody asks any more."""
    while True:
        lengths = receive(LENGTHS.size)
        if len(lengths) < LENGTHS.size:
            return
        head_length, body_length = LENGTHS.unpack(lengths)
        question = msgspec.msgpack.decode(receive(head_length), type=Question)
        content = receive(body_length)
        signal.alarm(int(limits.seconds) + _GRACE)
        said, body = answer(question, content, limits)
        signal.alarm(0)
        del content
        head = msgspec.msgpack.encode(said)
        send(LENGTHS.pack(len(head), len(body)) + head)
        send(body)


def main() -> None:
    """Run."""
    # A stray print must not stand among the answers.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is for the service, which ends us itself.
    confine(LIMITS)

    def send(octets: bytes) -> None:
        rest = memoryview(octets)
        while rest:
            rest = rest[out.write(rest) or 0 :]

    serve(sys.stdin.buffer.read, send, LIMITS)


if __name__ == "__main__":
    main()
