"""Facts about the files themselves."""

from __future__ import annotations

import os
import re

from tests.architecture.tree import ROOT, files, name_of, python_files, texts

FOLDERS = ("gateway", "challenge_web", "benchmarks", "tests")
LONGEST = 400
"""Lines of a module."""

RAW = re.compile(r"\br[bf]?[\"']")
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+|\(\?>")

# In pieces, so that this file does not name them itself.
HOSTS = tuple(
    ".".join(pieces)
    for pieces in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
    )
)
INDEX_OPTION = re.compile(r"^\s*(-i|-f|--(extra-)?index-url|--find-links|index-url)[ =]", re.MULTILINE)


def test_modules_are_short_enough_to_be_read_at_once() -> None:
    # A migration is a record of one moment, never read for a change.
    lines = {
        name_of(file): len(file.read_text("utf-8").splitlines())
        for file in python_files(*FOLDERS)
        if "/migrations/versions/" not in name_of(file)
    }
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


def test_modules_have_names_that_say_what_they_do() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
    assert [name_of(file) for file in files() if file.suffix == ".py" and file.stem in vague] == []


def test_files_name_no_registry_and_no_index() -> None:
    found = [name for name, text in texts() if any(host in text for host in HOSTS)]
    assert found == []
    assert [name for name, text in texts() if INDEX_OPTION.search(text)] == []


def test_files_name_no_path_of_the_machine_they_were_written_on() -> None:
    # Whoever has no home has "~" or nothing here.
    homes = [home for home in [os.path.expanduser("~")] if home.startswith("/")]
    places = {f"{place}/" for place in (ROOT, ROOT.parent, *homes)} - {"/", "//"}
    # Where a checkout lies in a folder that every machine has, its name says nothing.
    places -= {"/tmp/", "/var/", "/srv/", "/opt/", "/usr/", "/home/", "/var/tmp/", "/usr/src/"}
    assert [(name, place) for name, text in texts() for place in places if place in text] == []


def test_patterns_have_no_possessive_groups() -> None:
    # Before Python 3.11.5, which Debian 12 has not, they match what they must not: `(?:\\.a)*+` takes the dot of "a.@".
    found = [
        f"{name_of(file)}: {line.strip()}"
        for file in python_files("gateway", "challenge_web")
        for line in file.read_text("utf-8").splitlines()
        if RAW.search(line)
        if POSSESSIVE_GROUP.search(line)
    ]
    assert found == []
