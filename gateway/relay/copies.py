"""A copy of a held mail, written for who inspects it: wrapped as an attachment, or resent with our fields on top."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime

from gateway.flow.forward import Cover, Form
from gateway.flow.own_mail import OwnMail
from gateway.relay.plain_words import header_text, one_line, piece_of_subject

_MAX_ADDRESS = 320


def compose_copy(cover: Cover) -> OwnMail:
    """Write the copy; its octets stand in it as they came."""
    sender, recipient = one_line(cover.sender, _MAX_ADDRESS), one_line(cover.recipient, _MAX_ADDRESS)
    addresses_8bit = not (sender + recipient).isascii()
    if cover.form is Form.AS_IS:
        # RFC 5322 §3.6.6: each resending puts its own block on top, and changes nothing below.
        fields = [
            ("Resent-From", f"<{sender}>"),
            ("Resent-To", f"<{recipient}>"),
            ("Resent-Date", format_datetime(datetime.fromtimestamp(cover.now, UTC))),
            ("Resent-Message-ID", cover.mail_id),
        ]
        return OwnMail(_fields(fields) + cover.content, cover.mail_id, addresses_8bit or cover.held.smtputf8)
    subject = piece_of_subject(cover.held.subject) or "no subject"
    boundary = _boundary(cover)
    fields = [
        ("From", f"<{sender}>"),
        ("To", f"<{recipient}>"),
        ("Subject", header_text(one_line(f"For inspection: {subject}", 200))),
        ("Date", format_datetime(datetime.fromtimestamp(cover.now, UTC))),
        ("Message-ID", cover.mail_id),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834 §5: no responder is to answer.
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
        ("Content-Transfer-Encoding", "8bit"),
    ]
    # RFC 6532 §3.7: a mail with header fields in UTF-8 is of another type than one without.
    kind = "message/global" if cover.held.smtputf8 else "message/rfc822"
    encoding = "7bit" if cover.content.isascii() else "8bit"
    note = _note(cover).encode("utf-8", "replace")
    pieces = [
        _fields(fields), b"\r\n--", boundary.encode(),
        b"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n", note,
        b"\r\n--", boundary.encode(), f"\r\nContent-Type: {kind}\r\n".encode(),
        b'Content-Disposition: attachment; filename="held.eml"\r\n',
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode(), cover.content,
        b"\r\n--", boundary.encode(), b"--\r\n",
    ]  # fmt: skip
    return OwnMail(b"".join(pieces), cover.mail_id, addresses_8bit)


def _note(cover: Cover) -> str:
    held = cover.held
    lines = [
        "The attached mail is held by the mail gateway. It was sent on for inspection; take care with what is in it.",
        "",
        f"Sent on by: {one_line(cover.by, _MAX_ADDRESS)}",
        f"Row: {held.id}",
        f"Held for: {one_line(held.recipient, _MAX_ADDRESS)}",
        f"Reverse-path: <{one_line(held.sender, _MAX_ADDRESS)}>",
        f"Came from: {one_line(held.client, 100)}",
        f"Reason: {one_line(held.reason, 100)}",
        f"SHA-256: {held.sha256.hex()}",
    ]
    return "\r\n".join(lines) + "\r\n"


def _boundary(cover: Cover) -> str:
    """Return a boundary that does not occur in the mail."""
    seed = cover.mail_id
    while True:
        boundary = f"=_{hashlib.sha256(seed.encode()).hexdigest()[:32]}"
        if boundary.encode() not in cover.content:
            return boundary
        seed = boundary


def _fields(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8", "replace")
