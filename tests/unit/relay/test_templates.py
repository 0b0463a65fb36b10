from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from gateway.relay.template_parts import TemplateFault
from gateway.relay.templates import FILTERS, SAMPLE, VARIABLES, Templates

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "templates" / "mail"
URL = "{{ url }}"
LINK = '<p><a href="{{ url }}">open</a></p>'


def override(folder: Path, name: str, text: str) -> Path:
    (folder / "challenge").mkdir(exist_ok=True)
    (folder / "challenge" / name).write_text(text, "utf-8")
    return folder


def fault_of(folder: Path, name: str, text: str) -> TemplateFault:
    with pytest.raises(TemplateFault) as caught:
        Templates.load(override(folder, name, text), SHIPPED)
    assert caught.value.file.name == name
    return caught.value


def test_shipped_templates_render_on_the_sample() -> None:
    rendered = Templates.load(None, SHIPPED).challenge(SAMPLE)
    assert rendered.subject == "Auto: Offer for the roof - one small step"
    assert str(SAMPLE["url"]) in rendered.text
    assert "a=1&amp;b=2" in rendered.html


def test_shipped_words_are_plain_and_html_loads_nothing() -> None:
    rendered = Templates.load(None, SHIPPED).challenge(SAMPLE)
    for word in ("quarantine", "verify", "authorize", "blacklist", "spam", "urgent", "!", "answer this mail"):
        assert word not in rendered.text.lower()
    page = rendered.html.lower()
    assert not re.search(r"<(img|script|link|iframe|style|form|object|svg)\b|url\(|src=|@import|background", page)
    assert page.count("<a ") == 1


def test_sample_has_a_value_for_every_variable() -> None:
    assert set(SAMPLE) == set(VARIABLES)


def test_document_lists_variables_and_filters_as_they_are() -> None:
    page = (ROOT / "docs" / "challenge-mail.md").read_text("utf-8")
    assert dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|$", page, re.MULTILINE)) == dict(VARIABLES)
    filters = re.search(r"The filters (.+?)\.\n", page)
    assert filters is not None
    assert set(re.findall(r"`(\w+)`", filters[1])) == FILTERS


def test_override_replaces_only_its_own_file(tmp_path: Path) -> None:
    templates = Templates.load(override(tmp_path, "subject.txt", "Hello {{ sender|upper }}\n\n"), SHIPPED)
    rendered = templates.challenge(SAMPLE)
    assert rendered.subject == "Hello ANNA.ROTH@OAK.EXAMPLE"
    assert rendered.text.startswith("Hello,")


def test_override_conditions_work(tmp_path: Path) -> None:
    text = (
        '{% if days > 3 and "oak" in sender %}long{% else %}short{% endif %} {{ url }} {{ "a" if contact else "b" }}\n'
    )
    templates = Templates.load(override(tmp_path, "body.txt", text), SHIPPED)
    assert templates.challenge(SAMPLE).text == f"long {SAMPLE['url']} a\n"


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_override_directory_that_is_none_is_a_fault(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(TemplateFault, match="no such directory"):
        Templates.load(tmp_path / folder, SHIPPED)


@pytest.mark.parametrize("name", ["body.txt", "body.html"])
@pytest.mark.parametrize("text", ["no link\n", "", "{{ sender }}", "{{ url|upper }}", "{# {{ url }} #}"])
def test_body_without_url_is_a_fault(name: str, text: str, tmp_path: Path) -> None:
    fault_of(tmp_path, name, text)


@pytest.mark.parametrize(
    "text", [URL, '<a href="https://evil.example">{{ url }}</a>', '<a href="{{ url }}.evil.example">x</a>']
)
def test_html_without_a_link_to_the_url_is_a_fault(text: str, tmp_path: Path) -> None:
    assert "link" in fault_of(tmp_path, "body.html", text).reason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\n{{ sendr }}", 3),
        ("a\n{{ sender", 2),
        ("a\n{% if sender %}", 2),
        ("{{ sender | nonsense }}", 1),
        ("\n\n\n{% nonsense %}", 4),
    ],
)
def test_mistake_is_named_with_file_and_line(text: str, line: int, tmp_path: Path) -> None:
    fault = fault_of(tmp_path, "body.txt", text)
    assert fault.line == line
    assert str(fault).startswith(f"{fault.file}, line {line}: ")


def test_picture_in_a_challenge_is_a_fault_with_its_line(tmp_path: Path) -> None:
    fault = fault_of(tmp_path, "body.html", '<a href="{{ url }}">x</a>\n<img src="cid:logo.png">')
    assert (fault.line, fault.reason) == (2, "there is no picture 'logo.png': this mail has none")


def test_unknown_variable_the_known_ones_are_named(tmp_path: Path) -> None:
    reason = fault_of(tmp_path, "body.txt", "{{ sendr }}").reason
    assert all(name in reason for name in VARIABLES)


ATTACKS = [
    "{{ ''.__class__.__mro__ }}",
    "{{ sender.__class__.__init__.__globals__ }}",
    "{{ sender['__class__'] }}",
    "{{ sender|attr('__class__') }}",
    "{{ '{0.__class__}'.format(sender) }}",
    "{{ sender|format(1) }}",
    "{{ '%1000000000s' % sender }}",
    "{% include '/etc/passwd' %}",
    "{% import '/etc/passwd' as x %}",
    "{% extends '/etc/passwd' %}",
    "{% from '/etc/passwd' import x %}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ config }}",
    "{{ range(100) }}",
    "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
    "{% for a in sender %}x{% endfor %}",
    "{% for a in range(99999) %}{{ a }}{% endfor %}",
    "{{ 'x' * 50000000 }}",
    "{{ 2 ** 10000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{% set a = sender ~ sender %}{{ a }}",
    "{% set a %}{{ sender }}{% endset %}",
    "{{ sender|center(50000000) }}",
    "{{ sender|replace('', sender) }}",
    "{{ sender|indent(50000000) }}",
    "{{ sender|safe }}",
    "{{ sender|tojson }}",
    "{{ [1, 2, 3] }}",
    "{{ {'a': 1} }}",
    "{{ -days }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% call m() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% autoescape false %}{{ sender }}{% endautoescape %}",
    "{% block a %}{% endblock %}",
    "{% with a = 1 %}{{ a }}{% endwith %}",
    "{{ sender is defined }}",
    "{{ sender[0:1] }}",
    "{% raw %}{{ x }}{% endraw %}{{ joiner('x')() }}",
]


@pytest.mark.parametrize("name", ["subject.txt", "body.txt", "body.html"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_is_refused_at_start_and_at_once(attack: str, name: str, tmp_path: Path) -> None:
    begun = time.process_time()
    fault_of(tmp_path, name, f"{attack}{URL if name != 'body.html' else LINK}")
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 5000 + "sender" + ")" * 5000 + " }}",
        "{{ " + "not " * 5000 + "sender }}",
        "{{ sender" + "|upper" * 4000 + " }}",
        "{% if sender %}" * 1000 + "{% endif %}" * 1000,
        "{{ sender }}" * 2700,
        "x" * 40_000,
        "{{ url }}" + "y" * 20_000,
        "{{ 'a' if sender else " * 1000 + "'b'" + " }}",
    ],
)  # fmt: skip
def test_template_that_is_too_much_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateFault):
        Templates.load(override(tmp_path, "body.txt", text + URL), SHIPPED)


@pytest.mark.parametrize("octets", [b"\xff\xfe{{ url }}", b"\x80"])
def test_template_that_is_no_utf8_is_a_fault(octets: bytes, tmp_path: Path) -> None:
    (tmp_path / "challenge").mkdir()
    (tmp_path / "challenge" / "body.txt").write_bytes(octets)
    with pytest.raises(TemplateFault, match="UTF-8"):
        Templates.load(tmp_path, SHIPPED)


def test_shipped_template_missing_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(TemplateFault):
        Templates.load(None, tmp_path)


@pytest.mark.parametrize("subject", ["", "\n", "{{ '' }}"])
def test_subject_that_is_empty_is_a_fault(subject: str, tmp_path: Path) -> None:
    assert "nothing" in fault_of(tmp_path, "subject.txt", subject).reason


def test_override_failing_on_one_mail_gives_way_to_the_shipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "{% if sender == 'eve@evil.example' %}hidden{% else %}{{ url }}{% endif %}"
    templates = Templates.load(override(tmp_path, "body.txt", text), SHIPPED)
    assert templates.challenge(SAMPLE).text == SAMPLE["url"]
    assert templates.challenge({**SAMPLE, "sender": "eve@evil.example"}).text.startswith("Hello,")
    assert "body.txt" in caplog.text


def test_html_values_are_escaped(tmp_path: Path) -> None:
    templates = Templates.load(override(tmp_path, "body.html", LINK + "{{ subject_piece }}{{ sender|upper }}"), SHIPPED)
    evil = "<script>\"&'"
    rendered = templates.challenge({**SAMPLE, "subject_piece": evil, "sender": evil})
    assert "<script" not in rendered.html.lower()
    assert "&lt;script&gt;" in rendered.html


def test_template_that_fails_when_rendered_is_a_fault(tmp_path: Path) -> None:
    assert "does not render" in fault_of(tmp_path, "body.txt", "{% if sender < 3 %}x{% endif %}{{ url }}").reason


def test_shipped_template_failing_on_one_mail_is_a_fault(tmp_path: Path) -> None:
    override(tmp_path, "subject.txt", "{% if sender == 'eve@evil.example' %}{% else %}Auto{% endif %}")
    override(tmp_path, "body.txt", URL)
    templates = Templates.load(None, override(tmp_path, "body.html", LINK))
    with pytest.raises(TemplateFault):
        templates.challenge({**SAMPLE, "sender": "eve@evil.example"})
