"""Read the settings from a file and the environment, and name every fault at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_origin

import msgspec

from gateway.settings.checks import between_settings, files_to_serve_with
from gateway.settings.kinds import describe, parser_of, read
from gateway.settings.schema import Settings
from gateway.settings.value_kinds import Section

PREFIX = "GATEWAY_"

SECTIONS: dict[str, type[Section]] = {f.name: f.type for f in msgspec.structs.fields(Settings)}
"""Name of each table and what it holds."""


class SettingsError(Exception):
    """The settings cannot be used. Its text has one line for each fault: where, which key, what to write."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def kinds_of(section: type[Section]) -> dict[str, object]:
    """Return the annotation of each key of a section."""
    return {f.name: f.type for f in msgspec.structs.fields(section)}


def load(path: Path | None, environ: Mapping[str, str], *, serving: bool = False) -> Settings:
    """Return the settings of a file, each overridden by `GATEWAY_<SECTION>_<KEY>` of the environment.

    path: None takes the defaults, and relative paths start from the working folder. serving: check as well what
    only the service itself needs: that its files can be read and that it has a domain. Raises SettingsError.
    """
    reading = _Reading((path.parent if path else Path()).resolve())
    if path is not None:
        reading.file(path)
    reading.environment(environ)
    settings = reading.settings()
    faults = list(reading.faults)
    # A key that is wrong by itself stands at its default now: it has its fault, and no second one.
    clean = [fault for fault in between_settings(settings) if not reading.broken.intersection(fault.keys)]
    if serving:
        clean += [fault for fault in files_to_serve_with(settings) if not reading.broken.intersection(fault.keys)]
    faults += [f"{reading.source_of(fault.keys[0])}: {fault.keys[0]}: {fault.text}" for fault in clean]
    if faults:
        raise SettingsError(faults)
    return settings


@dataclass(slots=True)
class _Reading:
    base: Path
    faults: list[str] = field(default_factory=list)
    values: dict[str, dict[str, object]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """Dotted key → where it was set, for faults."""
    broken: set[str] = field(default_factory=set)
    default_source: str = "default"

    def file(self, path: Path) -> None:
        self.default_source = str(path)
        try:
            tables = tomllib.loads(path.read_text("utf-8"))
        except OSError as fault:
            self.faults.append(f"{path}: cannot be read ({fault.strerror}); name the file with --config FILE")
            return
        except UnicodeDecodeError:
            self.faults.append(f"{path}: is not UTF-8 text; save it as UTF-8")
            return
        except tomllib.TOMLDecodeError as fault:
            self.faults.append(f"{path}: is not TOML: {fault}")
            return
        for name, table in tables.items():
            section = SECTIONS.get(name)
            if section is None:
                self.faults.append(f"{path}: {name}: there is no such section{_nearest(name, SECTIONS)}")
            elif not isinstance(table, dict):
                self.faults.append(f"{path}: {name}: is a section; write [{name}] and its keys below")
            else:
                self.section(str(path), name, table)

    def section(self, source: str, name: str, table: Mapping[str, object]) -> None:
        kinds = kinds_of(SECTIONS[name])
        for key, value in table.items():
            if key in kinds:
                self.one(source, name, key, value)
            else:
                self.faults.append(f"{source}: {name}.{key}: there is no such key{_nearest(key, kinds, name)}")

    def environment(self, environ: Mapping[str, str]) -> None:
        for variable, text in sorted(environ.items()):
            name, key = _section_and_key(variable.removeprefix(PREFIX).lower())
            if not variable.startswith(PREFIX) or not key:
                continue
            if name not in SECTIONS:
                # Other programs may set GATEWAY_… of their own: only what looks like a slip is a fault.
                if get_close_matches(name, SECTIONS, 1, 0.75):
                    self.faults.append(f"{variable}: there is no section {name}{_nearest(name, SECTIONS)}")
                continue
            kinds = kinds_of(SECTIONS[name])
            if key not in kinds:
                near = get_close_matches(key, kinds, 1, 0.0)[0]
                nearest = f"{PREFIX}{name}_{near}".upper()
                self.faults.append(f"{variable}: {name}.{key}: there is no such key; the nearest is {nearest}")
                continue
            try:
                value = _from_text(kinds[key], text)
            except ValueError as fault:
                self.fault(variable, name, key, fault)
            else:
                self.one(variable, name, key, value)

    def one(self, source: str, name: str, key: str, value: object) -> None:
        """Take one value; a later one for the same key replaces it."""
        dotted = f"{name}.{key}"
        kind = kinds_of(SECTIONS[name])[key]
        try:
            self.values.setdefault(name, {})[key] = read(kind, value, self.base)
        except ValueError as fault:
            self.fault(source, name, key, fault)
        else:
            self.sources[dotted] = source

    def fault(self, source: str, name: str, key: str, fault: ValueError) -> None:
        self.broken.add(f"{name}.{key}")
        self.faults += [f"{source}: {name}.{key}: {text}" for text in fault.args]

    def source_of(self, dotted: str) -> str:
        return self.sources.get(dotted, self.default_source)

    def settings(self) -> Settings:
        """Build the settings of what was read; what was not, or is wrong, stands at its default."""
        sections: dict[str, Any] = {}
        for name, section in SECTIONS.items():
            values = self.values.get(name, {})
            for entry in msgspec.structs.fields(section):
                # A default is written as in the file, so its relative path has to be resolved as well.
                if entry.name not in values and parser_of(entry.type) and isinstance(entry.default, str):
                    values[entry.name] = read(entry.type, entry.default, self.base)
            sections[name] = section(**values)
        return Settings(**sections)


def _section_and_key(name: str) -> tuple[str, str]:
    """Part `sign_in_ldap_server` behind its section, which may have several words; the longest one counts."""
    fits = [section for section in SECTIONS if name.startswith(f"{section}_")]
    section = max(fits, key=len) if fits else name.partition("_")[0]
    return section, name[len(section) + 1 :]


def _from_text(kind: object, text: str) -> object:
    """Read an environment variable: TOML where the setting is no text; a list may be parted by commas."""
    if parser_of(kind) or kind is str or get_origin(kind) is Literal:
        return text
    stripped = text.strip()
    listed = get_origin(kind) is tuple
    try:
        if not listed or stripped.startswith("["):
            return tomllib.loads(f"value = {stripped}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        # A list may also begin with an IPv6 address in its brackets.
        if not listed or stripped.endswith("]"):
            raise ValueError(f"{text!r} does not fit; write {describe(kind)}") from None
    return [item.strip() for item in stripped.split(",") if item.strip()]


def _nearest(name: str, names: Iterable[str], section: str = "") -> str:
    near = get_close_matches(name, names, 1, 0.0)
    return f"; the nearest is {section}.{near[0]}" if section else f"; the nearest is {near[0]}"
