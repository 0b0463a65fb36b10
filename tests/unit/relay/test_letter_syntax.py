"""What somebody may type into a template of notices: all that the shipped one does, and nothing that grows or reaches out."""

from __future__ import annotations

import pytest

from gateway import resources
from gateway.languages.language import known
from gateway.mail_texts import MailTexts
from gateway.relay.letter import PARTS, Desk
from gateway.relay.notice_letter import _SAMPLE, NOTICE_VARIABLES, NoticeTemplates, _variables
from gateway.relay.template_parts import Sources, TemplateFault

SHIPPED = resources.folder("templates") / "mail"
GOOD = "{{ stop }}"


@pytest.fixture(scope="module")
def templates() -> NoticeTemplates:
    return NoticeTemplates((SHIPPED,))


@pytest.mark.parametrize("tag", known())
def test_shipped_words_of_a_notice_are_allowed(tag: str) -> None:
    sources = Sources(*((SHIPPED / "notice" / name).read_text("utf-8") for name in PARTS))
    notices = MailTexts(None).notice(tag)
    assert notices.faults(sources) == []
    assert notices.typed(sources).sample() == notices.sample()


def test_every_variable_has_its_meaning() -> None:
    assert set(_variables(_SAMPLE, Desk(), 0.0, MailTexts(None).notice("en").spoken)) == set(NOTICE_VARIABLES)


@pytest.mark.parametrize(
    "text",
    [
        '{{ _("%(a)99999999s", a=1) }}', '{{ ngettext("%(num)99s", "x", 3) }}', "{{ _(subject) }}", "{{ _ }}",
        '{{ _("%(a)s", a=_("%(b)s", b=body)) }}', '{{ gettext("%(a)s" | upper) }}', '{{ _(*body) }}',
        '{{ "%999s" | format("x") }}', '{{ "%-20s" | format(subject, extra=1) }}', "{{ subject | wordwrap(1) }}",
        '{{ subject | wordwrap(70, false, "' + "x" * 21 + '") }}', '{{ body | join("x" * 10) }}',
        "{{ subject | replace('a', 'bbbb') }}", "{{ body | length }}", "{% filter center(99999999) %}x{% endfilter %}",
        "{% for a in body %}{% for b in groups %}x{% endfor %}{% endfor %}", "{% for x in subject %}{% endfor %}",
        "{% for x in body if x %}{% endfor %}", "{% filter trim %}{% for l in body %}{{ l }}{% endfor %}{% endfilter %}",
        "{% filter trim %}" + "{{ body }}" * 21 + "{% endfilter %}", "{{ body ~ body ~ body ~ body }}",
        "{{ (body ~ body) ~ body }}", '{{ "x" * 9999999 }}', '{{ "xx" * 100 }}', "{{ 9 ** 9 ** 9 }}", '{{ "%s" % subject }}',
        "{{ body.__class__ }}", "{{ body[0] }}", "{{ cycler }}", "{{ range(9) }}", "{% set a = 1 %}", '{% include "x" %}',
        "{% macro a() %}{% endmacro %}", "{{ nothing }}", "{{ [] }}", "{% if %}",
    ],
)  # fmt: skip
def test_what_could_grow_or_reach_out_is_refused_with_its_line(templates: NoticeTemplates, text: str) -> None:
    (fault,) = templates.faults(Sources("Subject", f"{GOOD}\n{text}", GOOD))
    assert (fault.file.name, fault.line) == ("body.txt", 2)
    with pytest.raises(TemplateFault):
        templates.typed(Sources("Subject", GOOD, f"{GOOD}\n{text}"))


@pytest.mark.parametrize(
    ("sources", "part"),
    [
        (Sources("x", "no end", GOOD), "body.txt"),
        (Sources("x", GOOD, "<p>no end</p>"), "body.html"),
        (Sources(" {{ pattern if last and not last }}", GOOD, GOOD), "subject.txt"),
        (Sources("x", GOOD + "x" * 32_769, GOOD), "body.txt"),
        (Sources("x", GOOD + "{% for line in body %}" + "x" * 9_000 + "{% endfor %}", GOOD), "body.txt"),
        (Sources("x", GOOD + "{% if 1 %}" * 500 + "{% endif %}" * 500, GOOD), "body.txt"),
    ],
)
def test_words_that_say_nothing_or_too_much_are_refused(
    templates: NoticeTemplates, sources: Sources, part: str
) -> None:
    with pytest.raises(TemplateFault) as found:
        templates.typed(sources)
    assert found.value.file.name == part


def test_own_sentences_stand_beside_ours_in_the_language_of_the_mail() -> None:
    typed = (
        MailTexts(None)
        .notice("de")
        .typed(Sources("{{ subject }} - {{ reason }}", 'Hallo\n{{ _("Deliver") }}: {{ url }}\n{{ stop }}', GOOD))
    )
    filled = typed.sample()
    assert filled.subject == "Offer for the roof - Erste E-Mail von dieser Adresse"
    assert "Zustellen: https://" in filled.text
