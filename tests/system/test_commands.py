"""Commands beside the running service, as processes of their own: in a pipe, on a terminal, without rights."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import sqlite3
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway_process import ROOT
from benchmarks.places import HOST, wait_until
from tests.peers.letters import letter, trace_above
from tests.system.conftest import FORGER, OUTSIDE, MakeSite, Site

ADA = "ada@stranger.example"
JOE = "joe@example.org"
GATEWAY = [sys.executable, "-m", "gateway"]


def one_line(done: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """Return the one line of a command that failed."""
    assert (done.returncode, done.stdout) == (status, ""), done
    assert re.fullmatch(r"challenge-gateway: [^\n]+\n", done.stderr), done.stderr
    return done.stderr


def on_terminal(
    config: Path, *words: str, columns: int = 80, seen: Callable[[str], object] = lambda shown: None
) -> str:
    """Run a command on a terminal and return what appears there. seen: is told each time what has appeared so far."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    process = subprocess.Popen(
        [*GATEWAY, *words, "--config", str(config)],
        cwd=ROOT, env=environment, stdin=follower, stdout=follower, stderr=follower,
    )  # fmt: skip
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # The other end is closed.
            break
        if not piece:
            break
        shown += piece
        seen(shown.decode("utf-8", "replace"))
    os.close(leader)
    process.wait(60)
    return shown.decode().replace("\r\n", "\n")


def config_of(site: Site) -> Path:
    """Write a configuration that commands use without the environment of the service."""
    file = site.gateway.folder / "commands.toml"
    dns = f"{HOST}:{site.around.dns_port}"
    file.write_text(f'[store]\nurl = "sqlite:///gateway.db"\n[dns]\nservers = ["{dns}"]\n')
    return file


# --- beside the service ---


def test_allow_entry_counts_for_the_next_message_and_its_removal_for_the_one_after(site: Site) -> None:
    assert site.send(ADA, JOE, letter(ADA, JOE))[0] == 250
    assert site.around.inside.all_mails() == []
    site.gateway.command("lists", "add", "allow", ADA)
    allowed = letter(ADA, JOE, "Allowed")
    assert site.send(ADA, JOE, allowed)[0] == 250
    (arrived,) = site.around.inside.mails(JOE)
    trace_above(arrived.content, allowed)
    site.gateway.command("lists", "remove", "allow", ADA)
    site.gateway.command("lists", "add", "deny", "stranger.example")
    assert site.send(ADA, JOE, letter(ADA, JOE))[0] == 550
    assert len(site.around.inside.mails(JOE)) == 1


def test_each_action_on_waiting_mail_is_taken_up_by_the_service(site: Site) -> None:
    mails = {}
    for number, action in enumerate(("authorize", "deliver", "blacklist", "delete"), 1):
        sender = f"s{number}@stranger.example"
        mails[action] = letter(sender, JOE, action)
        site.send(sender, JOE, mails[action])
        assert site.gateway.command("pending", action, str(number)).startswith(f"{number}: ")
    arrived = site.around.inside.wait(JOE, 2)
    assert len(arrived) == 2
    for action, mail in zip(("authorize", "deliver"), sorted(arrived, key=lambda mail: mail.reverse_path), strict=True):
        trace_above(mail.content, mails[action])
    again = [site.send(f"s{n}@stranger.example", JOE, letter(f"s{n}@stranger.example", JOE))[0] for n in range(1, 5)]
    assert again == [250, 250, 550, 250]
    assert len(site.around.inside.wait(JOE, 3)) == 3  # Only the authorised sender's is let in at once.
    wait_until(lambda: not site.gateway.data("pending", "list", "--state", "released"), "all is delivered")
    site.gateway.command("audit")


def test_what_is_ordered_forwarded_and_asked_at_the_command_line_is_taken_up_by_the_service(
    make_site: MakeSite,
) -> None:
    site = make_site({"console.undo_seconds": 0, "console.forward_to": ["abuse@example.org"]})
    for subject in ("Roof", "Cellar"):
        assert site.send(ADA, JOE, letter(ADA, JOE, subject))[0] == 250
    site.gateway.command("pending", "forward", "1", "abuse@example.org")
    assert len(site.around.inside.wait("abuse@example.org", 1)) == 1
    site.gateway.command("orders", "give", "deliver", "--matching", "subject:cellar")
    (arrived,) = site.around.inside.wait(JOE, 1)
    assert b"Cellar" in arrived.content
    wait_until(lambda: site.gateway.data("orders", "list")[0]["state"] == "done", "the order is done")
    assert [row["id"] for row in site.gateway.data("pending", "list")] == [1]
    assert site.gateway.data("overview")["next_hops"][0]["reachable"] is True
    site.gateway.command("templates", "sample", "site", JOE)
    assert len(site.around.inside.wait(JOE, 2)) == 2
    deeds = [line["deed"] for line in site.gateway.data("log", "list")]
    assert deeds == ["texts-scope", "pending", "message-forward"]


def test_mail_with_hostile_fields_steers_no_terminal(site: Site) -> None:
    hostile = "=?utf-8?b?G1sySgcbXTA7b3duZWQH4oCuZ25wLmV4ZeKAqMKbMzFtCg==?="
    content = letter(ADA, JOE).replace(b"SUBJECT: Our meeting", f"SUBJECT: {hostile} \x1b[31m\x9b1m".encode("latin-1"))
    site.send(ADA, JOE, content)
    shown = ""
    for words in (["list"], ["list", "--json"], ["show", "1"], ["show", "1", "--json"], ["show", "1", "--content"]):
        shown += on_terminal(config_of(site), "pending", *words)
        if "--content" not in words:
            shown += site.gateway.command("pending", *words)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", shown)
    assert "owned" in shown
    assert site.gateway.run_octets("pending", "show", "1", "--content") == content


# --- explain ---


def sent(site: Site, reverse_path: str, recipient: str, content: bytes, client: str) -> dict[str, Any]:
    """Send a mail and return what became of it, in the words of `explain`."""
    before = len(site.around.inside.all_mails())
    known = {row["id"] for row in site.gateway.data("pending", "list", "--state", "all")}
    code, text = site.send(reverse_path, recipient, content, client=client)
    rows = [row for row in site.gateway.data("pending", "list", "--state", "all") if row["id"] not in known]
    if code != 250:
        assert rows == []
        return {"decision": "reject" if code >= 500 else "defer", "reply": f"{code} {text}"}
    if not rows:
        assert len(site.around.inside.all_mails()) == before + 1
        return {"decision": "deliver", "reply": ""}
    (row,) = rows
    decision = {"pending": "hold", "blocked": "reject", "released": "deliver", "delivered": "deliver"}[row["state"]]
    asked = bool(row["challenge"])
    return {"decision": decision, "reason": row["reason"], "reply": "", "asked": asked, "silence": row["silence"]}


LIST_MAIL = letter(ADA, JOE).replace(b"SUBJECT:", b"List-Id: <x.stranger.example>\r\nSUBJECT:")
LOOPING = b"Received: from a by b; Sat, 01 Mar 2025 10:00:00 +0100\r\n" * 60 + letter(ADA, JOE)
BIG_HEADER = letter(ADA, JOE).replace(b"SUBJECT:", b"X-Filler: " + b"x\r\n x" * 400_000 + b"\r\nSUBJECT:")

MAILS: dict[str, tuple[str, str, bytes, str]] = {
    "unknown and proven": (ADA, JOE, letter(ADA, JOE), OUTSIDE),
    "asked before": (ADA, "mia@example.org", letter(ADA, "mia@example.org"), OUTSIDE),
    "unproven": ("eve@friend.example", JOE, letter("eve@friend.example", JOE), FORGER),
    "null reverse-path": ("", JOE, letter(ADA, JOE), OUTSIDE),
    "automatic": (ADA, JOE, LIST_MAIL, OUTSIDE),
    "not addressed": (ADA, JOE, letter(ADA, "somebody@example.org"), OUTSIDE),
    "role": (ADA, "postmaster@example.org", letter(ADA, JOE), FORGER),
    "allowed": ("bo@river.example", JOE, letter("bo@river.example", JOE), OUTSIDE),
    "allowed, forged": ("bo@river.example", JOE, letter("bo@river.example", JOE), FORGER),
    "denied": ("spam@river.example", JOE, letter("spam@river.example", JOE), OUTSIDE),
    "denied as author only": (ADA, JOE, letter("spam@river.example", JOE), OUTSIDE),
    "denied, for another": ("spam@river.example", "abuse@example.org", letter(ADA, JOE), OUTSIDE),
    "held for nobody": (ADA, "off@example.org", letter(ADA, "off@example.org"), OUTSIDE),
    "held for nobody, forged": ("eve@friend.example", "off@example.org", letter(ADA, "off@example.org"), FORGER),
    "held for nobody, but denied": ("spam@river.example", "off@example.org", letter(ADA, JOE), OUTSIDE),
    "held in silence": (ADA, "quiet@example.org", letter(ADA, "quiet@example.org"), OUTSIDE),
    "expected": (ADA, "hope@example.org", LIST_MAIL, OUTSIDE),
    "expected, forged": (ADA, "hope@example.org", letter("eve@friend.example", "hope@example.org"), FORGER),
    "expected, null reverse-path": ("", "hope@example.org", letter(ADA, "hope@example.org"), OUTSIDE),
    "foreign domain": (ADA, "joe@elsewhere.example", letter(ADA, JOE), OUTSIDE),
    "routed": (ADA, "joe%elsewhere.example@example.org", letter(ADA, JOE), OUTSIDE),
    "loop": (ADA, JOE, LOOPING, OUTSIDE),
    "big header": (ADA, JOE, BIG_HEADER, OUTSIDE),
}


@pytest.mark.parametrize("stage", ["edge", "after-queue"])
def test_explanation_is_what_the_service_then_decides(make_site: MakeSite, tmp_path: Path, stage: str) -> None:
    site = make_site({"smtp.stage": stage})
    site.gateway.command("lists", "add", "allow", "bo@river.example")
    site.gateway.command("lists", "add", "deny", "spam@river.example")
    site.gateway.command("policy", "set", "mode", "off", "off@example.org")
    site.gateway.command("policy", "set", "mode", "quarantine", "quiet@example.org")
    site.gateway.command("expect", "start", "hope@example.org", "--minutes", "60")
    for name, (reverse_path, recipient, content, client) in MAILS.items():
        file = tmp_path / "mail.eml"
        file.write_bytes(content)
        told = site.gateway.data(
            "explain", str(file), "--from", reverse_path or "<>", "--to", recipient, "--client", client,
            "--helo", "mail.outside.example",
        )  # fmt: skip
        for key, value in sent(site, reverse_path, recipient, content, client).items():
            if key != "reply" or stage == "edge" or told["decision"] == "defer":
                assert told[key] == value, (name, key, told)
        assert told["facts"], name


def test_explanation_of_a_file_with_lf_and_of_standard_input_is_the_same(site: Site, tmp_path: Path) -> None:
    content = letter(ADA, JOE)
    words = ["--from", ADA, "--to", JOE, "--client", OUTSIDE, "--json"]
    told = []
    for name, octets in (("crlf.eml", content), ("lf.eml", content.replace(b"\r\n", b"\n"))):
        (tmp_path / name).write_bytes(octets)
        told.append(site.gateway.command("explain", str(tmp_path / name), *words))
    with (tmp_path / "lf.eml").open("rb") as stdin:
        done = subprocess.run(
            [*GATEWAY, "explain", "-", *words, "--config", str(config_of(site))],
            cwd=ROOT, stdin=stdin, capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert told[0] == told[1] == done.stdout
    assert json.loads(told[0])["asked"] is True


def test_explanation_of_what_cannot_be_read_is_one_line(site: Site, tmp_path: Path) -> None:
    words = ["--from", ADA, "--to", JOE, "--client", OUTSIDE]
    assert "none.eml" in one_line(site.gateway.run("explain", str(tmp_path / "none.eml"), *words))
    assert str(tmp_path) in one_line(site.gateway.run("explain", str(tmp_path), *words))
    for option, wrong in (("--from", "a b"), ("--to", "joe"), ("--client", "mx.stranger.example")):
        file = tmp_path / "mail.eml"
        file.write_bytes(letter(ADA, JOE))
        assert option in one_line(site.gateway.run("explain", str(file), *words, option, wrong), 2)
    endless = site.gateway.data("explain", "/dev/zero", *words)
    assert (endless["decision"], endless["reason"]) == ("reject", "too-big")


# --- pipes and terminals ---


def test_output_that_is_cut_by_head_is_quiet_and_no_fault(site: Site) -> None:
    many = [f"u{number}@example.org" for number in range(900)]
    assert site.send(ADA, many, letter(ADA, JOE))[0] == 250
    config = config_of(site)
    for words in ("pending list --most 5000", "pending list --most 5000 --json", "pending show 1", "lists export"):
        line = f"set -o pipefail; {' '.join(GATEWAY)} {words} --config {config} | head -1"
        done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), (words, done)
        assert done.stdout.count("\n") == 1


def test_table_on_a_terminal_fits_into_its_width(site: Site) -> None:
    site.send(ADA, JOE, letter(ADA, JOE, "A rather long subject that goes on and on"))
    config = config_of(site)
    for columns in (80, 200):
        title, row = on_terminal(config, "pending", "list", columns=columns).splitlines()
        assert max(len(title), len(row)) <= columns
        assert row.split()[0] == "1"
        assert ("octets" in title) is (columns == 200)
    assert "…" in on_terminal(config, "pending", "list")
    assert on_terminal(config, "lists", "show") == "No entries.\n"


def test_long_work_shows_its_progress_to_a_person_only(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "entries.csv"
    file.write_text("list,pattern\n" + "".join(f"allow,u{n}@x.example\n" for n in range(2000)))
    with closing(sqlite3.connect(site.gateway.folder / "gateway.db", isolation_level=None)) as other:
        # Another program's write makes the work long.
        other.execute("BEGIN IMMEDIATE")

        def let_go(shown: str) -> None:
            if "adding" in shown and other.in_transaction:
                other.execute("ROLLBACK")

        shown = on_terminal(config_of(site), "lists", "import", str(file), seen=let_go)
    assert "adding" in shown
    assert shown.endswith("2000 entries added, 0 changed, 0 known already\n")
    done = site.gateway.run("lists", "import", str(file))
    assert (done.stdout, done.stderr) == ("0 entries added, 0 changed, 2000 known already\n", "")


# --- what hinders ---


def test_store_that_another_keeps_locked_is_told_after_a_while_and_can_be_read(site: Site) -> None:
    site.send(ADA, JOE, letter(ADA, JOE))
    with closing(sqlite3.connect(site.gateway.folder / "gateway.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(site.gateway.data("pending", "list")) == 1
        assert "another program keeps it locked" in one_line(site.gateway.run("pending", "delete", "1"))
        other.execute("ROLLBACK")
    site.gateway.command("pending", "delete", "1")


def without_rights(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody to whom the modes of files apply."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    return subprocess.run(
        [*(drop if os.geteuid() == 0 else []), *GATEWAY, *words, "--config", str(config)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_files_without_rights_are_told_in_one_line(site: Site) -> None:
    site.gateway.stop()
    folder, config = site.gateway.folder, config_of(site)
    store = folder / "gateway.db"
    kept = folder.stat().st_mode, store.stat().st_mode
    commands = (["pending", "list"], ["lists", "add", "allow", "a@b.example"], ["audit"], ["db", "upgrade"])
    try:
        store.chmod(0o000)
        for words in commands:
            assert str(store) in one_line(without_rights(config, *words))
        store.chmod(0o400)
        folder.chmod(0o500)
        for words in commands:
            if words[0] != "db":
                assert "run it as the user of the service" in one_line(without_rights(config, *words))
        folder.chmod(0o000)
        assert "cannot be read (Permission denied)" in one_line(without_rights(config, "pending", "list"), 2)
    finally:
        folder.chmod(kept[0])
        store.chmod(kept[1])
    site.gateway.command("audit")


def test_service_without_rights_on_its_folder_is_told_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[store]\nurl = "sqlite:///var/gateway.db"\n[smtp]\nlisten = ["127.0.0.1:0"]\n')
    (tmp_path / "var").mkdir(mode=0o500)
    assert "run it as the user of the service" in one_line(without_rights(config, "serve"))


def test_installed_command_is_the_module(site: Site) -> None:
    command = Path(sys.executable).parent / "challenge-gateway"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("challenge-gateway")
