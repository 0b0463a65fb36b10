"""A digest from end to end: held, told, opened by a scanner, delivered by the reader's click."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks.places import wait_until
from tests.peers.letters import letter
from tests.system.conftest import FORGER, Site

ADA = "ada@stranger.example"
JOE, KIM = "joe@example.org", "kim@example.org"


def held(site: Site, recipient: str) -> None:
    site.send(ADA, recipient, letter(ADA, recipient), client=FORGER)


def text_of(content: bytes) -> str:
    part = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_digest_is_sent_by_command_and_its_link_delivers_the_mail(site: Site) -> None:
    for recipient in (JOE, KIM):
        held(site, recipient)
    told = site.gateway.data("digest", "send", "--all", "--dry-run")
    assert {(one["mailbox"], one["state"]) for one in told} == {(JOE, "would-send"), (KIM, "would-send")}
    assert site.around.inside.all_mails() == []
    (sent,) = site.gateway.data("digest", "send", JOE)
    assert (sent["state"], sent["total"], sent["shown"]) == ("delivered", 1, 1)
    (mail,) = site.around.inside.wait(JOE)
    assert mail.reverse_path == ""
    assert mail.content.startswith(b"X-Gateway-Release: ")
    text = text_of(mail.content)
    # Only new mail is told of, and all of it where that is asked for.
    assert site.gateway.data("digest", "send", JOE)[0]["state"] == "nothing"
    assert site.gateway.data("digest", "send", JOE, "--all-time")[0]["state"] == "delivered"
    links = re.findall(r"https?://[^/]+(/\S+)", text)
    place = f"http://127.0.0.1:{site.gateway.web_port}"
    for path in links:
        for _ in range(10):
            with urlopen(Request(place + path)) as answer:
                answer.read()
    (held_path,) = {path for path in links if re.fullmatch(r"/held/\w{32}", path)}
    assert len(site.gateway.data("pending", "list")) == 2
    with urlopen(
        Request(place + held_path, data=b"", headers={"Content-Type": "application/x-www-form-urlencoded"})
    ) as answer:
        assert b"Delivered" in answer.read()
    wait_until(lambda: len(site.around.inside.mails(JOE)) == 3, "the mail has come")
    (row,) = site.gateway.data("pending", "list")
    assert row["recipient"] == KIM
    with pytest.raises(HTTPError, match="404"):
        urlopen(Request(place + held_path))
    site.gateway.command("audit")
    assert held_path.rpartition("/")[2] not in site.gateway.log()


def test_digest_that_is_refused_is_told_and_kept_to_be_seen(site: Site) -> None:
    held(site, "closed@example.org")
    site.around.inside.replies.to_recipient["closed@example.org"] = "550 5.2.1 closed"
    outcome = site.gateway.run("digest", "send", "closed@example.org")
    assert outcome.returncode == 1
    (stuck,) = site.gateway.data("digest", "stuck")
    assert stuck["mailbox"] == "closed@example.org"
    assert "5.2.1" in stuck["reply"]
    site.around.inside.replies.to_recipient.clear()
    assert site.gateway.data("digest", "send", "closed@example.org")[0]["state"] == "delivered"
    assert site.gateway.data("digest", "stuck") == []


def test_choices_are_made_by_command_and_the_service_follows_them(site: Site) -> None:
    assert site.gateway.run("digest", "set", "example.org", "--schedule", "fortnightly").returncode == 2
    site.gateway.command("digest", "set", "example.org", "--schedule", "daily@07")
    site.gateway.command("digest", "set", JOE, "--time-zone", "Asia/Tokyo", "--language", "cs")
    choices = site.gateway.data("digest", "show", JOE)["choices"]
    assert choices["schedule"] == {"value": "daily@7", "origin": "example.org", "own": None}
    assert choices["time_zone"] == {"value": "Asia/Tokyo", "origin": JOE, "own": "Asia/Tokyo"}
    assert choices["language"] == {"value": "cs", "origin": JOE, "own": "cs"}
    site.gateway.command("digest", "set", JOE, "--time-zone", "")
    assert site.gateway.data("digest", "show", JOE)["choices"]["time_zone"]["origin"] == "configuration"
    assert site.gateway.run("digest", "show", "joe@elsewhere.example").returncode == 1
    assert site.gateway.run("digest", "send").returncode == 2
