"""How much memory each process of the gateway takes: idle, under the load of `quick`, and with mails of 5 MB.

The service comes first, then the further processes at its door. PSS counts what they share by each one's part; the
peak is the largest resident size so far.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.load import Shape, send
from benchmarks.measure import family, peak_megabytes, pss_megabytes
from benchmarks.places import end_on_sigterm
from benchmarks.stand import KNOWN, UNKNOWN, Stand, stand

_LARGE = 5 * 1024 * 1024


def main(arguments: list[str]) -> int:
    """Load the gateway step by step and print its size after each."""
    parser = argparse.ArgumentParser(prog="benchmarks/memory.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mails", type=int, default=200, help="mails of 5 MB that are relayed (200)")
    parser.add_argument("--held", type=int, default=50, help="mails of 5 MB that are held (50)")
    parser.add_argument("--sessions", type=int, default=4, help="at a time, of the large mails (4)")
    options = parser.parse_args(arguments)
    with stand() as at:
        print(f"{'':44}{'PSS MB':>16}{'peak MB':>16}")
        tell(at, "idle, after the start")
        send(at.gateway.smtp_port, Shape(10_240, 20, False, KNOWN), 3000)
        tell(at, "3000 mails of 10 KB relayed, 20 sessions")
        send(at.gateway.smtp_port, Shape(10_240, 20, False, UNKNOWN), 3000)
        tell(at, "3000 mails of 10 KB held, 20 sessions")
        large = Shape(_LARGE, options.sessions, False, KNOWN)
        send(at.gateway.smtp_port, large, options.mails, timeout=600)
        tell(at, f"{options.mails} mails of 5 MB relayed, {options.sessions} sessions")
        held = Shape(_LARGE, options.sessions, False, UNKNOWN)
        send(at.gateway.smtp_port, held, options.held, timeout=600)
        tell(at, f"{options.held} mails of 5 MB held, {options.sessions} sessions")
    return 0


def tell(at: Stand, when: str) -> None:
    """Print one line of the table."""
    processes = family(at.gateway.pid)
    pss = " + ".join(f"{pss_megabytes([pid]):.0f}" for pid in processes)
    peak = " + ".join(f"{peak_megabytes(pid):.0f}" for pid in processes)
    print(f"{when:44}{pss:>16}{peak:>16}", flush=True)


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main(sys.argv[1:]))
