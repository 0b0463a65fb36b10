"""What `serve` tells systemd, what `check-config` finds, and what a reload cannot take over."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import msgspec
import pytest

from gateway.cli import systemd
from gateway.cli.serve import RELOADED, differences
from gateway.settings import Settings
from tests.architecture.tree import ROOT
from tests.unit.cli.shell import Shell

UNIT = (ROOT / "config/systemd/challenge-gateway.service").read_text("utf-8")


# --- systemd ---


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_watchdog_period_is_that_of_this_process(environment: dict[str, str], seconds: float) -> None:
    assert systemd.watchdog_seconds(environment, 7) == seconds


def test_systemd_is_told_of_each_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        systemd.ready("takes mail")
        assert listener.recv(1000) == b"READY=1\nSTATUS=takes mail"
        before = time.monotonic_ns() // 1000
        systemd.reloading()
        first, _, since = listener.recv(1000).partition(b"\nMONOTONIC_USEC=")
        assert first == b"RELOADING=1"
        assert before <= int(since) <= time.monotonic_ns() // 1000
        systemd.stopping()
        assert listener.recv(1000).startswith(b"STOPPING=1\n")


def test_systemd_at_an_abstract_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = f"challenge-gateway-test-{os.getpid()}"
        listener.bind(f"\0{name}")
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        systemd.notify("WATCHDOG=1")
        assert listener.recv(1000) == b"WATCHDOG=1"


def test_systemd_that_does_not_listen_hinders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    systemd.notify("READY=1")
    assert "systemd does not listen" in capsys.readouterr().err


def test_unit_waits_for_what_serve_tells() -> None:
    for line in ("Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "WatchdogSec=60", "TimeoutStopSec=90"):
        assert line in UNIT.splitlines()


# --- reload ---


def test_differences_of_two_settings_are_their_keys() -> None:
    old = Settings()
    assert differences(old, old) == set()
    new = msgspec.structs.replace(
        old,
        log=msgspec.structs.replace(old.log, level="debug"),
        smtp=msgspec.structs.replace(old.smtp, max_hops=7),
    )
    assert differences(old, new) == {"log.level", "smtp.max_hops"}
    assert differences(old, new) - RELOADED == {"smtp.max_hops"}


# --- check-config ---


def test_configuration_that_is_good_is_said_to_be(bare: Shell) -> None:
    outcome = bare("check-config")
    assert (outcome.status, outcome.out, outcome.err) == (0, "the configuration is good\n", "")
    assert not bare.store_file.exists()


@pytest.mark.parametrize(
    ("tables", "files", "words"),
    [
        ({"challenge": {"templates": "mine"}}, {"mine/mail/challenge/body.txt": "no link"}, "body.txt"),
        (
            {"challenge": {"templates": "mine"}},
            {"mine/mail/challenge/body.txt": "{% for x in y %}{% endfor %}"},
            "a loop",
        ),
        ({"challenge": {"templates": "none"}}, {}, "is not a folder"),
        ({"smtp": {"tls_certificate": "c.pem", "tls_key": "k.pem"}}, {"c.pem": "x", "k.pem": "y"}, "smtp.tls_key"),
        (
            {"challenge": {"dkim_domain": "example.org", "dkim_selector": "s", "dkim_key_file": "k.pem"}},
            {"k.pem": "no key"},
            "challenge.dkim_key_file",
        ),
    ],
)
def test_configuration_that_names_what_cannot_be_used_is_told_in_one_line(
    bare: Shell, tables: dict[str, dict[str, object]], files: dict[str, str], words: str
) -> None:
    bare.settings(tables)
    for name, text in files.items():
        file = bare.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    outcome = bare("check-config")
    assert outcome.status in (1, 2)
    (line,) = outcome.err.splitlines()
    assert line.startswith("challenge-gateway: ")
    assert words in line
