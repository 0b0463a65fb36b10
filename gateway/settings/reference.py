"""Tell all settings: as a sample configuration, and as a page of the documentation. Both come from the schema."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from gateway.settings import outgoing, schema, sign_in_ways, webhook
from gateway.settings.kinds import describe, toml
from gateway.settings.load import PREFIX, SECTIONS

_WIDTH = 110

_SAMPLE_HEAD = """\
# Settings of challenge-gateway. Every setting is here with its default; leave out what you do not change.
# Paths are relative to the folder of this file. Each key can be set by the environment as
# GATEWAY_<SECTION>_<KEY>. `challenge-gateway check-config --config FILE` names each fault.
#
# Written by `make reference` from gateway/settings/schema.py.
"""

_PAGE_HEAD = """\
# Configuration

All settings stand in one TOML file, named with `--config FILE`; `config/gateway.toml` is a sample that holds every
setting with its default. Leave out what you do not change.

- **Paths** are relative to the folder of the file.
- **Environment**: each key can be set as `GATEWAY_<SECTION>_<KEY>`, which wins over the file:
  `GATEWAY_SMTP_HOSTNAME=mx.example.org`. Lists are TOML (`["a", "b"]`) or parted by commas (`a,b`), tables are TOML
  (`{ "example.org" = "host:port" }`).
- **Secrets** are kept in files of their own; a setting names the file.
- **Faults**: `challenge-gateway check-config --config FILE` names every fault with its file, its key and what to write
  instead. A key that does not exist is a fault.

*Written by `make reference` from `gateway/settings/schema.py`: change it there.*
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting."""

    key: str
    kind: object
    default: object
    sentence: str


def entries() -> Iterator[tuple[str, str, list[Entry]]]:
    """Yield each section: its name, its sentence, its settings in the schema's order, tables last."""
    words = _sentences()
    for name, section in SECTIONS.items():
        listed = [
            Entry(f.name, f.type, _default(f), words[section.__name__][f.name]) for f in msgspec.structs.fields(section)
        ]
        # In TOML a sub-table ends the table it is in.
        listed.sort(key=lambda entry: isinstance(entry.default, dict))
        yield name, inspect.getdoc(section) or "", listed


def sample() -> str:
    """Return config/gateway.toml."""
    lines = [_SAMPLE_HEAD.rstrip()]
    for name, sentence, listed in entries():
        lines += ["", f"# {sentence}", f"[{name}]"]
        for entry in listed:
            comment = textwrap.wrap(f"# {entry.sentence}", _WIDTH, subsequent_indent="# ")
            if isinstance(entry.default, dict):
                lines += ["", *comment, f"[{name}.{entry.key}]"]
            else:
                lines += [*comment, f"{entry.key} = {toml(entry.default)}  # {describe(entry.kind)}"]
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return docs/configuration.md."""
    lines = [_PAGE_HEAD]
    for name, sentence, listed in entries():
        lines += [f"## [{name}]", "", sentence, "", "| key | what it is | to write | default |", "|---|---|---|---|"]
        for entry in listed:
            cells = (f"`{entry.key}`", entry.sentence, describe(entry.kind), f"`{toml(entry.default)}`")
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    lines += ["## Environment", "", "| variable | key |", "|---|---|"]
    for name, _, listed in entries():
        lines += [f"| `{PREFIX}{name.upper()}_{entry.key.upper()}` | `{name}.{entry.key}` |" for entry in listed]
    return "\n".join(lines) + "\n"


def _default(entry: msgspec.structs.FieldInfo) -> object:
    if entry.default_factory is not msgspec.NODEFAULT:
        return entry.default_factory()
    return entry.default


def _sentences() -> dict[str, dict[str, str]]:
    """Class name → key → the words below it in its class."""
    words: dict[str, dict[str, str]] = {}
    for node in [
        node
        for module in (schema, outgoing, sign_in_ways, webhook)
        for node in ast.parse(inspect.getsource(module)).body
    ]:
        if isinstance(node, ast.ClassDef):
            words[node.name] = {
                key.target.id: doc.value.value
                for key, doc in zip(node.body, node.body[1:], strict=False)
                if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name)
                if isinstance(doc, ast.Expr)
                and isinstance(doc.value, ast.Constant)
                and isinstance(doc.value.value, str)
            }
    return words
