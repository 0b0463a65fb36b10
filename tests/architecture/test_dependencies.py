"""Dependencies: each has a reason, is used, and is locked with hashes and nothing of any machine."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache

import pytest

from tests.architecture.tree import PACKAGES, ROOT, python_files

LOCKS = ("requirements-build.txt", "requirements.txt", "requirements-dev.txt")
LOCK_LINE = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][0-9a-z.]*)(?: ; [a-zA-Z_0-9 ='<>.!]+)? \\"
    r"|    --hash=sha256:[0-9a-f]{64}(?: \\)?"
)
# The packages whose modules have another name than theirs.
MODULE = {
    "argon2-cffi": "argon2",
    "dkimpy": "dkim",
    "dnspython": "dns",
    "pyyaml": "yaml",
    "pillow": "PIL",
    "pynacl": "nacl",
    "pyspf": "spf",
}


def module_of(package: str) -> str:
    """Return the name under which a package is imported."""
    return MODULE.get(package, package.replace("-", "_"))


def project() -> dict[str, list[str]]:
    """Return the dependencies of each group and extra by name; "" is what the service needs."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = data["project"]["optional-dependencies"]
    groups: dict[str, list[str]] = {"": data["project"]["dependencies"], **data["dependency-groups"], **extras}
    return {group: [re.split(r"[^A-Za-z0-9-]", line)[0].lower() for line in lines] for group, lines in groups.items()}


def locked(lock: str) -> dict[str, str]:
    """Return name and version of all that a lock names."""
    found = (LOCK_LINE.fullmatch(line) for line in (ROOT / lock).read_text("utf-8").splitlines())
    return {match["name"]: match["version"] for match in found if match and match["name"]}


@cache
def imported(*folders: str) -> frozenset[str]:
    """Return the top-level names of every third party that the files below some folders import."""
    names: set[str] = set()
    for file in python_files(*folders):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return frozenset(names - set(sys.stdlib_module_names) - {*PACKAGES, "tests", "benchmarks"})


def test_dependency_in_the_project_has_its_reason_above_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    start = lines.index("dependencies = [")
    listed = lines[start + 1 : lines.index("]", start)]
    bare = [line for above, line in zip(["", *listed], listed, strict=False) if line[2:3] == '"' and "  #" not in above]
    assert bare == []


def test_dependency_of_the_service_is_imported_somewhere() -> None:
    used = imported(*PACKAGES)
    assert {name for name in project()[""] if module_of(name) not in used} == set()


@pytest.mark.parametrize(
    ("folders", "groups"),
    [(PACKAGES, ("", "ldap")), (("tests", "benchmarks"), ("", "build", "dev"))],
    ids=["service", "tests"],
)
def test_import_of_a_third_party_is_a_declared_dependency(folders: tuple[str, ...], groups: tuple[str, ...]) -> None:
    declared = {module_of(name) for group in groups for name in project()[group]}
    assert imported(*folders) - declared == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_only_versions_and_hashes(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    assert [line for line in lines if not LOCK_LINE.fullmatch(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_a_hash_for_each_version(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    names = [number for number, line in enumerate(lines) if "==" in line]
    assert [lines[number] for number in names if "--hash=" not in lines[number + 1]] == []


@pytest.mark.parametrize(("group", "lock"), [("", "requirements.txt"), ("build", LOCKS[0]), ("dev", LOCKS[2])])
def test_lock_names_all_that_the_project_asks_for(group: str, lock: str) -> None:
    assert set(project()[group]) - set(locked(lock)) == set()


def test_locks_name_one_version_of_each_package() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in locked(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
