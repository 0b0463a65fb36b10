"""docs/troubleshooting.md says what is true: its commands are run on a store with one fault of each kind."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.places import HOST
from benchmarks.surroundings import Surroundings, sender_zones
from gateway.domain import reply
from gateway.domain.address import Address
from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.explain import SILENCES
from tests.architecture.tree import ROOT
from tests.store.letters import KIM, NOW, keep, message, row
from tests.system.test_documents import OPERATIONS, ROOF, examples, tables
from tests.unit.cli.shell import Shell

TROUBLE = (ROOT / "docs/troubleshooting.md").read_text("utf-8")

# What servers and time do to a store, which no command does.
_FAULTS = f"""
UPDATE challenge SET attempts = 4, last_reply = '451 4.7.1 Come back later' WHERE id = 1;
UPDATE challenge SET state = 'failed', attempts = 1, last_reply = '550 5.7.26 Unauthenticated' WHERE id = 2;
UPDATE pending SET reason = 'unproven-sender', silence = 'unproven-sender' WHERE id = 2;
UPDATE pending SET silence = 'challenge-undeliverable' WHERE id = 3;
UPDATE pending SET state = 'released', attempts = 3, due_at = {NOW + 7200}, last_reply = '451 4.3.0 Mailbox store is down'
 WHERE id = 4;
UPDATE pending SET state = 'refused', attempts = 1, last_reply = '550 5.7.1 Content rejected' WHERE id = 5;
INSERT INTO digest_mailbox VALUES ('joe@example.org', NULL, {NOW + 86400}, '', NULL, {NOW}, '550 5.2.2 Mailbox is full');
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A site in trouble."""
    folder = tmp_path_factory.mktemp("trouble")
    shell = Shell(folder)
    elm = [Address.of(f"{name}@elm.example") for name in ("bo", "pia", "tom")]
    with Surroundings(sender_zones(["oak.example"], "192.0.2.7")) as around, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in {"GATEWAY_CONFIG": "gateway.toml", "USER": "admin", "COLUMNS": "125"}.items():
            patch.setenv(name, value)
        shell.settings({"dns": {"servers": [f"{HOST}:{around.dns_port}"]}})
        shell.make()
        (folder / "roof.eml").write_bytes(ROOF)
        shell.hold("Offer for the roof", ask=True)
        watches = message("Cheap watches", sender=elm[0], evidence=NO_EVIDENCE)
        shell.with_store(lambda store: keep(store, watches, row(KIM)))
        shell.hold("Minutes of Monday", sender=Address.of("ivy@river.example"), ask=True)
        shell.hold("Our contract", sender=elm[1])
        shell.hold("Invoice 17", sender=elm[2])
        with closing(sqlite3.connect(shell.store_file)) as store, store:
            store.executescript(_FAULTS)
        yield shell


def test_examples_print_what_is_shown(shell: Shell) -> None:
    shown = list(examples(TROUBLE))
    assert len(shown) > 10
    for words, lines in shown:
        outcome = shell.line(words[1:], terminal=True)
        printed = [line.rstrip() for line in (outcome.out + outcome.err).splitlines()]
        assert _fits(lines, printed), (shlex.join(words), printed)


def _fits(shown: list[str], printed: list[str]) -> bool:
    """True where the lines are those that were printed; … stands for any part of a line, alone for any lines."""
    parts = [".*" if line == "\u2026" else re.escape(line).replace("\u2026", ".*") for line in shown]
    pattern = "".join(rf"(?:{part}\n)" if part != ".*" else r"(?:[^\n]*\n)*" for part in parts)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def test_replies_are_those_the_door_gives() -> None:
    given = {str(each) for each in vars(reply).values() if isinstance(each, reply.Reply)}
    told = re.findall(r"`([245]\d\d \d\.\d\.\d+ [^`]+)`", TROUBLE)

    assert len(told) > 10
    assert [each for each in told if each not in given] == []


def test_reasons_of_silence_are_in_the_words_of_the_program() -> None:
    rows = TROUBLE.partition("| `not asked` |")[2].split("\n\n")[0].splitlines()[2:]

    assert len(rows) > 5
    assert [row for row in rows if row.split("|")[1].strip() not in {str(words) for words in SILENCES.values()}] == []


def test_events_are_those_of_the_log() -> None:
    events = set(tables(OPERATIONS, "## Log"))
    told = {"clock-jumped", "clock-trusted-again", "link-asked", "link-mail", "not-told-yet", "store-down", "unknown-host",
            "worker-failed", "refused", "started", "challenge"}  # fmt: skip

    for word in told:
        assert f"`{word}`" in TROUBLE
        assert word in events


@pytest.mark.parametrize("page", ["monitoring.md"])
def test_events_of_a_page_are_those_of_the_log(page: str) -> None:
    logs = (ROOT / "docs" / page).read_text("utf-8").partition("## Logs")[2]

    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", logs)) <= set(tables(OPERATIONS, "## Log"))


def test_settings_that_are_named_exist() -> None:
    sample = (ROOT / "config/gateway.toml").read_text("utf-8")
    sections = dict(re.findall(r"^\[(\w+)\]\n(.*?)(?=^\[|\Z)", sample, re.MULTILINE | re.DOTALL))

    for file in (ROOT / "docs").glob("*.md"):
        for section, key in re.findall(r"`\[(\w+)\] (\w+)", file.read_text("utf-8")):
            assert re.search(rf"^{key} = ", sections.get(section, ""), re.MULTILINE), (file.name, section, key)


def test_store_file_of_the_examples_is_where_the_unit_puts_it() -> None:
    unit = (ROOT / "config/systemd/challenge-gateway.service").read_text("utf-8")

    assert "StateDirectory=challenge-gateway" in unit
    assert str(Path("/var/lib/challenge-gateway/gateway.db")) in TROUBLE
