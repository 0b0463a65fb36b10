"""Several processes at the door: clients, admins and monitors meet one service."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway_process import GatewayProcess
from benchmarks.measure import family
from benchmarks.places import HOST, PATIENCE, wait_until
from tests.certificates import make_certificate, unverified_tls
from tests.peers.letters import letter
from tests.system.conftest import OUTSIDE, MakeSite, Site

ADA, JOE = "ada@stranger.example", "joe@example.org"
PROCESSES = 3


@pytest.fixture
def kind() -> type[GatewayProcess]:
    """Here it matters what a process is: its command, its name, its descriptors."""
    return GatewayProcess


def lines(site: Site, event: str) -> list[dict[str, Any]]:
    """Return the lines of the log that tell of an event."""
    return [line for line in map(json.loads, site.gateway.log().splitlines()) if line["event"] == event]


def door_processes(site: Site) -> list[int]:
    """Return the processes beside the service itself that live now."""
    told = [line["pid"] for line in lines(site, "door-process-ready")]
    return [pid for pid in told if pid in family(site.gateway.pid)]


def all_there(site: Site) -> bool:
    return len(door_processes(site)) == PROCESSES - 1


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A gateway whose processes are all at work."""
    made = make_site({"smtp.processes": PROCESSES})
    wait_until(lambda: all_there(made), "every process takes mail")
    return made


def owner(site: Site, client: smtplib.SMTP) -> int:
    """Return which process has the other end of a connection."""
    assert client.sock is not None
    ours, theirs = client.sock.getsockname(), client.sock.getpeername()
    wanted = f"{_hex(theirs)} {_hex(ours)}"
    inode = next(line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if wanted in line)
    for pid in family(site.gateway.pid):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if os.readlink(descriptor) == f"socket:[{inode}]":
                    return pid
    raise AssertionError("nobody has it")


def _hex(address: tuple[str, int]) -> str:
    return f"{socket.inet_aton(address[0])[::-1].hex().upper()}:{address[1]:04X}"


@pytest.fixture
def clients(site: Site) -> Iterator[dict[int, smtplib.SMTP]]:
    """A client at each process, greeted."""
    with ExitStack() as stack:
        found: dict[int, smtplib.SMTP] = {}

        def another() -> bool:
            door = smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 30, (OUTSIDE, 0))
            stack.callback(door.close)
            door.ehlo()
            found.setdefault(owner(site, door), door)
            return len(found) == PROCESSES

        wait_until(another, "each process has a client")
        yield found


def bring(door: smtplib.SMTP, subject: str) -> int:
    """Bring a mail over an open connection; return the reply's code."""
    door.mail(ADA)
    door.rcpt(JOE)
    return door.data(letter(ADA, JOE, subject))[0]


def counted(site: Site) -> float:
    """Return how many mails were held, as the metrics tell: of a process that is slow to answer they tell what they know."""
    return site.gateway.metric("gateway_decisions_total", disposition="hold")


def test_mail_of_every_process_is_held_counted_and_asked_about(site: Site, clients: dict[int, smtplib.SMTP]) -> None:
    for number, door in enumerate(clients.values()):
        assert bring(door, f"Mail {number}") == 250
    held = site.gateway.data("pending", "list")
    assert {row["subject"][:6] for row in held} == {f"Mail {number}" for number in range(PROCESSES)}
    wait_until(lambda: counted(site) == PROCESSES, "all are counted")
    assert len(site.around.outside.wait(ADA)) == 1
    wait_until(lambda: len(lines(site, "hold")) >= PROCESSES, "the lines are written")
    assert len(lines(site, "hold")) == PROCESSES


def test_entry_that_a_command_adds_counts_in_every_process(site: Site, clients: dict[int, smtplib.SMTP]) -> None:
    for door in clients.values():
        assert bring(door, "Before") == 250
    site.gateway.command("lists", "add", "deny", ADA)
    for door in clients.values():
        door.mail(ADA)
        assert door.rcpt(JOE)[0] == 550


def test_process_that_is_killed_is_started_again_and_what_it_took_is_there(
    site: Site, clients: dict[int, smtplib.SMTP]
) -> None:
    victim = next(pid for pid in clients if pid != site.gateway.pid)
    assert bring(clients[victim], "Taken before the kill") == 250
    wait_until(lambda: counted(site) == 1, "it is counted")
    assert Path(f"/proc/{victim}/comm").read_text() == "gateway-door\n"
    # It was forked, and has nothing open of what its parent had then.
    assert os.readlink(f"/proc/{victim}/fd/0") == os.devnull
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(set(door_processes(site)) - {victim}) == PROCESSES - 1, "another took its place")
    (line,) = lines(site, "door-process-ended")
    assert line["status"] == -signal.SIGKILL
    (successor,) = set(door_processes(site)) - set(clients)
    assert b"gateway.doors.process" in Path(f"/proc/{successor}/cmdline").read_bytes()
    for pid, door in clients.items():
        if pid != victim:
            assert bring(door, "Taken after it") == 250
    wait_until(lambda: counted(site) == PROCESSES, "all are counted")
    assert len(site.gateway.data("pending", "list")) == PROCESSES
    assert site.gateway.command("audit")


def test_sigterm_lets_the_session_of_each_process_finish_its_mail(site: Site, clients: dict[int, smtplib.SMTP]) -> None:
    for number, door in enumerate(clients.values()):
        door.mail(ADA)
        door.rcpt(JOE)
        assert door.docmd("DATA")[0] == 354
        door.send(f"Subject: Mail {number}\r\n\r\nThe first half".encode())
    others = door_processes(site)
    os.kill(site.gateway.pid, signal.SIGTERM)
    for pid in others:
        os.kill(pid, signal.SIGTERM)  # As systemd does.
    wait_until(site.refuses, "nobody else gets in")
    for door in clients.values():
        door.send(b" and the second.\r\n.\r\n")
        assert door.getreply()[0] == 250
    wait_until(lambda: not site.gateway.runs, "it ends")
    assert site.gateway.stop() == 0
    assert lines(site, "stopped")[0]["cut_off"] == 0
    assert len(site.gateway.data("pending", "list")) == PROCESSES
    assert not [pid for pid in others if Path(f"/proc/{pid}").exists()]


def test_processes_of_a_service_that_is_killed_finish_their_mail_and_end(
    site: Site, clients: dict[int, smtplib.SMTP]
) -> None:
    others = door_processes(site)
    orphan = clients[others[0]]
    orphan.mail(ADA)
    orphan.rcpt(JOE)
    assert orphan.docmd("DATA")[0] == 354
    site.gateway.kill()
    orphan.send(b"Subject: Orphan\r\n\r\nHello.\r\n.\r\n")
    assert orphan.getreply()[0] == 250
    wait_until(lambda: not [pid for pid in others if Path(f"/proc/{pid}").exists()], "they end")
    assert {json.loads(line)["level"] for line in site.gateway.log().splitlines()} == {"info"}
    site.gateway.start()
    assert [row["subject"] for row in site.gateway.data("pending", "list")] == ["Orphan"]


def test_limit_of_one_client_holds_over_all_processes(make_site: MakeSite) -> None:
    site = make_site({"smtp.processes": PROCESSES, "smtp.max_connections_per_client": 5})
    wait_until(lambda: all_there(site), "every process takes mail")
    with ExitStack() as stack:
        greetings = []
        for _ in range(30):
            one = stack.enter_context(socket.create_connection((HOST, site.gateway.smtp_port), PATIENCE))
            greetings.append(one.recv(3))
    # Two processes that look in the same moment may each admit one.
    assert 5 <= greetings.count(b"220") <= 5 + PROCESSES
    assert greetings.count(b"421") == 30 - greetings.count(b"220")


def test_room_that_the_clients_of_a_killed_process_had_is_free_again(make_site: MakeSite) -> None:
    site = make_site({"smtp.processes": PROCESSES, "smtp.max_connections": 12})
    wait_until(lambda: all_there(site), "every process takes mail")
    with ExitStack() as stack:

        def enter() -> list[smtplib.SMTP]:
            entered = []
            with suppress(smtplib.SMTPConnectError):  # 421
                while True:
                    entered.append(smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 30))
                    stack.callback(entered[-1].close)
            return entered

        owners = Counter(owner(site, door) for door in enter())
        victim = next(pid for pid, _ in owners.most_common() if pid != site.gateway.pid)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: bool(lines(site, "door-process-ended")), "it is noticed")
        # Processes that look in the same moment may each admit one, here as at first.
        assert abs(len(enter()) - owners[victim]) <= PROCESSES


def test_new_certificate_is_shown_by_every_process_and_by_one_that_is_just_starting(
    make_site: MakeSite, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make_certificate(certificate, key, "first.example")
    files = {"smtp.tls_certificate": str(certificate), "smtp.tls_key": str(key)}
    site = make_site({"smtp.processes": PROCESSES, **files})
    wait_until(lambda: all_there(site), "every process takes mail")
    victim = door_processes(site)[0]
    make_certificate(certificate, key, "second.example")
    os.kill(victim, signal.SIGKILL)
    wait_until(
        lambda: len(family(site.gateway.pid)) == PROCESSES and victim not in family(site.gateway.pid), "a new one"
    )
    os.kill(site.gateway.pid, signal.SIGHUP)
    wait_until(lambda: bool(lines(site, "reloaded")), "it says so")
    wait_until(lambda: all_there(site), "every process takes mail")
    shown: dict[int, bytes] = {}
    while len(shown) < PROCESSES:
        with smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 30, (OUTSIDE, 0)) as door:
            pid = owner(site, door)
            door.starttls(context=unverified_tls())
            assert isinstance(door.sock, ssl.SSLSocket)
            shown[pid] = door.sock.getpeercert(binary_form=True) or b""
    assert all(b"second.example" in one for one in shown.values())


def test_sighup_reaches_every_process(site: Site, clients: dict[int, smtplib.SMTP]) -> None:
    (site.gateway.folder / "gateway.toml").write_text('[log]\nlevel = "debug"\n')
    os.kill(site.gateway.pid, signal.SIGHUP)
    wait_until(lambda: bool(lines(site, "reloaded")), "it says so")
    for door in clients.values():
        door.close()
    wait_until(lambda: len(closed(site)) >= PROCESSES, "all of them tell more now")


def closed(site: Site) -> list[str]:
    """Return the words about connections that were closed, which only the level of debugging tells."""
    return [line for line in site.gateway.log().splitlines() if "closed" in line and '"debug"' in line]
