"""Time: what expires, and what a clock that jumps must not do."""

from __future__ import annotations

from pathlib import Path

from benchmarks.places import wait_until
from tests.peers.letters import letter
from tests.system.conftest import FORGER, MakeSite

ADA = "ada@stranger.example"
JOE = "joe@example.org"
SOON = 0.00002
"""Days: two seconds."""


def test_expired_mail_is_deleted_with_a_record(make_site: MakeSite) -> None:
    site = make_site({"pending.days": SOON})
    site.send(ADA, JOE, letter(ADA, JOE), client=FORGER)
    wait_until(lambda: not site.gateway.data("pending", "list"), "the mail has expired")
    shown = site.gateway.data("pending", "show", "1")
    assert shown["state"] == "expired"
    assert shown["history"][-1]["event"] == "expire"
    assert site.around.inside.all_mails() == []
    site.gateway.command("audit")


def test_expired_mail_is_delivered_as_spam_where_that_is_chosen(make_site: MakeSite) -> None:
    site = make_site(
        {
            "pending.days": SOON,
            "pending.on_expiry": "deliver-as-spam",
            "pending.spam_subject_tag": "[SPAM]",
            "pending.spam_plus_address": "spam",
        }
    )
    content = letter(ADA, JOE)
    site.send(ADA, JOE, content, client=FORGER)
    (arrived,) = site.around.inside.wait("joe+spam@example.org")
    assert b"X-Spam-Flag: YES\r\n" in arrived.content
    assert b"\r\nX-Spam-Status: Yes, " in arrived.content
    assert b"\r\nSubject: [SPAM] Our meeting,\r\n  folded" in arrived.content
    assert arrived.content.endswith(content[content.index(b"Message-ID:") :])


def set_clock(file: Path, offset: str) -> None:
    """Let the service's clock be off by so much; it may read the file at any moment."""
    (file.parent / "next").write_text(offset)
    (file.parent / "next").rename(file)


def test_clock_that_jumps_ten_years_expires_nothing(make_site: MakeSite, tmp_path: Path) -> None:
    now = tmp_path / "now"
    set_clock(now, "+0")
    site = make_site({"pending.days": 14}, start=False)
    site.gateway.with_clock(now)
    site.gateway.start()
    site.send(ADA, JOE, letter(ADA, JOE), client=FORGER)
    set_clock(now, "+10y")
    wait_until(lambda: "clock-jumped" in site.gateway.log(), "the jump was noticed")
    wait_until(site.gateway.is_ready, "it is ready")
    assert [row["state"] for row in site.gateway.data("pending", "list")] == ["pending"]
    # A restart inside the wrong time does not make it right.
    site.gateway.stop()
    site.gateway.start()
    wait_until(lambda: site.gateway.log().count("clock-jumped") == 2, "the jump was noticed again")
    assert [row["state"] for row in site.gateway.data("pending", "list")] == ["pending"]
    set_clock(now, "+0")
    site.gateway.stop()
    site.gateway.start()
    assert [row["state"] for row in site.gateway.data("pending", "list")] == ["pending"]
