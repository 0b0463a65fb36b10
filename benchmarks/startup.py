"""How long it takes from the start of the process to the first 250 for a mail: on a new store, and on one that is there."""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from benchmarks.delay import Session
from benchmarks.gateway_process import GatewayProcess
from benchmarks.places import HOST, end_on_sigterm, open_folder
from benchmarks.surroundings import Surroundings, sender_zones


def main(arguments: list[str]) -> int:
    """Start it again and again and print the median of each kind."""
    parser = argparse.ArgumentParser(prog="benchmarks/startup.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=5, help="starts on a store that is there (5)")
    options = parser.parse_args(arguments)
    with (
        open_folder("gateway-startup") as folder,
        Surroundings(sender_zones(["known.example"], HOST)) as around,
    ):
        gateway = GatewayProcess(
            folder,
            {
                "relay.next_hop": f"{HOST}:{around.inside.port}",
                "relay.smart_host": f"{HOST}:{around.outside.port}",
                "dns.servers": [f"{HOST}:{around.dns_port}"],
            },
        )
        try:
            print(f"new store           {first_250(gateway):6.2f} s", flush=True)
            took = [first_250(gateway) for _ in range(options.times)]
            print(f"store that is there {statistics.median(took):6.2f} s, {min(took):.2f} to {max(took):.2f}")
        finally:
            gateway.kill()
    return 0


def first_250(gateway: GatewayProcess) -> float:
    """Start it, send a mail as soon as it listens, stop it, and return the seconds from start to 250."""
    begin = time.perf_counter()
    gateway.start(wait=False)
    while True:
        try:
            with Session(gateway.smtp_port) as session:
                session.mail(1000)
                seconds = time.perf_counter() - begin
        except (ConnectionError, RuntimeError):
            if time.perf_counter() - begin > 30 or not gateway.runs:
                raise
            time.sleep(0.005)
        else:
            gateway.stop()
            return seconds


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main(sys.argv[1:]))
