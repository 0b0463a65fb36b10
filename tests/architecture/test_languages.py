"""Every language says everything: nothing untranslated, no variable lost, no sentence that nobody can translate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from babel.messages.catalog import Catalog, Message

from gateway.languages import catalogue as catalogues
from gateway.languages.language import language_name
from gateway.relay.templates import Templates
from tests.architecture.messages import LANGUAGES, catalogue, collected, tags, typeset, updated
from tests.architecture.tree import ROOT

HOLE = re.compile(r"%\((\w+)\)s|\{(\w+)\}|(%%)|<(/?\w+)")
MAIL_HOLE = re.compile(r"\{\{\s*(\w+)[^}]*\}\}|<a\b|<br>|<p\b")
UNMARKED_YET = ("api/",)
"""Rooms whose words are English still; those of the API stay it."""
SEEN = {"alt", "title", "placeholder", "aria-label", "data-label", "content"}
# Names, keys and examples, the same in every language.
SAME = re.compile(
    r"UTC|aria-describedby=|-hint|-error|.*aria-invalid=.*|HTML|CSV|IP|URL|j|k|x|a|d|b|%|·|–|—|→|width=device-width.*|noindex.*|light dark|only light|telephone=no"
)


# A string in an expression is heard of as an argument of these; a date's words are none.
HEARD = re.compile(r"(\b_ \(|\bn?pgettext \(|\bngettext \(|\bpgettext \( \S.* ,|\bngettext \( [^,]* ,)$")
SENTENCE = re.compile(r"[a-z,.] [A-Za-z]|^[A-Z][a-z]+")


@pytest.fixture(scope="module")
def everything() -> Catalog:
    return collected()


def messages(tag: str) -> Iterator[tuple[Message, list[str], list[str]]]:
    """Yield each message of a catalogue with its English texts and its translations."""
    for message in catalogue(tag):
        if message.id:
            english = [message.id] if isinstance(message.id, str) else list(message.id)
            own = [message.string] if isinstance(message.string, str) else list(message.string or ())
            yield message, english, own


@pytest.mark.parametrize("tag", tags())
def test_catalogue_has_what_code_and_templates_say_and_no_more(tag: str, everything: Catalog) -> None:
    kept = (LANGUAGES / tag / "messages.po").read_text("utf-8")
    assert updated(tag, everything) == kept, "run: make messages"


@pytest.mark.parametrize("tag", tags())
def test_every_text_is_translated(tag: str) -> None:
    missing = [english[0] for message, english, own in messages(tag) if message.fuzzy or not all(own)]
    assert missing == [], f"translate these in gateway/languages/{tag}/messages.po"


@pytest.mark.parametrize("tag", tags())
def test_translation_has_the_variables_and_the_markup_of_the_english(tag: str) -> None:
    for message, english, own in messages(tag):
        wanted = sorted(HOLE.findall(english[-1]))
        for text in own:
            assert sorted(HOLE.findall(text)) == wanted, (message.id, text)
            assert text.startswith(" ") == english[0].startswith(" ") or message.context, text


@pytest.mark.parametrize("tag", tags())
def test_plural_has_a_text_for_each_form(tag: str) -> None:
    read = catalogues.read(LANGUAGES / tag / "messages.po")
    forms = {read.form(number) for number in range(200)}
    assert forms == set(range(catalogue(tag).num_plurals))
    assert {len(texts) for texts in read.texts.values()} <= {1, len(forms)}


@pytest.mark.parametrize("tag", tags())
@pytest.mark.parametrize("kind", ["challenge", "sign-in"])
@pytest.mark.parametrize("part", ["subject.txt", "body.txt", "body.html"])
def test_mail_in_each_language_names_the_same_variables(tag: str, kind: str, part: str) -> None:
    english = (ROOT / "templates/mail" / kind / part).read_text("utf-8")
    own = (LANGUAGES / tag / "mail" / kind / part).read_text("utf-8")
    assert sorted(MAIL_HOLE.findall(own)) == sorted(MAIL_HOLE.findall(english))
    if part == "body.html":
        assert f'<html lang="{tag}">' in own
    assert typeset(tag, own) == own, "spaces and apostrophes as in tests/architecture/messages.py"
    if part == "body.txt":
        assert max(map(len, own.splitlines())) <= 76


@pytest.mark.parametrize("tag", tags())
def test_challenge_in_each_language_is_one_we_would_take(tag: str) -> None:
    rendered = Templates.load(None, LANGUAGES / tag / "mail").sample()
    assert rendered.subject.startswith("Auto: ")  # RFC 3834 §3.1.5: programs look for it.
    assert rendered.text.isprintable() or "\n" in rendered.text


def test_each_language_has_what_its_folder_needs() -> None:
    for tag in tags():
        assert (LANGUAGES / tag / "words.txt").is_file()
        assert language_name(tag) not in ("", "English")


# --- sentences outside of the catalogues ---


class Words(HTMLParser):
    """Collects what people see of a template."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.still = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.still += tag in ("code", "script", "style", "kbd")
        self.seen += [value for name, value in attributes if name in SEEN and value]

    def handle_endtag(self, tag: str) -> None:
        self.still -= tag in ("code", "script", "style", "kbd")

    def handle_data(self, data: str) -> None:
        if not self.still:
            self.seen.append(data)


def unmarked(source: str) -> list[str]:
    """Return the sentences of a template that no catalogue hears of."""
    plain, inside = "", False
    call: list[str] = []
    words: list[str] = []
    for _line, kind, text in jinja2.Environment(extensions=["jinja2.ext.i18n"]).lex(source):
        if kind == "data" and not inside:
            plain += text
        elif kind == "variable_begin":
            plain += "\0"
        elif kind == "block_end" and call and call[0] in ("trans", "endtrans"):
            inside = call[0] == "trans"
        if kind in ("variable_begin", "block_begin"):
            call = []
        elif kind in ("name", "string", "operator"):
            if kind == "string" and not HEARD.search(" ".join(call[-40:])) and SENTENCE.search(text[1:-1]):
                words.append(text[1:-1])
            call.append(text)
    parser = Words()
    parser.feed(plain)
    pieces = [piece.strip(" \n\0.,;:()/…“”\"'") for text in parser.seen for piece in text.split("\0")]
    return [piece for piece in pieces + words if re.search(r"[A-Za-z]", piece) and not SAME.fullmatch(piece)]


def templates() -> list[Path]:
    folder = ROOT / "templates/web"
    return [file for file in sorted(folder.rglob("*.html")) if not file.is_relative_to(folder / "demo")]


@pytest.mark.parametrize("file", templates(), ids=lambda file: str(file.relative_to(ROOT / "templates/web")))
def test_template_says_nothing_that_cannot_be_translated(file: Path) -> None:
    name = str(file.relative_to(ROOT / "templates/web"))
    if not name.startswith(UNMARKED_YET):
        assert unmarked(file.read_text("utf-8")) == [], (
            'write {{ _("…") }} or {% trans %}…{% endtrans %}, then: make messages'
        )


def test_no_template_decides_by_what_is_said() -> None:
    """A text that was translated is no longer equal to the English one it came from."""
    asking = re.compile(r"""([=!]=|\bin) *_\(|_\(["'][^"']*["']\) *([=!]=|in\b)""")
    found = [str(file) for file in (ROOT / "templates").rglob("*.html") if asking.search(file.read_text("utf-8"))]
    assert found == []


def test_template_with_a_bare_sentence_is_found_out() -> None:
    assert unmarked("<p>Hello you</p>") == ["Hello you"]
    assert unmarked('<img alt="Hello you">{{ _("Fine") }}') == ["Hello you"]
    assert unmarked('{{ parts.note("Hello you") }}') == ["Hello you"]
    assert unmarked("{% trans %}Fine{% endtrans %}") == []
