"""The service as systemd and its admin meet it: starting, reloading, ending."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from benchmarks.gateway_process import ROOT, GatewayProcess
from benchmarks.places import HOST, PATIENCE, wait_until
from tests.certificates import make_certificate, unverified_tls
from tests.peers.letters import letter
from tests.system.conftest import MakeSite, Site

ADA = "ada@stranger.example"
JOE = "joe@example.org"


@pytest.fixture
def kind() -> type[GatewayProcess]:
    """Here it matters how a service starts: by its command."""
    return GatewayProcess


def events(site: Site) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    return [json.loads(line) for line in site.gateway.log().splitlines()]


def names(site: Site) -> list[str]:
    return [line["event"] for line in events(site)]


def tell(site: Site, number: signal.Signals) -> bool:
    """Send a signal. Returns False: it is no end yet."""
    os.kill(site.gateway.pid, number)
    return False


def ended(site: Site) -> int:
    """Wait until it has ended by itself, and return its exit status."""
    wait_until(lambda: not site.gateway.runs, "it ends")
    return site.gateway.stop()


@contextmanager
def session_inside_content(site: Site) -> Iterator[smtplib.SMTP]:
    """Open a session and leave it in the middle of its content."""
    with closing(smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 30)) as door:
        door.ehlo()
        assert door.mail(ADA)[0] == 250
        assert door.rcpt(JOE)[0] == 250
        assert door.docmd("DATA")[0] == 354
        door.send(b"Subject: Hello\r\n\r\nThe first half")
        yield door


# --- the end ---


def test_sigterm_lets_a_session_finish_its_mail_and_takes_no_other(site: Site) -> None:
    with session_inside_content(site) as door:
        tell(site, signal.SIGTERM)
        wait_until(site.refuses, "nobody else gets in")
        assert site.gateway.runs
        door.send(b" and the second.\r\n.\r\n")
        assert door.getreply()[0] == 250
    assert ended(site) == 0
    assert names(site)[-1] == "stopped"
    (row,) = site.gateway.data("pending", "list")
    assert row["subject"] == "Hello"
    site.gateway.command("audit")


def test_sigterm_sends_an_idle_client_away_and_ends_soon(site: Site) -> None:
    with closing(smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 30)) as door:
        door.ehlo()
        assert site.gateway.stop(10) == 0
        assert door.getreply()[0] == 421


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_it_at_once_and_nothing_that_was_accepted_is_lost(
    site: Site, number: signal.Signals
) -> None:
    assert site.send(ADA, JOE, letter(ADA, JOE))[0] == 250
    with session_inside_content(site):
        tell(site, signal.SIGTERM)
        wait_until(site.refuses, "it drains")
        # Told again within a second, it takes it for an echo.
        wait_until(lambda: not site.gateway.runs or tell(site, number), "it ends", 5)
        assert site.gateway.stop() == 128 + number
    assert events(site)[-1]["event"] == "ended-at-once"
    assert events(site)[-1]["signal"] == number.name
    assert len(site.gateway.data("pending", "list")) == 1
    site.gateway.command("audit")


def test_sigint_ends_it_as_sigterm_does(site: Site) -> None:
    tell(site, signal.SIGINT)
    assert ended(site) == 0


def test_signal_that_comes_twice_at_once_is_one(site: Site) -> None:
    with session_inside_content(site) as door:
        tell(site, signal.SIGTERM)
        tell(site, signal.SIGTERM)
        wait_until(site.refuses, "it drains")
        door.send(b".\r\n.\r\n")
        assert door.getreply()[0] == 250
    assert ended(site) == 0


# --- reload ---


def shown_name(site: Site) -> str:
    """Return the name in the certificate that a client is shown."""
    with closing(smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 30)) as door:
        door.starttls(context=unverified_tls())
        assert isinstance(door.sock, ssl.SSLSocket)
        shown = door.sock.getpeercert(binary_form=True)
    assert shown is not None
    told = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=shown, check=True, capture_output=True
    )
    return told.stdout.decode().strip().rpartition(" ")[2]


def reload(site: Site, outcome: str) -> dict[str, Any]:
    """Send SIGHUP and return the line that tells how it went."""
    before = names(site).count(outcome)
    tell(site, signal.SIGHUP)
    wait_until(lambda: names(site).count(outcome) > before, outcome)
    return [line for line in events(site) if line["event"] == outcome][-1]


@pytest.fixture
def own_files(tmp_path: Path, make_site: MakeSite) -> Site:
    """A gateway with a certificate and a template of its own."""
    make_certificate(tmp_path / "certificate.pem", tmp_path / "key.pem", "first.example")
    (tmp_path / "templates/mail/challenge").mkdir(parents=True)
    (tmp_path / "templates/mail/challenge/subject.txt").write_text("Auto: the first words")
    return make_site(
        {
            "smtp.tls_certificate": str(tmp_path / "certificate.pem"),
            "smtp.tls_key": str(tmp_path / "key.pem"),
            "challenge.templates": str(tmp_path / "templates"),
        }
    )


def test_sighup_takes_over_the_certificate_the_templates_and_the_log_level(own_files: Site, tmp_path: Path) -> None:
    site = own_files
    assert shown_name(site) == "first.example"
    make_certificate(tmp_path / "certificate.pem", tmp_path / "key.pem", "second.example")
    (tmp_path / "templates/mail/challenge/subject.txt").write_text("Auto: the second words")
    (site.gateway.folder / "gateway.toml").write_text('[log]\nlevel = "debug"\n')
    reload(site, "reloaded")
    assert shown_name(site) == "second.example"
    site.send(ADA, JOE, letter(ADA, JOE))
    (challenge,) = site.around.outside.wait(ADA)
    assert b"the second words" in challenge.content
    wait_until(lambda: "debug" in {line["level"] for line in events(site)}, "it tells more")
    assert "restart-needed" not in names(site)


def test_sighup_with_a_faulty_file_keeps_all_as_it_was_and_says_so(own_files: Site, tmp_path: Path) -> None:
    site = own_files
    subject = tmp_path / "templates/mail/challenge/subject.txt"
    cases = (
        ("certificate.pem", "no certificate"),
        ("templates/mail/challenge/body.txt", "no link"),
        ("site-1/gateway.toml", "[log\n"),
        ("site-1/gateway.toml", '[log]\nlevle = "debug"\n'),
    )
    for number, (file, content) in enumerate(cases):
        sender = f"ada{number}@stranger.example"  # A sender is asked but once.
        subject.write_text("Auto: the second words")
        kept = (tmp_path / file).read_text() if (tmp_path / file).exists() else None
        (tmp_path / file).write_text(content)
        line = reload(site, "not-reloaded")
        assert line["level"] == "warning", file
        assert Path(file).name in line["problem"]
        assert names(site).count("reloaded") == number, file
        assert shown_name(site) == "first.example", file
        site.send(sender, JOE, letter(sender, JOE))
        (challenge,) = site.around.outside.wait(sender)
        assert b"the first words" in challenge.content, file
        subject.write_text("Auto: the first words")
        if kept is None:
            (tmp_path / file).unlink()
        else:
            (tmp_path / file).write_text(kept)
        reload(site, "reloaded")
    assert site.gateway.stop() == 0


def test_sighup_names_the_settings_that_wait_for_a_restart(site: Site) -> None:
    (site.gateway.folder / "gateway.toml").write_text("[smtp]\nmax_hops = 7\n[challenge]\nattempts = 9\n")
    line = reload(site, "restart-needed")
    assert line["settings"] == ["challenge.attempts", "smtp.max_hops"]
    assert "reloaded" in names(site)


# --- the start ---


def last_words(gateway: GatewayProcess) -> str:
    """Start a gateway that cannot run, and return what it says; it ends with 1."""
    gateway.start(wait=False)
    wait_until(lambda: not gateway.runs, "it ends")
    words = [line for line in gateway.log().splitlines() if line.startswith("challenge-gateway: ")]
    assert len(gateway.log().splitlines()) == len(words) == 1, gateway.log()
    assert gateway.stop() == 1
    return words[0]


def processes_of(site: Site) -> list[int]:
    """Return the processes that run with a site's configuration, also those whose parent is gone."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # It has just ended.
            if f"{site.gateway.folder}/".encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
    return found


def test_first_start_logs_nothing_but_that_it_started(site: Site) -> None:
    wait_until(lambda: bool(names(site)), "it has said something")
    assert names(site)[0] == "started"
    assert set(names(site)) <= {"started", "door-process-ready"}


@pytest.mark.parametrize("door", ["smtp", "web", "monitor"])
def test_port_that_is_taken_is_told_in_one_line(make_site: MakeSite, door: str) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        site = make_site({f"{door}.listen": [f"{HOST}:{port}"]}, start=False)
        words = last_words(site.gateway)
    assert str(port) in words
    assert "another program listens there" in words


def test_second_service_on_one_store_is_told_in_one_line(make_site: MakeSite) -> None:
    first = make_site()
    told = {"store.url": f"sqlite:///{first.gateway.folder}/gateway.db", "smtp.processes": 2}
    second = make_site(told, start=False)
    assert "another service uses" in last_words(second.gateway)
    wait_until(lambda: not processes_of(second), "the process that was forked for it has ended as well")
    assert processes_of(first) == [first.gateway.pid]
    assert first.gateway.is_ready()


def test_systemd_is_told_of_the_start_the_reload_and_the_end(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: Queue[str] = Queue()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))

        def listen() -> None:
            # All the time: the kernel keeps ten words for who does not, and what is said then is lost.
            while told := systemd.recv(1000).decode():
                heard.put(told)

        listener = Thread(target=listen)
        listener.start()
        try:
            monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
            monkeypatch.setenv("WATCHDOG_USEC", "100000")
            site = make_site()

            def next_state() -> str:
                while (told := heard.get(timeout=PATIENCE)) == "WATCHDOG=1":
                    pass
                return told.partition("\n")[0]

            assert next_state() == "READY=1"
            reload(site, "reloaded")
            assert next_state() == "RELOADING=1"
            assert next_state() == "READY=1"
            assert heard.get(timeout=PATIENCE) == "WATCHDOG=1"
            tell(site, signal.SIGTERM)
            assert next_state() == "STOPPING=1"
            assert ended(site) == 0
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", str(tmp_path / "notify"))
            listener.join()


# --- the demo ---


def test_demo_tries_the_words_of_a_configuration_and_ends_with_sigterm(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[challenge]\norganisation = "Carpenters of Oak"\n')
    words = ["demo", "--config", str(config), "--state", str(tmp_path / "state")]
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        assert "/demo/" in said[1]
        process.terminate()
        assert process.wait(30) == 0
