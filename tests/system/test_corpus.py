"""Real and malformed mails: none crashes the gateway, none is lost or changed, none that is automatic is asked for."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence

from benchmarks.places import HOST, wait_until
from tests.corpus import Sample, samples
from tests.system.conftest import OUTSIDE, MakeSite, Site


def _named(number: int, sample: Sample) -> bytes:
    """The mail with its recipient in To, without which nobody would be asked (RFC 5230 §4.5)."""
    return b"To: c%d@example.org\r\n" % number + sample.content


def _send_all(site: Site, mails: Sequence[bytes]) -> None:
    with smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 60, (OUTSIDE, 0)) as door:
        door.ehlo()
        for number, content in enumerate(mails):
            assert door.mail(f"s{number}@stranger.example")[0] == 250
            assert door.rcpt(f"c{number}@example.org")[0] == 250
            code, text = door.data(content)
            assert code == 250, (number, text)


def test_odd_mails_are_held_and_released_octet_for_octet_and_machines_are_not_asked(make_site: MakeSite) -> None:
    chosen = samples()
    mails = [_named(number, sample) for number, sample in enumerate(chosen)]
    site = make_site(
        {
            "challenge.mode": "all",
            "challenge.max_per_hour": 10_000,
            "challenge.max_per_domain_hour": 10_000,
            "smtp.bare_line_ends": "refuse",
        }
    )
    _send_all(site, mails)
    rows = site.gateway.data("pending", "list", "--most", "5000")
    assert len(rows) == len(mails)

    wait_until(lambda: not site.gateway.data("challenges", "list", "--state", "queued"), "all are asked", 120)
    asked = {mail.recipient for mail in site.around.outside.all_mails()}
    assert "s0@stranger.example" in asked  # A plain mail of a person: the test is none where nobody is asked.
    automatic = [number for number, sample in enumerate(chosen) if sample.is_automatic]
    assert automatic
    assert not asked & {f"s{number}@stranger.example" for number in automatic}

    for start in range(0, len(rows), 500):
        site.gateway.command("pending", "deliver", *(str(row["id"]) for row in rows[start : start + 500]))
    wait_until(lambda: len(site.around.inside.all_mails()) >= len(mails), "all are delivered", 120)
    arrived = {mail.recipient: mail.content for mail in site.around.inside.all_mails()}
    for number, content in enumerate(mails):
        if not chosen[number].path.endswith("forged-results"):
            assert arrived[f"c{number}@example.org"].endswith(content), chosen[number].path
    site.gateway.command("audit")
    assert "traceback" not in site.gateway.log()
    assert site.gateway.run_octets("pending", "show", "--content", str(rows[-1]["id"])) == mails[0]
