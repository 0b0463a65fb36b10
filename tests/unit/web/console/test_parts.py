"""The macros that all pages of the console are made of, and the frame around them, fed with what hostile mail brings."""

from __future__ import annotations

import jinja2
import pytest

from gateway.languages.in_templates import teach
from gateway.languages.language import ENGLISH, language
from tests.unit.web.console.markup import Markup, faults
from tests.unit.web.fakes import TEMPLATES

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea></select></title><h1>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202egnp.exe\u202c \u05d0\u05d1\u05d2",
    "&lt;b&gt; &amp; &#x27;",
    "<!-- ",
    "x" * 10_000,
    "",
)

CALLS = {
    "csrf": "{{ parts.csrf(x) }}",
    "note": '{{ parts.note(x) }}{{ parts.note(x, "error") }}{{ parts.note(x, "warn") }}{{ parts.note(x, "done") }}',
    "empty": "<h1>1</h1>{{ parts.empty(x, x) }}",
    "chip": '{{ parts.chip(x, "warn", x) }}{{ parts.chip(x) }}',
    "field": '{{ parts.field("name", x, x, "email", x, x, True, "off") }}{{ parts.field("other", x, id="another") }}',
    "select": '{{ parts.select("name", x, [(x, x), ("b", "B")], x, x) }}',
    "check": '{{ parts.check("name", x, True, x, x) }}{{ parts.check("name", "L") }}',
    "area": '{{ parts.area("name", x, x, 3, x, x) }}',
    "button": '{{ parts.button(x, "name", x, "danger") }}{{ parts.button(x) }}',
    "post": '{{ parts.post("../", "console/pending", x, x, "plain", {"one": x, "two": x}) }}',
    "pager": '{{ parts.pager("?a=1&b=2", "?p", "?n", x) }}',
    "past_end": '<h1>{{ x }}</h1>{{ parts.past_end("?a=1&b=2") }}',
    "crumb": '{{ parts.crumb("../console", x) }}',
    "facts": "{{ parts.facts([(x, x), (x, x)]) }}",
    "tabs": '{{ parts.tabs([("?a", x, True, 12), ("?b", x, False, 0), ("?c", x, False, None)], x) }}',
    "bar": "{{ parts.bar(3, 10, x) }}",
}


@pytest.fixture(scope="module")
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    teach(made, lambda: language(ENGLISH))
    return made


def _call(environment: jinja2.Environment, call: str, x: str) -> str:
    return environment.from_string('{% import "console/parts.html" as parts %}' + call).render(x=x)


def _render(environment: jinja2.Environment, name: str, x: str) -> str:
    return _call(environment, CALLS[name], x)


def test_every_macro_is_tried(environment: jinja2.Environment) -> None:
    module = environment.get_template("console/parts.html").module
    macros = {name for name, value in vars(module).items() if callable(value) and hasattr(value, "arguments")}
    assert macros - {"described", "below"} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_macro_with_plain_text_is_sound(environment: jinja2.Environment, name: str) -> None:
    assert faults(_render(environment, name, "Some words")) == []


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_macro_with_hostile_text_has_the_tags_of_plain_text(
    environment: jinja2.Environment, name: str, text: str
) -> None:
    page = _render(environment, name, text)
    hostile = Markup(page)
    if text:
        assert hostile.tags == Markup(_render(environment, name, "Some words")).tags
    assert hostile.faults == []
    if text and "<" in text:
        assert text not in page


def test_text_area_keeps_its_first_empty_line(environment: jinja2.Environment) -> None:
    # A browser drops the line end right after <textarea>; there is one too many for it.
    assert ">\n\nfirst</textarea>" in _render(environment, "area", "\nfirst")


def test_field_of_a_password_never_shows_one(environment: jinja2.Environment) -> None:
    page = _call(environment, '{{ parts.field("password", "Password", x, "password") }}', "blue kettle")
    assert "blue kettle" not in page


def test_field_of_an_address_takes_letters_of_every_script_as_they_are_typed(environment: jinja2.Environment) -> None:
    page = _call(environment, '{{ parts.field("address", "Address", x, "email") }}', "j\u00fcrgen@b\u00fccher.example")
    assert 'type="text" inputmode="email"' in page
    assert 'autocapitalize="none" spellcheck="false"' in page


def test_field_with_an_error_says_which_one_it_is(environment: jinja2.Environment) -> None:
    page = _call(environment, '{{ parts.field("name", "Name", x, hint="Short.", error="Too long.") }}', "Joe")
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="f-name-hint f-name-error"' in page


def test_select_marks_a_number_that_equals_the_choice(environment: jinja2.Environment) -> None:
    page = _call(environment, '{{ parts.select("days", "Days", [(7, "7"), (14, "14")], x) }}', "14")
    assert '<option value="14" selected>' in page
    assert page.count("selected") == 1


def test_tabs_mark_the_current_one_for_ears_too(environment: jinja2.Environment) -> None:
    page = _render(environment, "tabs", "Here")
    assert page.count('aria-current="page"') == 1
    assert '<span class="count">0</span>' in page


def test_bar_of_nothing_divides_by_nothing(environment: jinja2.Environment) -> None:
    assert 'max="1"' in _call(environment, "{{ parts.bar(0, 0, x) }}", "Nothing yet")
