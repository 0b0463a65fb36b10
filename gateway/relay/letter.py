"""Our letters to people, written: their words out of templates, one header for all, and the signature.

What a letter says is its own module's matter; how it looks to mail programs and responders is the same for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from gateway.domain.phrase import phrase
from gateway.flow.own_mail import OwnMail
from gateway.flow.reader_days import zone_named
from gateway.languages.in_templates import teach
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.compose import Inline, desk_name, mail_body
from gateway.relay.letter_syntax import check_letter
from gateway.relay.picture_names import missing_picture
from gateway.relay.plain_words import display_name, header_text, one_line
from gateway.relay.signer import Signer
from gateway.relay.template_parts import MAX_RENDERED, Rendered, Sources, TemplateFault, compiled, filled

PARTS = ("subject.txt", "body.txt", "body.html")
_MAX_SOURCE = 65_536
_ENGLISH = language(ENGLISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The mail desk: who writes."""

    organisation: str = ""
    contact: str = ""
    from_address: str = ""
    """"" for postmaster at the recipient's domain."""

    def name(self, domain: str) -> str:
        """Return the organisation, or the domain whose desk writes."""
        return one_line(self.organisation, 80) or domain

    def address(self, domain: str) -> str:
        """Return the address in From."""
        return one_line(self.from_address, 320) or f"postmaster@{domain}"

    def questions(self, domain: str) -> str:
        """Return whom to ask, as letters say it."""
        return one_line(self.contact, 200) or self.address(domain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What the header of one letter says."""

    to: str
    """Address."""
    domain: str
    """Whose desk writes: the recipient's domain, or ours where the recipient has none of ours."""
    desk: Desk
    subject: str
    now: float
    """Seconds since the epoch."""
    message_id: str
    """With angle brackets."""
    zone: tzinfo = UTC
    """In which the Date is told."""
    stop: str = ""
    """Address that ends letters of this kind; "" where there is nothing to end."""


class Addressed(Protocol):
    """What letters about mail have in common: to whom they go, and how he reads."""

    @property
    def mailbox(self) -> str:
        """The address the letter goes to."""

    @property
    def domain(self) -> str:
        """Whose desk writes."""

    @property
    def time_zone(self) -> str:
        """The name of its reader's time zone; "" is UTC."""

    @property
    def phrase(self) -> str:
        """Words of his own, by which he knows the letter for ours; "" where he chose none."""


def frame(letter: Addressed, console: str, desk: Desk, now: float, spoken: Language) -> dict[str, object]:
    """Return what each letter about mail says of itself, by the names its templates use.

    console: address of the console, with a slash at the end.
    """
    zone = zone_named(letter.time_zone)
    return {
        "mailbox": one_line(letter.mailbox, 320),
        "date": f"{spoken.short_moment(now, zone)} {datetime.fromtimestamp(now, zone).tzname()}",
        "zone": letter.time_zone or "UTC",
        "phrase": one_line(letter.phrase, 60),
        "console": console,
        "host": urlsplit(console).netloc,
        "lang": spoken.tag,
        "organisation": desk.name(letter.domain),
        "contact": desk.questions(letter.domain),
    }


def cover_of(letter: Addressed, desk: Desk, subject: str, now: float, message_id: str, *, stop: str = "") -> Cover:
    """Return the cover of a letter about mail. The arguments are as in `Cover`."""
    return Cover(
        to=letter.mailbox,
        domain=letter.domain,
        desk=desk,
        subject=subject,
        now=now,
        message_id=message_id,
        zone=zone_named(letter.time_zone),
        stop=stop,
    )


class LetterTemplates:
    """Subject, text and HTML of one kind of letter, from the operator's folder or the shipped ones."""

    def __init__(
        self,
        folders: Sequence[Path],
        kind: str,
        sample: Mapping[str, object],
        *,
        needs: Sequence[str] = (),
        pictures: Mapping[str, bytes] = {},
        spoken: Language = _ENGLISH,
    ) -> None:
        """folders: of the mail templates, the first that has a file wins. kind: the folder's name below them.

        sample: values to try them on. needs: variables that text and HTML must contain. pictures: that the HTML may
        name. Raises TemplateFault.
        """
        self.spoken = spoken
        self.pictures = pictures
        self._needs = tuple(needs)
        self._most: int | None = None
        read = [_read(folders, kind, name, spoken) for name in PARTS]
        self._parts = tuple((file, template) for file, template, _ in read)
        page, _, source = read[-1]
        _check_pictures(page, source, self.render(sample).html, pictures)

    def render(self, values: Mapping[str, object]) -> Rendered:
        """Fill them in. Raises TemplateFault."""
        subject, text, page = (filled(file, template, values, self._most) for file, template in self._parts)
        for name in self._needs:
            for (file, _), part in zip(self._parts[1:], (text, page), strict=True):
                if str(values[name]) not in part:
                    raise TemplateFault(file, 0, phrase("does not contain {name}", name=f"{{{{ {name} }}}}"))
        return Rendered(" ".join(subject.split())[:200], text, page)

    def with_texts(self, sources: Sources, sample: Mapping[str, object], lists: Collection[str]) -> Self:
        """Return templates that take these texts, typed by somebody who is not trusted.

        sample: as in the making. lists: variables that may be gone through. Raises TemplateFault, whose file is the
        part's name alone.
        """
        made = copy(self)
        made._parts = tuple(_typed(name, text, self.spoken, sample, lists) for name, text in _named(sources))
        made._most = MAX_RENDERED
        if not made.render(sample).subject:
            raise TemplateFault(Path(PARTS[0]), 0, phrase("renders to nothing"))
        return made

    def faults_in(self, sources: Sources, sample: Mapping[str, object], lists: Collection[str]) -> list[TemplateFault]:
        """Return what is wrong with each part by itself, at most one fault a part."""
        faults = []
        for name, text in _named(sources):
            try:
                file, template = _typed(name, text, self.spoken, sample, lists)
                rendered = filled(file, template, sample, MAX_RENDERED)
                if file.suffix == ".html":
                    _check_pictures(file, text, rendered, self.pictures)
            except TemplateFault as fault:
                faults.append(fault)
        return faults


def seal(
    cover: Cover,
    rendered: Rendered,
    spoken: Language,
    signer: Signer | None = None,
    inline: Sequence[Inline] = (),
) -> OwnMail:
    """Put a letter under its header, and sign it where there is a key. inline: pictures of the HTML."""
    address = cover.desk.address(cover.domain)
    stop = (
        # RFC 8058 §3.1: a mail program may stop it with one POST.
        [("List-Unsubscribe", f"<{cover.stop}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
        if cover.stop
        else []
    )
    fields = [
        ("From", f"{display_name(desk_name('', cover.desk.name(cover.domain), spoken))}\r\n <{address}>"),
        # Between From and To: a name in From that begins as the domain in To does looks to SpamAssassin like a forgery.
        ("Subject", header_text(one_line(cover.subject, 200))),
        ("To", f"<{one_line(cover.to, 320)}>"),
        ("Date", format_datetime(datetime.fromtimestamp(cover.now, cover.zone))),
        ("Message-ID", cover.message_id),
        # RFC 3834 §5.1: no responder may answer; Exchange heeds the second only.
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        *stop,
        ("Content-Language", spoken.tag),
        ("MIME-Version", "1.0"),
    ]
    header = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8")
    content = header + mail_body(rendered, cover.message_id, with_html=True, inline=inline)
    if signer is not None:
        content = signer.sign(content)
    return OwnMail(content, cover.message_id, smtputf8=not (cover.to + address).isascii())


def _named(sources: Sources) -> Iterator[tuple[str, str]]:
    return zip(PARTS, (sources.subject, sources.text, sources.html), strict=True)


def _check_pictures(file: Path, source: str, rendered: str, known: Collection[str]) -> None:
    """Refuse HTML that names a picture there is none of. Raises TemplateFault."""
    missing = missing_picture(source, rendered, known)
    if missing is not None:
        raise TemplateFault(file, *missing)


def _typed(
    name: str, source: str, spoken: Language, variables: Collection[str], lists: Collection[str]
) -> tuple[Path, jinja2.Template]:
    """Compile what somebody typed, if it is allowed. Raises TemplateFault."""
    file = Path(name)
    environment = _environment(file, spoken)
    return file, compiled(environment, file, source, lambda tree: check_letter(tree, file, variables, lists))


def _environment(file: Path, spoken: Language) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=file.suffix == ".html", trim_blocks=True, lstrip_blocks=True
    )
    teach(environment, lambda: spoken)
    return environment


def _read(folders: Sequence[Path], kind: str, name: str, spoken: Language) -> tuple[Path, jinja2.Template, str]:
    """Return a file, what is compiled of it, and its text. Raises TemplateFault."""
    file = next((folder / kind / name for folder in folders if (folder / kind / name).exists()), None)
    if file is None:
        raise TemplateFault(folders[-1] / kind / name, 0, "there is no such file")
    environment = _environment(file, spoken)
    try:
        source = file.read_bytes()[: _MAX_SOURCE + 1].decode("utf-8")
        if len(source) > _MAX_SOURCE:
            raise TemplateFault(file, 0, f"has more than {_MAX_SOURCE} octets")
        return file, environment.from_string(source), source
    except (OSError, UnicodeDecodeError) as fault:
        raise TemplateFault(file, 0, "cannot be read as UTF-8 text") from fault
    except jinja2.TemplateSyntaxError as fault:
        raise TemplateFault(file, fault.lineno, fault.message or "not a template") from fault
