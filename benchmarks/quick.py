"""`make bench-quick`: relaying and holding 10 KB mails, 20 sessions, in turns with a real Postfix.

Relay: known mail goes to the next hop inside the session, against Postfix's smtpd_proxy_filter to the same sink.
Hold: unknown mail is put on stable storage, against Postfix's HOLD action.

Prints medians, and the ratio of each pair's rates: single rates say little on a busy machine, ratios do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.load import Comparison, Run, Shape, compare
from benchmarks.measure import family, pss_megabytes
from benchmarks.places import end_on_sigterm
from benchmarks.stand import KNOWN, UNKNOWN, hold_servers, relay_servers, stand

_OCTETS, _SESSIONS = 10_240, 20

HEADER = (
    f"{'':22}{'gateway':>10}{'Postfix':>10}{'ratio':>8}{'of each pair':>16}"
    f"{'CPU gateway':>14}{'CPU Postfix':>14}{'PSS gateway':>14}"
)
UNITS = f"{'':22}{'msg/s':>10}{'msg/s':>10}{'':>8}{'lowest-highest':>16}{'s/1000':>14}{'s/1000':>14}{'MB':>14}"


def row(name: str, result: Comparison, pss: Sequence[float]) -> str:
    """Return one line of the table. pss: of each process of the gateway, in MB."""
    spread = f"{min(result.ratios):.2f}-{max(result.ratios):.2f}"
    return (
        f"{name:22}{_rate(result.ours):10.0f}{_rate(result.theirs):10.0f}{result.ratio:8.2f}{spread:>16}"
        f"{_cpu(result.ours):14.2f}{_cpu(result.theirs):14.2f}{' + '.join(f'{one:.0f}' for one in pss):>14}"
    )


def _rate(runs: Iterable[Run]) -> float:
    return statistics.median(run.rate for run in runs)


def _cpu(runs: Iterable[Run]) -> float:
    return statistics.median(run.cpu_per_thousand for run in runs)


def main(arguments: list[str]) -> int:
    """Run the four comparisons and print them."""
    parser = argparse.ArgumentParser(prog="benchmarks/quick.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=5, help="rounds of each comparison (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="about how long each run takes (2)")
    parser.add_argument("--octets", type=int, default=_OCTETS, help=f"of each mail ({_OCTETS})")
    parser.add_argument("--sessions", type=int, default=_SESSIONS, help=f"at a time ({_SESSIONS})")
    parser.add_argument("--only", choices=("relay", "hold"), help="one path only")
    parser.add_argument("--keep-log", type=Path, help="copy the gateway's log there in the end")
    options = parser.parse_args(arguments)
    with stand() as at:
        print(f"{options.octets} octets, {options.sessions} sessions", HEADER, UNITS, sep="\n", flush=True)
        for path, sender, servers in (("relay", KNOWN, relay_servers), ("hold", UNKNOWN, hold_servers)):
            if options.only not in (None, path):
                continue
            ours, theirs = servers(at)
            for kept in (False, True):
                shape = Shape(options.octets, options.sessions, kept, sender)
                result = compare(ours, theirs, shape, pairs=options.pairs, seconds=options.seconds)
                pss = [pss_megabytes([pid]) for pid in family(at.gateway.pid)]
                print(row(f"{path}, {'kept' if kept else 'new'} connections", result, pss), flush=True)
        if options.keep_log:
            options.keep_log.write_text(at.gateway.log())
    return 0


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main(sys.argv[1:]))
