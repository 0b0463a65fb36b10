"""Mails to try everything on: odd ones of our own, and the corpus of real ones where it stands beside the repository."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(os.environ.get("CORPUS_DIR") or ROOT.parent / "shared" / "corpus")

_PERSON = b"From: Ann Oak <ann@oak.example>\nTo: joe@example.org\nSubject: Offer\nMessage-ID: <1@oak.example>\n"
OWN: dict[str, tuple[str, bytes]] = {
    # name: flags, mail
    "plain": ("", _PERSON + b"\nHello Joe,\n.\n..\nAnn\n"),
    "no-body": ("", _PERSON),
    "no-header": ("no-header-start", b"\njust a body\n"),
    "no-blank-line": ("no-header-start", b"just a text without any header\nand a second line\n"),
    "empty": ("", b"\n"),
    "postmark": ("", b"From ann@oak.example Mon Nov 20 14:05:00 2023\n" + _PERSON + b"\nx\n"),
    "odd-line": ("", b"From: ann@oak.example\nthis line is no field\nSubject: x\n\nx\n"),
    "odd-line-before-auto": ("auto-replied", _PERSON + b"no field here\nAuto-Submitted: auto-replied\n\nI am away\n"),
    "two-from": ("", _PERSON + b"From: bob@elm.example\n\nx\n"),
    "two-authors": ("", b"From: ann@oak.example, bob@elm.example\nSubject: x\n\nx\n"),
    "no-from": ("", b"Subject: who am I\n\nx\n"),
    "raw-eight-bit": ("", b"From: J\xfcrgen <j@oak.example>\nSubject: Gr\xfc\xdfe \xff\xfe\n\n\xe4\xf6\xfc\n"),
    "utf-8-header": ("", "From: Zoë <z@oak.example>\nSubject: 日本語 – größer\n\nx\n".encode()),
    "encoded-newline": ("", _PERSON.replace(b"Offer", b"=?utf-8?q?=0A?=Bcc: x@y =?utf-8?b?DQpYOiB5?=") + b"\nx\n"),
    "bad-encoded-words": ("", _PERSON.replace(b"Offer", b"=?utf-8?b?!!!?= =?x-none?q?=ZZ?= =?utf-7?q?+AAo-?=") + b"\nx\n"),
    "deep-comment": ("", b"From: " + b"(" * 900 + b" ann@oak.example\nSubject: x\n\nx\n"),
    "quotes": ("", b'From: "' + b'\\"' * 5000 + b"\nSubject: x\n\nx\n"),
    "many-recipients": ("", b"From: ann@oak.example\nTo: " + b"a@b.example,\n " * 3000 + b"c@d.example\n\nx\n"),
    "long-line": ("", _PERSON + b"\n" + b"x" * 200_000 + b"\n"),
    "long-field": ("", _PERSON + b"X-Long: " + b"y" * 60_000 + b"\n\nx\n"),
    "nul": ("nul", _PERSON + b"X-Nul: a\0b\n\na\0b\n"),
    "escape": ("", _PERSON.replace(b"Offer", b"\x1b[31mred\x07") + b"\n\x1b]0;title\x07\n"),
    "script": ("", _PERSON.replace(b"Offer", b"<script>alert(1)</script>\"'><img src=x onerror=alert(1)>") + b"\nx\n"),
    "unclosed-mime": ("", _PERSON + b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nx\n--c\n'),
    "nested-mime": ("", _PERSON + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(400))),
    "bad-charset": ("", _PERSON + b"Content-Type: text/plain; charset=klingon\n\nx\n"),
    "colon-blank": ("", b"From : ann@oak.example\nSubject : x\n\nx\n"),
    "bad-dkim": ("", b"DKIM-Signature: v=1; a=; d=; s=; h=; bh=; b=\n" + _PERSON + b"\nx\n"),
    "forged-results": ("", b"Authentication-Results: gateway.example.org; dkim=pass header.d=oak.example\n" + _PERSON + b"\nx\n"),
    "vacation": ("auto-replied", _PERSON + b"Auto-Submitted: auto-replied (vacation)\n\nI am away\n"),
    "generated": ("auto-generated", _PERSON + b"AUTO-SUBMITTED: Auto-Generated; x=y\n\nBackup done\n"),
    "list": ("list", _PERSON + b"List-Id: <talk.oak.example>\n\nx\n"),
    "unsubscribe": ("list", _PERSON + b"List-Unsubscribe: <https://oak.example/u>\n\nx\n"),
    "bulk": ("prec-bulk", _PERSON + b"Precedence: BULK\n\nx\n"),
    "suppressed": ("auto-suppress", _PERSON + b"X-Auto-Response-Suppress: DR, OOF, AutoReply\n\nx\n"),
    "bounce": ("report null-return-path", b"Return-Path: <>\n" + _PERSON + b"\nYour mail could not be delivered\n"),
    "report": ("report", _PERSON + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b--\n"),
}  # fmt: skip
"""Written for these tests; each is odd in one way."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail."""

    path: str
    flags: frozenset[str]
    content: bytes
    """With CRLF line ends, as it comes out of SMTP."""

    @property
    def is_automatic(self) -> bool:
        """True for mail to which no machine may answer."""
        return any(flag.startswith(("list", "prec-", "auto-", "null-return-path", "report")) for flag in self.flags)


def samples() -> list[Sample]:
    """Return our own mails, and the corpus where it is there; the head of the test run says whether it is."""
    own = [Sample(f"own/{name}", frozenset(flags.split()), with_crlf(mail)) for name, (flags, mail) in OWN.items()]
    return own + corpus()


def corpus() -> list[Sample]:
    """Return the mails of the corpus; none where there is no corpus."""
    index = FOLDER / "index.tsv"
    if not index.is_file():
        return []
    with index.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [
        Sample(row["path"], frozenset(row["flags"].split()), with_crlf((FOLDER / row["path"]).read_bytes()))
        for row in rows
    ]


def with_crlf(octets: bytes) -> bytes:
    """Return octets with every line end as CRLF, the last line ended too."""
    octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"
