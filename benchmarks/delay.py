"""How much later a known sender's mail is taken than on a direct connection: one session, one mail after the other.

The clock runs from MAIL FROM to the answer to the final dot. Direct, gateway and Postfix (smtpd_proxy_filter) take
turns, a hundred mails each, all on kept connections to the same sink in the end.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import time
from types import TracebackType
from typing import Self

from benchmarks.places import HOST, end_on_sigterm
from benchmarks.stand import KNOWN, stand

_TURN = 100


class Session:
    """A kept connection that speaks plain SMTP, one command at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._hear(220)
        self._say("EHLO load.example", 250)

    def mail(self, octets: int) -> float:
        """Send one mail and return the seconds it took."""
        self._number += 1
        head = (
            f"From: <{KNOWN}>\r\nTo: <joe@example.org>\r\nMessage-ID: <{id(self)}.{self._number}@load.example>\r\n\r\n"
        )
        content = head.encode() + (b"x" * 78 + b"\r\n") * (octets // 80)
        begin = time.perf_counter()
        self._say(f"MAIL FROM:<{KNOWN}>", 250)
        self._say("RCPT TO:<joe@example.org>", 250)
        self._say("DATA", 354)
        self._socket.sendall(content + b".\r\n")
        self._hear(250)
        return time.perf_counter() - begin

    def _say(self, command: str, wanted: int) -> None:
        self._socket.sendall(command.encode() + b"\r\n")
        self._hear(wanted)

    def _hear(self, wanted: int) -> None:
        line = self._file.readline()
        while line[3:4] == b"-":
            line = self._file.readline()
        if not line.startswith(str(wanted).encode()):
            raise RuntimeError(f"wanted {wanted}, heard {line!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()


def main(arguments: list[str]) -> int:
    """Measure and print p50 and p99 of each way, and what the gateway adds."""
    parser = argparse.ArgumentParser(prog="benchmarks/delay.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=10, help=f"of {_TURN} mails on each way (10)")
    parser.add_argument("--octets", type=int, default=10_240, help="size of each mail (10240)")
    options = parser.parse_args(arguments)
    with stand() as at:
        ports = {"direct": at.sink.port, "gateway": at.gateway.smtp_port, "Postfix": at.relay_port}
        took: dict[str, list[float]] = {name: [] for name in ports}
        for turn in range(options.turns + 1):
            for name, port in ports.items():
                with Session(port) as session:
                    seconds = [session.mail(options.octets) for _ in range(_TURN)]
                if turn:  # The first one warms up.
                    took[name] += seconds
    print(f"{'':10}{'p50 ms':>10}{'p99 ms':>10}{'added p50':>12}{'added p99':>12}")
    direct = _percentiles(took["direct"])
    for name, seconds in took.items():
        p50, p99 = _percentiles(seconds)
        print(f"{name:10}{p50:10.2f}{p99:10.2f}{p50 - direct[0]:12.2f}{p99 - direct[1]:12.2f}")
    return 0


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main(sys.argv[1:]))
