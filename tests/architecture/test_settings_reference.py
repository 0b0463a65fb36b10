"""The settings are told as they are: sample, page and code agree."""

from __future__ import annotations

import ast
from pathlib import Path

from gateway.settings import load
from gateway.settings.kinds import unit_of
from gateway.settings.reference import entries, page, sample
from tests.architecture.tree import PACKAGES, ROOT, name_of, python_files


def test_sample_configuration_is_the_generated_one() -> None:
    assert (ROOT / "config/gateway.toml").read_text("utf-8") == sample(), "the settings have changed: make reference"


def test_page_of_the_documentation_is_the_generated_one() -> None:
    assert (ROOT / "docs/configuration.md").read_text("utf-8") == page(), "the settings have changed: make reference"


def test_sample_configuration_loaded_gives_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(sample(), "utf-8")
    (tmp_path / "empty.toml").write_text("")
    assert load(file, {}, serving=True) == load(tmp_path / "empty.toml", {})


def test_setting_in_the_schema_has_one_sentence() -> None:
    for name, _, listed in entries():
        for entry in listed:
            assert entry.sentence.endswith("."), f"{name}.{entry.key}"
            assert "\n" not in entry.sentence, f"{name}.{entry.key}"


def test_setting_with_a_unit_names_it_in_its_key() -> None:
    for name, _, listed in entries():
        for entry in listed:
            unit = unit_of(entry.kind).replace(" ", "_")
            assert entry.key.endswith(unit), f"{name}.{entry.key} is in {unit}"


def test_setting_in_the_schema_is_used_somewhere() -> None:
    read = {
        node.attr
        for file in python_files(*PACKAGES)
        if not name_of(file).startswith("gateway/settings/")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }
    unused = [f"{name}.{entry.key}" for name, _, listed in entries() for entry in listed if entry.key not in read]
    assert unused == []
