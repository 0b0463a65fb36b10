"""docs/commands.md, digests.md and operations.md say what is true: each example is run, each table is held against the code."""

from __future__ import annotations

import ast
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import click
import pytest

from benchmarks.places import HOST
from benchmarks.surroundings import Surroundings, sender_zones
from gateway.cli.main import cli
from gateway.domain.address import Address
from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.lifecycle import ChallengeState
from gateway.domain.policy import Disposition
from gateway.domain.roles import Role
from gateway.flow.account_ports import Kind, NewAccount
from gateway.flow.moderate import Action
from gateway.flow.session_ports import NewSession, Stage
from gateway.store.transaction import Transaction
from tests.architecture.tree import ROOT
from tests.peers.letters import letter
from tests.store.letters import KIM, keep, message, row
from tests.system.conftest import Site
from tests.system.json_shapes import SHAPES, unlike
from tests.unit.cli.shell import Shell

COMMANDS = (ROOT / "docs/commands.md").read_text("utf-8")
DIGESTS = (ROOT / "docs/digests.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
CLIENT = "192.0.2.7"
ROOF = b"From: Anna Roth <anna@oak.example>\nTo: joe@example.org\nSubject: Offer for the roof\n\nHello Joe,\n"
HOOK = {"url": "http://127.0.0.1:9/mail", "secret_file": "webhook.secret"}
_TOKEN = re.compile(r"(?<=/sign-in/link/)\w{32}|\bcgw_\w{56}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The site of the examples."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"GATEWAY_CONFIG": "gateway.toml", "USER": "admin", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SUDO_USER", raising=False)
    shell = Shell(tmp_path)
    with Surroundings(sender_zones(["oak.example"], CLIENT)) as around:
        (tmp_path / "webhook.secret").write_text(f"whsec_{'A' * 43}=")
        shell.settings({"dns": {"servers": [f"{HOST}:{around.dns_port}"]}, "webhook": HOOK})
        shell.make()
        (tmp_path / "roof.eml").write_bytes(ROOF)
        (tmp_path / "entries.csv").write_text(blocks("csv")[0], "utf-8")
        (tmp_path / "mistaken.csv").write_text("list,pattern\nalow,a@b.example\nallow,*\n")
        (tmp_path / "mistaken.toml").write_text('[smtp]\nmax_hop = 7\n[pending]\ndays = "two"\n')
        shell.hold("Offer for the roof", ask=True)
        shell.change(somebody_signed_in)
        bo = Address.of("bo@elm.example")
        shell.with_store(lambda store: keep(store, message("Cheap watches", sender=bo, evidence=NO_EVIDENCE), row(KIM)))
        yield shell


def somebody_signed_in(tx: Transaction) -> None:
    """Let mia have an account, and be signed in."""
    mia = NewAccount("mia@example.org", Role.USER, "link", 1.7e9, addresses=(("mia@example.org", Kind.OWN),))
    number = tx.accounts.add(mia)
    tx.sessions.begin(
        NewSession(bytes(32), number, Stage.FULL, "link", False, 1.7e9, 1.8e9, "192.0.2.7", "Firefox on Linux", "")
    )


def blocks(kind: str, text: str = COMMANDS) -> list[str]:
    """Return the fenced blocks of one kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def examples(text: str = COMMANDS) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words of each example and the lines that follow it."""
    for block in blocks("console", text):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = example.partition("\n")
            yield shlex.split(line), output.splitlines()


def tables(text: str, title: str) -> list[str]:
    """Return the first cells of the table below a line that holds the title, without their backticks."""
    lines = text[text.index(title) :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|"))
    cells = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells += re.findall(r"`([^`]+)`", line.split("|")[1])
    return cells


def run(shell: Shell, words: list[str]) -> list[str]:
    """Run an example and return what a person sees."""
    assert words[0] == "challenge-gateway"
    outcome = shell.line(words[1:], terminal=True)
    return [line.rstrip() for line in (outcome.out + outcome.err).splitlines()]


# --- commands.md ---


def test_examples_print_what_is_shown(shell: Shell) -> None:
    shown = [*examples(), *examples(DIGESTS)]
    assert len(shown) > 15
    for words, lines in shown:
        assert [_same(line) for line in run(shell, words)] == [_same(line) for line in lines]


def _same(line: str) -> str:
    """Put one word for each time and each secret of a link."""
    return _TOKEN.sub("TOKEN", _TIME.sub("TIME", line))


JSON = {
    "pending list": ["pending", "list"],
    "pending show": ["pending", "show", "1"],
    "pending delete": ["pending", "delete", "2"],
    "lists add": ["lists", "add", "allow", "a@oak.example"],
    "lists show": ["lists", "show"],
    "lists import": ["lists", "import", "entries.csv"],
    "challenges list": ["challenges", "list"],
    "db check": ["db", "check"],
    "audit": ["audit"],
    "account add": ["account", "add", "kim@example.org"],
    "account list": ["account", "list"],
    "account show": ["account", "show", "mia@example.org"],
    "account link": ["account", "link", "mia@example.org"],
    "account sessions": ["account", "sessions", "mia@example.org"],
    "policy show": ["policy", "show"],
    "policy set": ["policy", "set", "days", "9"],
    "expect start": ["expect", "start", "joe@example.org"],
    "expect list": ["expect", "list"],
    "lists remove": ["lists", "remove", "allow", "a@oak.example"],
    "lists judge": ["lists", "judge", "anna@oak.example", "joe@example.org"],
    "pending read": ["pending", "read", "1"],
    "pending html": ["pending", "html", "3"],
    "pending part": ["pending", "part", "1", "0"],
    "pending forward": ["pending", "forward", "1", "abuse@example.org"],
    "templates list": ["templates", "list", "--language", "en"],
    "templates show": ["templates", "show"],
    "templates preview": ["templates", "preview"],
    "policy list": ["policy", "list"],
    "policy waiting": ["policy", "waiting"],
    "digest list": ["digest", "list"],
    "orders give": ["orders", "give", "delete", "77"],
    "orders list": ["orders", "list"],
    "orders show": ["orders", "show", "2"],
    "sources list": ["sources", "list"],
    "searches list": ["searches", "list", "mia@example.org"],
    "requests ask": ["requests", "ask", "1", "--words", "please"],
    "requests list": ["requests", "list"],
    "overview": ["overview"],
    "domains": ["domains"],
    "outgoing list": ["outgoing", "list"],
    "outgoing retry": ["outgoing", "retry", "77"],
    "log list": ["log", "list"],
    "history list": ["history", "list"],
    "history erase": ["history", "erase", "nobody@elm.example", "--yes"],
    "token make": ["token", "make", "mia@example.org", "backup", "--scope", "pending:read"],
    "token list": ["token", "list"],
    "webhook show": ["webhook", "show"],
    "webhook test": ["webhook", "test"],
    "webhook retry": ["webhook", "retry"],
    "digest send": ["digest", "send", "--all", "--dry-run"],
    "digest show": ["digest", "show", "joe@example.org"],
    "digest stuck": ["digest", "stuck"],
    "explain": ["explain", "roof.eml", "--from", "<>", "--to", "joe@example.org", "--client", CLIENT],
}


def test_fields_of_json_are_those_in_the_tables(shell: Shell) -> None:
    shell.hold("A page\r\nContent-Type: text/html", body="<p>Hello</p>")
    shell("policy", "set", "days", "7", "--apply-to-waiting")
    shell.settings(
        {"console": {"forward_to": ["abuse@example.org"]}, "relay": {"next_hop": f"{HOST}:9"}, "webhook": HOOK}
    )
    for name, words in JSON.items():
        outcome = shell.line([*words, "--json"])
        if outcome.data == []:
            continue  # A list that is empty here; its fields are those of a test of its own.
        data = outcome.data[0] if isinstance(outcome.data, list) else outcome.data
        if name in SHAPES:
            shape, other = SHAPES[name]
            assert unlike(data, shape) == set(other.split()), name
        assert tables(COMMANDS, f"Fields of `{name} --json`")[: len(data)] == list(data), name
    documented = re.findall(r"Fields of `([^`]+) --json`", COMMANDS)
    assert sorted(documented) == sorted(JSON)


def commands(group: click.Group = cli, before: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield the words and the definition of each command."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        elif command is not None:
            yield " ".join((*before, name)), command


def test_every_command_and_option_is_in_the_document() -> None:
    for name, command in commands():
        first, _, rest = name.partition(" ")
        sections = [part for part in COMMANDS.split("\n## ") if part.startswith(first) and rest in part.split("\n")[0]]
        assert sections, name
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option not in ("--config", "--json"):
                    assert f"{option}" in sections[0], (name, option)


def test_commands_with_json_are_those_with_a_table() -> None:
    with_json = {name for name, command in commands() if any("--json" in p.opts for p in command.params)}
    also = {"pending authorize": "ID...", "pending deliver": "ID...", "pending blacklist": "ID..."}
    also |= dict.fromkeys(("outgoing drop", "outgoing retry-challenge"), "ID...")
    also |= {"challenges ask-again": "ID", "pending ask-again": "ID", "lists change": "ID", "requests show": "ID"}
    also |= {"sources accept": "SOURCE", "sources refuse": "SOURCE", "searches save": "ACCOUNT NAME QUERY..."}
    also |= dict.fromkeys(("policy unset", "policy lock", "policy unlock"), "SETTING [SCOPE]")
    assert with_json == set(JSON) | set(also) | set(done())
    for name, words in also.items():
        assert f"`{name} {words}`" in COMMANDS


def done() -> Iterator[str]:
    """Yield the commands that tell what they did, of the table of these: `account set-role`, `enable`."""
    text = COMMANDS[COMMANDS.index("**`--json` where something is done.**") :]
    for line in text[: text.index("**Exit status**")].splitlines()[5:]:
        names = re.findall(r"`([^`]+)`", line.split("|")[1]) if line.startswith("|") else []
        group = ""
        for name in names:
            group = name.split()[0] if " " in name else group
            yield name if " " in name else f"{group} {name}"


# --- operations.md ---


def test_metrics_are_those_in_the_table(site: Site) -> None:
    with urlopen(f"http://{HOST}:{site.gateway.monitor_port}/metrics") as answer:
        told = set(re.findall(r"^# HELP (gateway_\w+)", answer.read().decode(), re.MULTILINE))
    documented = {cell.partition("{")[0] for cell in tables(OPERATIONS, "## Metrics")}
    assert {name for name in told if not name.endswith("_created")} == documented


def logged() -> set[str]:
    """Return the names of all events that the code logs."""
    names = {word.value for word in (*Disposition, *Action, ChallengeState.DISOWNED, ChallengeState.WITHDRAWN)}
    for file in [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "challenge_web").rglob("*.py")]:
        if "demo" in file.parts or file.name == "log.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) >= 2:
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in ("event", "warning", "bug") and "log" in ast.unparse(node.args[0]):
                    names |= {n.value for n in ast.walk(node.args[1]) if isinstance(n, ast.Constant)}
    return names


def test_log_events_are_those_in_the_table() -> None:
    documented = tables(OPERATIONS, "## Log")
    assert sorted(documented) == sorted({*logged(), "log-lines-dropped"})


def test_backup_taken_beside_the_service_is_whole(site: Site, tmp_path: Path) -> None:
    site.send("ada@stranger.example", "joe@example.org", letter("ada@stranger.example", "joe@example.org"))
    statement = "VACUUM INTO"
    assert statement in OPERATIONS
    copy = Shell(tmp_path)
    with closing(sqlite3.connect(site.gateway.folder / "gateway.db")) as live:
        live.execute(f"{statement} ?", (str(copy.store_file),))
    assert copy("audit").status == 0
    assert len(copy("pending", "list", "--json").data) == 1
