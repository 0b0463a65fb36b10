"""Real and malformed mails: none crashes the gateway, none is lost or changed, none that is automatic is asked for."""

from __future__ import annotations

import csv
import hashlib
import os
import smtplib
from pathlib import Path

from benchmarks.places import HOST, wait_until
from tests.system.conftest import OUTSIDE, MakeSite, Site

CORPUS = Path(os.environ.get("CORPUS_DIR", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
NEVER_ASKED = ("list", "prec-", "auto-", "null-return-path", "report")


def _mails() -> list[tuple[str, bytes]]:
    """Flags and octets of each mail, with the line ends of SMTP and a line that names its recipient."""
    assert CORPUS.is_dir(), f"the corpus of mails is missing: {CORPUS}; CORPUS_DIR names another place"
    mails = []
    with (CORPUS / "index.tsv").open(encoding="utf-8") as index:
        for number, line in enumerate(csv.DictReader(index, delimiter="\t")):
            octets = (CORPUS / line["path"]).read_bytes()
            lines = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            content = b"\r\n".join(lines)
            named = b"To: c%d@example.org\r\n" % number + content
            mails.append((line["flags"], named if named.endswith(b"\r\n") else named + b"\r\n"))
    return mails


def _send_all(site: Site, mails: list[tuple[str, bytes]]) -> None:
    with smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 60, (OUTSIDE, 0)) as door:
        door.ehlo()
        for number, (_, content) in enumerate(mails):
            assert door.mail(f"s{number}@stranger.example")[0] == 250
            assert door.rcpt(f"c{number}@example.org")[0] == 250
            code, text = door.data(content)
            assert code == 250, (number, text)


def test_corpus_is_held_and_released_octet_for_octet_and_machines_are_not_asked(make_site: MakeSite) -> None:
    mails = _mails()
    site = make_site(
        {"challenge.mode": "all", "challenge.max_per_hour": 10_000, "challenge.max_per_domain_hour": 10_000}
    )
    _send_all(site, mails)
    rows = site.gateway.data("pending", "list", "--most", "5000")
    assert len(rows) == len(mails)
    wait_until(lambda: not site.gateway.data("challenges", "list", "--state", "queued"), "all are asked", 120)
    asked = {mail.recipient for mail in site.around.outside.all_mails()}
    for number, (flags, _) in enumerate(mails):
        if any(flag.startswith(NEVER_ASKED) for flag in flags.split()):
            assert f"s{number}@stranger.example" not in asked, flags
    assert len(asked) > 200  # The test is none where nobody is asked.

    for start in range(0, len(rows), 500):
        site.gateway.command("pending", "deliver", *(str(row["id"]) for row in rows[start : start + 500]))
    wait_until(lambda: len(site.around.inside.all_mails()) >= len(mails), "all are delivered", 120)
    arrived = {mail.recipient: mail.content for mail in site.around.inside.all_mails()}
    for number, (_, content) in enumerate(mails):
        assert arrived[f"c{number}@example.org"].endswith(content), number
    assert site.gateway.run("audit").returncode == 0
    assert site.gateway.runs
    assert "traceback" not in site.gateway.log()
    assert (
        hashlib.sha256(mails[0][1]).hexdigest()
        == hashlib.sha256(site.gateway.run_octets("pending", "show", "--content", str(rows[-1]["id"]))).hexdigest()
    )
