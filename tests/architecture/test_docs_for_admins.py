"""What admins are told to type can be typed: shell, commands, records, files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import dkim
import pytest

from challenge_web.limits import Limits
from gateway.cli.main import cli
from gateway.demo.world import python_line, swaks_line
from gateway.domain.digest import MOST_LINES as MOST_DIGEST_LINES
from gateway.domain.digest import SPAM_SCORE
from gateway.domain.expecting import MOST_TAGS, MOST_WINDOWS
from gateway.flow import releases, saved_searches
from gateway.flow.list_import import MOST_LINES, MOST_OCTETS
from gateway.flow.notices import LONGEST_BODY, MOST_AN_HOUR
from gateway.flow.overview_ports import LOOKED_AT
from gateway.flow.queue import MOST_COUNTED, SIZES
from gateway.flow.read import SOURCE_PAGE, SOURCE_PAGES
from gateway.reading.limits import LIMITS
from gateway.relay.signer import Signer
from gateway.settings import Endpoint, load
from gateway.settings.outgoing import Outgoing
from tests.architecture.test_docs import PAGES
from tests.architecture.tree import ROOT

DOCS = ROOT / "docs"
CONFIG = ROOT / "config"
_GROUPS = "pending|lists|challenges|policy|history|digest|account|token|expect|db|outgoing|requests|sources|orders|templates|webhook"
_CHALLENGE = (
    b"From: mail-desk@example.org\r\nTo: ada@oak.example\r\nSubject: Auto: Hello\r\n\r\nPlease open this page.\r\n"
)


def _blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^ *```{kind}\n(.*?)^ *```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_shell_in_documents_can_be_read_by_a_shell() -> None:
    text = "\n".join(block for page in PAGES for block in _blocks(page, "sh"))

    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, encoding="utf-8", timeout=30, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_commands_within_sentences_exist() -> None:
    for page in PAGES:
        text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for line, rest in re.findall(rf"`(?:challenge-gateway )?((?:{_GROUPS})\s[a-z-]+)([^`]*)`", text):
            group, name = line.split()
            found = cli.get_command(click.Context(cli), group)
            assert isinstance(found, click.Group)
            command = found.get_command(click.Context(found), name)
            assert command is not None, (page.name, line)
            options = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"--[a-z-]+", rest)) <= options, (page.name, line + rest)


@pytest.mark.parametrize("number", [0, 1], ids=["rsa", "ed25519"])
def test_key_made_as_told_signs_so_that_the_printed_record_verifies(number: int, tmp_path: Path) -> None:
    commands = [block for block in _blocks(DOCS / "challenge-domain.md", "sh") if "openssl" in block]
    assert len(commands) == 2
    done = subprocess.run(
        ["sh", "-e"], input=commands[number], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    record = done.stdout.encode()

    signed = Signer.load(tmp_path / "dkim.pem", "cg1", "example.org").sign(_CHALLENGE)

    assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record)


@pytest.mark.parametrize(
    ("guide", "folder"),
    [
        ("install-exim.md", "exim/edge"),
        ("install-exim.md", "exim/after-queue"),
        ("install-sendmail.md", "sendmail/edge"),
    ],
)
def test_guide_names_each_file_and_the_gateways_file_its_doors(guide: str, folder: str) -> None:
    text = (DOCS / guide).read_text("utf-8")
    files = sorted((CONFIG / folder).iterdir())
    settings = load(CONFIG / folder / "gateway.toml", {})
    others = "".join(file.read_text("utf-8") for file in files if file.suffix != ".toml")

    assert f"config/{folder}/" in text
    assert [file.name for file in files if f"`{file.name}`" not in text and f"{folder}/{file.name}" not in text] == []
    for door in (settings.relay.next_hop, settings.relay.smart_host):
        assert str(door).rpartition(":")[2] in others
    assert settings.smtp.stage == folder.partition("/")[2]


def test_proxy_of_the_guide_leads_to_the_pages_and_lets_an_import_through(tmp_path: Path) -> None:
    (text,) = _blocks(DOCS / "tls.md", "nginx")
    empty = tmp_path / "gateway.toml"
    empty.write_text("")

    assert f"proxy_pass http://{load(empty, {}).web.listen[0]};" in text
    megabytes = re.search(r"client_max_body_size (\d+)m;", text)
    assert megabytes is not None
    assert int(megabytes[1]) * 2**20 > MOST_OCTETS


def test_mail_by_hand_is_sent_as_the_demo_says() -> None:
    shown = _blocks(DOCS / "demo.md", "sh")
    smtp = Endpoint("127.0.0.1", 2525)

    assert [f"{line}\n" for line in (swaks_line(smtp), python_line(smtp))] == shown[:2]


def test_numbers_of_tuning_are_those_of_the_settings(tmp_path: Path) -> None:
    tuning = " ".join((DOCS / "tuning.md").read_text("utf-8").split())
    empty = tmp_path / "gateway.toml"
    empty.write_text("")
    shipped = load(empty, {})

    assert f"{shipped.smtp.max_connections} and {shipped.smtp.max_connections_per_client}; trusted" in tuning
    assert f"| {shipped.relay.next_hop_connections} to each" in tuning
    assert f"{shipped.relay.recipient_cache_seconds:g} s, its no {shipped.relay.refusal_cache_seconds:g} s" in tuning
    assert f"kept {shipped.store.retention_days:g} days, facts of relayed mail {shipped.history.days:g}" in tuning
    assert f"{shipped.smtp.max_memory_octets // 2**20} MB" in tuning


def test_bounds_of_console_and_digests_are_those_of_the_code() -> None:
    console, digests, outgoing = (
        " ".join((DOCS / name).read_text("utf-8").split()) for name in ("console.md", "digests.md", "outgoing.md")
    )

    assert f"{MOST_OCTETS // 10**6} MB and {MOST_LINES:,} lines at most" in console
    assert f"and its order, {saved_searches.MOST} for each account" in console
    assert "pages hold {}, {} or {} rows".format(*SIZES) in console
    assert f"a count ends at “more than {MOST_COUNTED:,}”" in console
    assert f"at most {MOST_WINDOWS} open windows and {MOST_TAGS} addresses to give away" in console
    assert f"{releases.MOST_OPEN} open ones of a recipient, and {releases.MOST_A_DAY} in a day" in console
    assert f"the source in {SOURCE_PAGES} pages of {SOURCE_PAGE // 1024} kB" in console
    assert f"It has {LIMITS.seconds:g} seconds and {LIMITS.memory_octets // 2**20} MB" in console
    assert f"among the newest {LOOKED_AT:,} mails" in console
    assert Limits().knocks.per_minute == 6
    assert "a network may send six in a minute" in console
    assert MOST_DIGEST_LINES == 100
    assert "a hundred lines at most" in digests
    assert f"whose score is {SPAM_SCORE:g} or more" in digests
    assert f"At most {MOST_AN_HOUR} in an hour for a mailbox" in digests
    assert f"beginning of its text: {LONGEST_BODY} characters" in digests
    assert f"[outgoing] days` ({Outgoing().days:g})" in outgoing
    assert f"[outgoing] most_recipients` ({Outgoing().most_recipients})" in outgoing
