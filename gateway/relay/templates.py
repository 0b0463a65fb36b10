"""Mail templates: shipped ones, and those an operator put in their place.

An operator may be the admin of one domain only, so a template is hostile input. It is rendered in Jinja's
sandbox, and before that its syntax tree is held against a short list: text, variables, conditions and a few
filters that cannot make a value longer. Loops, calls, attributes, arithmetic and inclusion are not on it, so
that nothing a template says can take long, grow, or reach further than the values it is given.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

from gateway.domain.phrase import phrase
from gateway.relay.picture_names import missing_picture
from gateway.relay.template_parts import MAX_RENDERED, Rendered, Sources, TemplateFault, compiled, filled

_log = logging.getLogger(__name__)

MAX_TOTAL = 8_000
"""Octets of text and HTML together when rendered on the sample: with header and encoding a mail stays under 10 kB."""
MAX_SUBJECT = 200

VARIABLES: Mapping[str, str] = {
    "sender": phrase("The address that is asked, which is the envelope sender of the mail that waits."),
    "recipient": phrase("The address the mail was for."),
    "recipient_domain": phrase("The domain of that address."),
    "date": phrase("When the mail came, in UTC."),
    "subject_piece": phrase(
        "The beginning of its subject, without addresses and links; “your mail” where nothing is left."
    ),
    "url": phrase("The challenge page. Text and HTML must contain it, the HTML as a link."),
    "expiry": phrase("Until when the page is open, in UTC."),
    "days": phrase("How many days that is from now, a whole number."),
    "organisation": phrase("`[challenge] organisation`, or the recipient's domain."),
    "contact": phrase("`[challenge] contact`, or the address the challenge comes from."),
    "message_id": phrase("Message-ID of the mail that waits, with angle brackets; empty where it has none."),
}
"""Every variable a template may use, with its meaning; docs/challenge-mail.md has the same table."""

SAMPLE: Mapping[str, str | int] = {
    "sender": "anna.roth@oak.example",
    "recipient": "jo@example.org",
    "recipient_domain": "example.org",
    "date": "20 November 2026, 14:05 UTC",
    "subject_piece": "Offer for the roof",
    "url": "https://mail.example.org/challenge/abcdefghijkmnpqrstuvwxyz23456789?a=1&b=2",
    "expiry": "4 December 2026, 14:05 UTC",
    "days": 14,
    "organisation": "Example & Sons",
    "contact": "postmaster@example.org",
    "message_id": "<20261120140500.1@oak.example>",
}

SAMPLE_AT = 1_795_183_500.0
"""Its date, in seconds since the epoch."""
_PARTS = ("subject.txt", "body.txt", "body.html")
_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Keyword,
    nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter,
)  # fmt: skip
FILTERS = frozenset({"capitalize", "default", "e", "escape", "lower", "title", "trim", "upper"})
"""Filters a template may use. None makes a value longer than it is, but for the escaping of `<>&"'`."""


@dataclass(frozen=True, slots=True)
class _Part:
    file: Path
    template: jinja2.Template

    def render(self, values: Mapping[str, str | int]) -> str:
        return filled(self.file, self.template, values, MAX_RENDERED)


class Templates:
    """Templates that are known to render."""

    def __init__(self, chosen: tuple[_Part, ...], shipped: tuple[_Part, ...]) -> None:
        """chosen, shipped: subject, text and HTML of the challenge; use `load`."""
        self._chosen = chosen
        self._shipped = shipped

    @classmethod
    def load(cls, directory_overrides: Path | None, shipped_directory: Path) -> Templates:
        """Read and try every template; a file that the override directory lacks is taken from the shipped one.

        Both directories hold `challenge/subject.txt`, `body.txt` and `body.html`. Raises TemplateFault.
        """
        shipped = tuple(_read(shipped_directory / "challenge" / name) for name in _PARTS)
        chosen = shipped
        if directory_overrides is not None:
            if not directory_overrides.is_dir():
                raise TemplateFault(directory_overrides, 0, "no such directory")
            files = [directory_overrides / "challenge" / name for name in _PARTS]
            chosen = tuple(_read(file) if file.exists() else part for file, part in zip(files, shipped, strict=True))
        for parts in (shipped, chosen):
            _try(parts)
        return cls(chosen, shipped)

    def with_texts(self, sources: Sources) -> Templates:
        """Return templates that take these texts, and give way to the shipped ones as ever.

        Raises TemplateFault, whose file is the part's name alone.
        """
        texts = (sources.subject, sources.text, sources.html)
        parts = tuple(_compile(Path(name), text) for name, text in zip(_PARTS, texts, strict=True))
        _try(parts)
        return Templates(parts, self._shipped)

    def sample(self, **instead: str) -> Rendered:
        """Render the challenge for the sample mail. instead: values of it in another language."""
        return _render(self._chosen, {**SAMPLE, **instead})

    def challenge(self, values: Mapping[str, str | int]) -> Rendered:
        """Render the challenge. values: one for each of VARIABLES, each one line.

        An override that fails on these values alone gives way to the shipped templates: the sender is asked.
        """
        try:
            return _render(self._chosen, values)
        except TemplateFault as fault:
            if self._chosen is self._shipped:
                raise
            _log.error("template of your own left aside for one mail: %s", fault)
        return _render(self._shipped, values)


def faults_in(sources: Sources) -> list[TemplateFault]:
    """Return what is wrong with each part by itself, at most one fault a part; a missing URL shows in `with_texts`."""
    faults = []
    for name, text in zip(_PARTS, (sources.subject, sources.text, sources.html), strict=True):
        try:
            _compile(Path(name), text).render(SAMPLE)
        except TemplateFault as fault:
            faults.append(fault)
    return faults


def _try(parts: tuple[_Part, ...]) -> None:
    rendered = _render(parts, SAMPLE)
    if len((rendered.text + rendered.html).encode()) > MAX_TOTAL:
        raise TemplateFault(
            parts[1].file, 0, phrase("text and HTML together have more than {most} octets", most=MAX_TOTAL)
        )


def _render(parts: tuple[_Part, ...], values: Mapping[str, str | int]) -> Rendered:
    subject, text, page = (part.render(values) for part in parts)
    url = str(values["url"])
    if url not in text:
        raise TemplateFault(parts[1].file, 0, phrase("does not contain {name}", name="{{ url }}"))
    if not re.search(rf"""<a\b[^>]*\bhref\s*=\s*(["']?){re.escape(html.escape(url))}\1[\s>]""", page, re.IGNORECASE):
        raise TemplateFault(
            parts[2].file,
            0,
            phrase("has no link to {name}, as in {example}", name="{{ url }}", example='<a href="{{ url }}">'),
        )
    subject = " ".join(subject.split())[:MAX_SUBJECT]
    if not subject:
        raise TemplateFault(parts[0].file, 0, phrase("renders to nothing"))
    return Rendered(subject, text, page)


def _environment(autoescape: bool) -> SandboxedEnvironment:
    return SandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=autoescape,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_TEXT, _HTML = _environment(autoescape=False), _environment(autoescape=True)


def _read(file: Path) -> _Part:
    try:
        octets = file.read_bytes()
        source = octets.decode("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise TemplateFault(file, 0, "cannot be read as UTF-8 text") from fault
    return _compile(file, source)


def _compile(file: Path, source: str) -> _Part:
    environment = _HTML if file.suffix == ".html" else _TEXT

    def check(tree: nodes.Template) -> None:
        _check(tree, file)
        missing = missing_picture(source, "", ()) if environment is _HTML else None
        if missing is not None:
            raise TemplateFault(file, *missing)

    return _Part(file, compiled(environment, file, source, check))


def _check(tree: nodes.Template, file: Path) -> None:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _NODES):
            raise TemplateFault(
                file,
                node.lineno,
                phrase("{what} is not allowed; use text, variables, if and filters", what=_name(node)),
            )
        if isinstance(node, nodes.Name) and node.name not in VARIABLES:
            known = ", ".join(VARIABLES)
            raise TemplateFault(
                file,
                node.lineno,
                phrase("there is no variable {name}; there are {known}", name=repr(node.name), known=known),
            )
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            known = ", ".join(sorted(FILTERS))
            raise TemplateFault(
                file,
                node.lineno,
                phrase("filter {name} is not allowed; there are {known}", name=repr(node.name), known=known),
            )


def _name(node: nodes.Node) -> str:
    return {
        "For": phrase("a loop"),
        "Call": phrase("a call"),
        "Getattr": phrase("an attribute"),
        "Getitem": phrase("an index"),
    }.get(type(node).__name__, type(node).__name__.lower())
