"""The digest, written: what waits for somebody, with a link for each mail. No image, nothing that is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from gateway.domain.digest import Group, Kind, Line, filled_subject
from gateway.domain.evidence import Method, Proof
from gateway.domain.lifecycle import State
from gateway.domain.lookalike import look_of
from gateway.domain.phrase import phrase
from gateway.domain.sentences import short_reason
from gateway.flow.digest_ports import DigestLetter, Links
from gateway.flow.queue import MOST_COUNTED, Row
from gateway.languages.in_templates import teach
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.compose import ComposedMail, desk_name, mail_body
from gateway.relay.plain_words import display_name, header_text, one_line, without_links
from gateway.relay.signer import Signer
from gateway.relay.templates import Rendered, TemplateFault

PARTS = ("subject.txt", "body.txt", "body.html")
_MAX_SOURCE = 65_536
_DAY = 86_400
_ENGLISH = language(ENGLISH)
_NO_SENDER = phrase("(no sender)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who writes."""

    organisation: str = ""
    contact: str = ""
    from_address: str = ""
    """"" for postmaster at the recipient's domain."""


class DigestTemplates:
    """Subject, text and HTML, from the operator's folder or the shipped ones."""

    def __init__(self, folders: tuple[Path, ...], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        self.spoken = spoken
        self._parts = tuple(_read(folders, name, spoken) for name in PARTS)
        self.render(_variables(_SAMPLE, 1_800_000_000.0, "Example & Sons", "postmaster@example.org", spoken))

    def render(self, values: Mapping[str, object]) -> Rendered:
        """Fill them in. Raises TemplateFault."""
        try:
            subject, text, page = (template.render(values) for _, template in self._parts)
        except Exception as fault:  # The sandbox lets through whatever an expression raises.
            raise TemplateFault(self._parts[0][0].parent, 0, f"does not render: {fault}") from fault
        if str(values["stop"]) not in text or str(values["stop"]) not in page:
            raise TemplateFault(self._parts[1][0], 0, "does not contain {{ stop }}")
        return Rendered(" ".join(subject.split())[:200], text, page)


def compose_digest(
    templates: DigestTemplates,
    letter: DigestLetter,
    desk: Desk,
    now: float,
    message_id: str,
    signer: Signer | None = None,
) -> ComposedMail:
    """Write a digest. now: seconds since the epoch. message_id: its own, with angle brackets."""
    address = one_line(desk.from_address, 320) or f"postmaster@{letter.domain}"
    organisation = one_line(desk.organisation, 80) or letter.domain
    spoken = templates.spoken
    values = _variables(letter, now, organisation, one_line(desk.contact, 200) or address, spoken)
    rendered = templates.render(values)
    subject = filled_subject(letter.subject, _placeholders(letter, values)) if letter.subject else rendered.subject
    fields = [
        ("From", f"{display_name(desk_name('', organisation, spoken))}\r\n <{address}>"),
        ("To", f"<{one_line(letter.mailbox, 320)}>"),
        ("Subject", header_text(one_line(subject, 200))),
        ("Date", format_datetime(datetime.fromtimestamp(now, _zone(letter.time_zone)))),
        ("Message-ID", message_id),
        # RFC 3834 §5.1: no responder may answer; Exchange heeds the second only.
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        # RFC 8058 §3.1: a mail program may stop it with one POST.
        ("List-Unsubscribe", f"<{letter.links.stop}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Content-Language", spoken.tag),
        ("MIME-Version", "1.0"),
    ]
    header = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8")
    content = header + mail_body(rendered, message_id, with_html=True)
    if signer is not None:
        content = signer.sign(content)
    return ComposedMail(content, smtputf8=not (letter.mailbox + address).isascii())


def _placeholders(letter: DigestLetter, values: Mapping[str, object]) -> dict[str, str]:
    kinds = {group.kind: group.total for group in letter.groups}
    return {
        "total": str(values["total_text"]),
        "new": str(sum(kinds.values())),
        "people": str(kinds.get(Kind.PEOPLE, 0)),
        "newsletters": str(kinds.get(Kind.NEWSLETTERS, 0)),
        "spam": str(kinds.get(Kind.SPAM, 0)),
        "mailbox": str(values["mailbox"]),
        "date": str(values["date"]),
        "organisation": str(values["organisation"]),
    }


def _variables(
    letter: DigestLetter, now: float, organisation: str, contact: str, spoken: Language
) -> dict[str, object]:
    zone = _zone(letter.time_zone)
    zone_name = datetime.fromtimestamp(now, zone).tzname()
    return {
        "mailbox": one_line(letter.mailbox, 320),
        "total": letter.total,
        "total_text": spoken.said(
            phrase("more than {count}", count=MOST_COUNTED) if letter.total > MOST_COUNTED else letter.total
        ),
        "date": f"{spoken.short_moment(now, zone)} {zone_name}",
        "zone": letter.time_zone or "UTC",
        "phrase": one_line(letter.phrase, 60),
        "several": letter.several,
        "may_act": letter.may_act,
        "may_list": letter.may_list,
        "content": letter.content,
        "groups": [_group(group, letter, now, zone, spoken) for group in letter.groups],
        "console": letter.links.console,
        "stop": letter.links.stop,
        "host": urlsplit(letter.links.console).netloc,
        "lang": spoken.tag,
        "organisation": organisation,
        "contact": contact,
    }


def _group(group: Group[Row], letter: DigestLetter, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    rows = [_row(line.first, len(line.others), letter, now, zone, spoken) for line in group.lines]
    return {"kind": group.kind.value, "total": group.total, "more": group.total - group.shown, "rows": rows}


def _row(row: Row, others: int, letter: DigestLetter, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    return {
        "from_line": _from_line(row) or spoken.said(_NO_SENDER),
        "subject": without_links(one_line(row.subject, 120)) if letter.content else "",
        "recipient": one_line(row.recipient, 80),
        "time": _time(row.held_at, now, zone, spoken),
        "size": _size(row.size, spoken),
        "score": "" if row.score is None else spoken.number(row.score, 1),
        "reason": short_reason(row.reason),
        "days": max(0, math.floor((row.expires_at - now) / _DAY)),
        "files": _files(row.files) if letter.content else "",
        "others": others,
        "url": letter.links.lines[row.id],
    }


def _from_line(row: Row) -> str:
    """Name the author by name and address; the address as it is, whatever it looks like."""
    look = look_of(row.author or row.sender)
    address = look.text if not look.ascii_domain else f"{look.text} ({look.ascii_domain})"
    if look.doubt and look.ascii_domain:
        # What only looks like another's address is shown as it is, and not as it wants to look.
        address = f"{look.text.rpartition('@')[0]}@{look.ascii_domain}"
    name = without_links(one_line(row.author_name, 60))
    shown = one_line(address, 100)
    return f"{name} <{shown}>" if name and shown else shown or name


def _time(at: float, now: float, zone: tzinfo, spoken: Language) -> str:
    """Write when it came: the hour, with its day where that is not today."""
    then, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone).date()
    if then.date() == today:
        return f"{then:%H:%M}"
    year = today - then.date() >= timedelta(days=300)
    return f"{spoken.short_day(at, zone, year=year)}, {then:%H:%M}"


def _size(octets: int, spoken: Language) -> str:
    if octets < 1_000_000:
        return f"{max(1, round(octets / 1000))} kB"
    return f"{spoken.number(octets / 1_000_000, 1)} MB"


def _files(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    first = without_links(one_line(names[0], 60))
    return first if len(names) == 1 else f"{first} +{len(names) - 1}"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _read(folders: tuple[Path, ...], name: str, spoken: Language) -> tuple[Path, jinja2.Template]:
    file = next((folder / "digest" / name for folder in folders if (folder / "digest" / name).exists()), None)
    if file is None:
        raise TemplateFault(folders[-1] / "digest" / name, 0, "there is no such file")
    environment = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=file.suffix == ".html", trim_blocks=True, lstrip_blocks=True
    )
    teach(environment, lambda: spoken)
    try:
        source = file.read_bytes()[: _MAX_SOURCE + 1].decode("utf-8")
        if len(source) > _MAX_SOURCE:
            raise TemplateFault(file, 0, f"has more than {_MAX_SOURCE} octets")
        return file, environment.from_string(source)
    except (OSError, UnicodeDecodeError) as fault:
        raise TemplateFault(file, 0, "cannot be read as UTF-8 text") from fault
    except jinja2.TemplateSyntaxError as fault:
        raise TemplateFault(file, fault.lineno, fault.message or "not a template") from fault


_ROW = Row(
    id=1, message_id=1, state=State.PENDING, author="anna@oak.example", author_name="Anna Roth",
    sender="anna@oak.example", recipient="jo@example.org", subject="Offer for the roof", size=84_000,
    held_at=1_799_990_000.0, expires_at=1_801_200_000.0, changed_at=1_799_990_000.0, reason="unknown-sender", silence="",
    challenge="sent", proofs=(Proof(Method.DKIM, "oak.example"),), files=("roof.pdf",), lane="people", source="",
    seen=False, last_reply="", key=(), score=0.3,
)  # fmt: skip
_SAMPLE = DigestLetter(
    mailbox="jo@example.org",
    domain="example.org",
    language="en",
    time_zone="Europe/Prague",
    phrase="blue kettle",
    subject="",
    groups=tuple(Group(kind, 5, (Line(_ROW, (_ROW,)),)) for kind in Kind),
    total=15,
    several=True,
    may_act=True,
    may_list=True,
    content=True,
    links=Links(
        {1: "https://mail.example.org/held/abcdefghijkmnpqrstuvwxyz23456789"},
        "https://mail.example.org/digest/stop/abcdefghijkmnpqrstuvwxyz23456789",
        "https://mail.example.org/console/",
    ),
)
