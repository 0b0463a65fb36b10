"""Our letters in the eyes of SpamAssassin, each kind in each language. What asks the network is switched off."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from gateway.domain.language import Guess
from gateway.flow.own_mail import OwnMail
from gateway.flow.rows import ChallengeRow
from gateway.flow.sign_in_mail import SignInLetter
from gateway.languages.language import known
from gateway.letters import LetterWriter
from gateway.relay import notice_letter, release_letter
from gateway.settings import load
from tests.unit.relay.test_digest_letter import DAY, NOW, SECRET, letter, row
from tests.unit.test_letters import ROW

LIMIT = 1.0
_RECEIVED = (
    b"Return-Path: <>\r\n"
    b"Received: from gw.example.org (gw.example.org [93.184.216.34])\r\n"
    b"\tby mail.example.org (Postfix) with ESMTPS id 4AbCdE1234z\r\n"
    b"\tfor <jo@example.org>; Fri, 20 Nov 2026 17:00:02 +0000\r\n"
)
"""As the server puts it on top that keeps the mail."""


async def letters(writer: LetterWriter, tag: str) -> AsyncIterator[tuple[str, OwnMail]]:
    """Yield each kind of letter that is sent by itself."""
    site = "https://mail.example.org"
    asked = replace(ROW, created_at=NOW, received_at=NOW, expires_at=NOW + 14 * DAY)
    yield "challenge", await writer.challenge(asked, f"{site}/challenge/{SECRET}", NOW)
    rows = [row(number, subject=f"Offer {number}", files=("roof.pdf",)) for number in range(1, 6)]
    for count in (1, 2000):
        told = letter(*rows[:count], total=count, language=tag)
        yield f"digest of {count}", await writer.digest(told, NOW)
    told_at_once = replace(notice_letter._SAMPLE, language=tag)
    least = replace(told_at_once, row=row(), body="", pattern="", groups=(), phrase="", last=False, may_act=False,
                    may_list=False, content=False)  # fmt: skip
    yield "notice", await writer.notice(told_at_once, NOW)
    yield "notice that tells least", await writer.notice(least, NOW)
    yield "request", await writer.release(replace(release_letter._ASK, language=tag), NOW)
    yield "answer", await writer.release(replace(release_letter._ANSWER, language=tag), NOW)
    link = SignInLetter("jo@example.org", f"{site}/sign-in/link/{SECRET}", "198.51.100.7", NOW + 900, tag)
    yield "sign-in", await writer.sign_in(link, NOW)


async def test_each_of_our_letters_scores_below_one(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    (tmp_path / "gateway.toml").write_text("")
    settings = load(
        tmp_path / "gateway.toml",
        {
            "GATEWAY_SMTP_HOSTNAME": "gw.example.org",
            "GATEWAY_WEB_PUBLIC_URL": "https://mail.example.org",
            "GATEWAY_CHALLENGE_DKIM_DOMAIN": "example.org",
            "GATEWAY_CHALLENGE_DKIM_SELECTOR": "s2026",
            "GATEWAY_CHALLENGE_DKIM_KEY_FILE": str(key),
        },
    )
    names: list[str] = []
    for tag in known():

        async def spoken(row: ChallengeRow, tag: str = tag) -> Guess:
            return Guess(tag, sure=tag != "cs")  # Unsure: with English below.

        writer = LetterWriter(settings, language_of=spoken)
        async for name, mail in letters(writer, tag):
            names.append(f"{name}, {tag}")
            assert mail.content.startswith(b"DKIM-Signature:")
            (tmp_path / f"{len(names):03}.eml").write_bytes(_RECEIVED + mail.content)

    files = [str(tmp_path / f"{number:03}.eml") for number in range(1, len(names) + 1)]
    judged = subprocess.run(
        ["spamassassin", "--local", "--nocreate-prefs", "--prefs-file=/dev/null", *files],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )

    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", judged.stdout).decode("utf-8", "replace")
    told = re.findall(r"^X-Spam-Status: \w+, score=(-?[\d.]+) .*?tests=(.*?) autolearn", unfolded, re.MULTILINE)
    assert len(told) == len(names)
    bad = [(name, score, tests) for name, (score, tests) in zip(names, told, strict=True) if float(score) >= LIMIT]
    assert bad == []
