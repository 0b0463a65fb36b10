"""Each page and each button of the console has its twin in the API and at the command line: the table is the proof."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from challenge_web.console.deed_words import DEEDS, words_of
from challenge_web.console.routes import Route
from gateway.cli.main import cli
from gateway.flow.journal import Deed
from tests.architecture.tree import ROOT
from tests.architecture.twins import DONE, FOLDERS, PAGE, SEEN, Twin, commands, page
from tests.unit.web.console.house import House

BUTTON = re.compile(r'"do": "([\w.-]+)"|"do", "([\w.-]+)"|name="do" value="([\w.-]+)"')
TEMPLATES = ROOT / "templates/web/console"
# What a file is for has no second form, and an editor tells programs nothing.
NO_JSON = {"lists export", "history export", "log export", "templates edit"}


def names_of(routes: list[str], twins: tuple[Twin, ...]) -> set[str]:
    """Return the names that lines are about, those with a star as what they stand for."""
    names = set()
    for twin in twins:
        begin = twin.route.removesuffix("*")
        names |= {name for name in routes if name.startswith(begin)} if begin != twin.route else {begin}
    return names


def found(words: list[str]) -> click.Command | None:
    """Return the command that words name."""
    command: click.Command | None = cli
    for word in words:
        command = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
    return command


def test_every_page_of_the_console_has_its_line(house: House) -> None:
    shown = [route.name for route in house.routes if route.show is not None]
    done = [route.name for route in house.routes if route.act is not None]
    assert names_of(shown, SEEN) == set(shown), "add it to tests/architecture/twins.py"
    assert names_of(done, DONE) == set(done), "add it to tests/architecture/twins.py"


def test_every_line_has_both_twins_or_a_reason() -> None:
    for twin in (*SEEN, *DONE):
        assert (twin.api and twin.cli) or twin.why, twin
        assert not (twin.api and twin.cli and twin.why), twin


def test_every_twin_of_the_api_is_there_and_only_looks_where_the_page_only_looks(house: House) -> None:
    operations = {one.id: one for one in house.operations}
    routes = {route.name: route for route in house.routes}
    for twins, acting in ((SEEN, False), (DONE, True)):
        for twin in twins:
            for name in twin.api.split():
                assert name in operations, (twin.route, name)
                assert acting or not operations[name].changes, (twin.route, name)
            if acting and twin.api and not _only_looks(twin, routes[twin.route]):
                assert any(operations[name].changes for name in twin.api.split()), twin


def test_what_a_program_does_stands_in_the_log_in_the_words_of_its_twin(house: House) -> None:
    twins = {name: twin.route for twin in reversed(DONE) for name in twin.api.split()}
    for operation in house.operations:
        if operation.changes:
            done = Deed(0.0, "joe", f"api {operation.id}", "", "", "")
            assert words_of(done), operation.id
            assert operation.id not in twins or words_of(done) == DEEDS[twins[operation.id]], operation.id


def _only_looks(twin: Twin, route: Route) -> bool:
    return route.reads or twin.do in ("count", "check") or twin.route == "account-look"


def test_every_twin_of_the_command_line_is_there_with_its_options_and_prints_json() -> None:
    for twin in (*SEEN, *DONE):
        for words in commands(twin):
            name = [word for word in words if not word.startswith("--")]
            command = found(name)
            assert command is not None, twin
            assert not isinstance(command, click.Group), twin
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= known, twin
            assert "--json" in known or " ".join(name) in NO_JSON, twin


def test_every_button_of_a_form_with_several_has_its_line() -> None:
    for name, places in FOLDERS.items():
        lines = {value for twin in DONE if twin.route == name for value in twin.do.split()}
        assert set(buttons(places)) == lines, name
    elsewhere = {file for file in TEMPLATES.rglob("*.html") if BUTTON.search(file.read_text("utf-8"))}
    assert elsewhere == {file for places in FOLDERS.values() for file in files(places) if file in elsewhere}


def files(places: tuple[str, ...]) -> Iterator[object]:
    for place in places:
        path = TEMPLATES / place
        yield from path.rglob("*.html") if path.is_dir() else [path]


def buttons(places: tuple[str, ...]) -> Iterator[str]:
    """Yield what the buttons in these templates say with `do`."""
    for place in places:
        path = TEMPLATES / place
        for file in path.rglob("*.html") if path.is_dir() else [path]:
            for match in BUTTON.finditer(file.read_text("utf-8")):
                yield next(filter(None, match.groups()))


def test_table_of_twins_is_the_one_in_the_documents() -> None:
    assert PAGE.read_text("utf-8") == page(), "twins have changed: make reference"
