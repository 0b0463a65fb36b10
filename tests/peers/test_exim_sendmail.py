"""Exim and sendmail behind the gateway, and Exim in front of it, set up by the files of config/exim and config/sendmail."""

from __future__ import annotations

import base64
import smtplib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from benchmarks.gateway_process import ROOT, GatewayProcess, Overrides
from benchmarks.places import HOST, free_port, open_folder, wait_until
from benchmarks.surroundings import Surroundings, sender_zones
from gateway.demo.zones import ZoneData
from tests.certificates import make_certificate
from tests.peers.deployment import OUTSIDE
from tests.peers.exim_sendmail import EXIM_PLACES, Exim, Sendmail
from tests.peers.letters import letter, link_in, trace_above
from tests.peers.solver import solve
from tests.unit.checks.signing import ED25519_RECORD, ED25519_SEED, signed

CONFIG = ROOT / "config"
ADA, BEN, JOE = "ada@stranger.example", "ben@friend.example", "joe@example.org"


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway and its servers."""

    around: Surroundings
    gateway: GatewayProcess
    exim: Exim
    port: int
    """The door to the world."""

    def send(self, sender: str, recipient: str, content: bytes) -> tuple[int, bytes]:
        with smtplib.SMTP(HOST, self.port, "mail.outside.example", 60, (OUTSIDE, 0)) as door:
            door.ehlo()
            code, text = door.mail(sender)
            if code == 250:
                code, text = door.rcpt(recipient)
            return door.data(content) if code == 250 else (code, text)


def _mail(sender: str, recipient: str) -> bytes:
    """Return a mail with nothing that Exim's own default ACL refuses: lines of more than 998 octets."""
    return letter(sender, recipient).replace(b"long " * 700, b"long " * 100)


def _signing_zones(domain: str) -> ZoneData:
    """Return a domain without SPF, that signs."""
    records = {"@": {"MX": ["10 mail"]}, "mail": {"A": [OUTSIDE]}, "s1._domainkey": {"TXT": [ED25519_RECORD]}}
    return {domain: records}


def _ports(*written: str) -> dict[str, int]:
    return {each: free_port() for each in written}


@pytest.fixture(scope="module")
def edge() -> Iterator[Site]:
    """The gateway as the MX; Exim has the mailboxes of example.org and the way out, sendmail those of branch.example.org."""
    with (
        open_folder("exim") as first, open_folder("sendmail") as second, open_folder("gateway") as folder,
        Surroundings(sender_zones(["stranger.example", "friend.example"], OUTSIDE)) as around,
    ):  # fmt: skip
        ports, others = _ports("587", "10026", "10027"), _ports("10026", "10027")
        exim = Exim(first, CONFIG / "exim/edge", ports, around.inside.port, around.outside.port)
        sendmail = Sendmail(second, CONFIG / "sendmail/edge", others, around.inside.port)
        make_certificate(folder / "mx.pem", folder / "mx.key", "mx.example.org")
        settings: Overrides = {
            "relay.next_hop": f"{HOST}:{ports['10026']}",
            "relay.smart_host": f"{HOST}:{ports['10027']}",
            "relay.domains": f'{{ "branch.example.org" = "{HOST}:{others["10026"]}" }}',
            "domains.names": ["example.org", "branch.example.org"],
            "dns.servers": [f"{HOST}:{around.dns_port}"],
            "smtp.tls_certificate": str(folder / "mx.pem"),
            "smtp.tls_key": str(folder / "mx.key"),
            "smtp.processes": 1,
            "challenge.work_bits": 6,
        }
        gateway = GatewayProcess(folder, settings, config=CONFIG / "exim/edge/gateway.toml")
        with exim.runs(), sendmail.runs(), gateway:
            gateway.data("lists", "add", "allow", BEN)
            yield Site(around, gateway, exim, gateway.smtp_port)


@pytest.fixture(scope="module")
def front() -> Iterator[Site]:
    """Exim on port 25, the gateway behind its queue, and the same Exim behind the gateway."""
    with (
        open_folder("exim") as first, open_folder("gateway") as folder,
        Surroundings(_signing_zones("stranger.example")) as around,
    ):  # fmt: skip
        ports = _ports("25", "587", "10026", "10027")
        settings: Overrides = {
            "relay.next_hop": f"{HOST}:{ports['10026']}",
            "relay.smart_host": f"{HOST}:{ports['10027']}",
            "dns.servers": [f"{HOST}:{around.dns_port}"],
            "smtp.processes": 1,
        }
        gateway = GatewayProcess(folder, settings, config=CONFIG / "exim/after-queue/gateway.toml")
        moved = {"2525": gateway.smtp_port, **ports}
        exim = Exim(first, CONFIG / "exim/after-queue", moved, around.inside.port, around.outside.port)
        with exim.runs(), gateway:
            gateway.data("lists", "add", "allow", BEN, "--proof", "none")
            yield Site(around, gateway, exim, ports["25"])


def _held(site: Site, recipient: str = JOE) -> int:
    found: list[int] = []

    def is_held() -> bool:
        found[:] = [row["id"] for row in site.gateway.data("pending", "list", "--for", recipient)]
        return bool(found)

    wait_until(is_held, "a mail is held")
    return found[0]


# --- Exim and sendmail behind ---


def test_stranger_answers_and_exim_takes_challenge_and_mail(edge: Site) -> None:
    content = _mail(ADA, JOE)
    assert edge.send(ADA, JOE, content)[0] == 250
    (challenge,) = edge.around.outside.wait(ADA)
    assert challenge.reverse_path == ""

    solve(link_in(challenge.content))

    (delivered,) = edge.around.inside.wait(JOE)
    assert delivered.reverse_path == ADA
    trace_above(delivered.content, content)


def test_exim_refuses_an_unknown_recipient_at_rcpt_and_another_domain(edge: Site) -> None:
    assert edge.send(BEN, "nobody@example.org", b"Subject: x\r\n\r\nx\r\n")[0] == 550
    with smtplib.SMTP(HOST, edge.exim.ports["10026"]) as door:
        door.ehlo()
        assert door.docmd("MAIL", f"FROM:<{BEN}>")[0] == 250
        assert door.docmd("RCPT", "TO:<joe@elsewhere.example>")[0] == 550


def test_exim_takes_more_questions_and_mails_on_one_connection_than_it_takes_from_strangers(edge: Site) -> None:
    mia = "mia@example.org"
    with smtplib.SMTP(HOST, edge.exim.ports["10026"]) as door:
        door.ehlo()
        for _ in range(30):
            assert door.mail(BEN)[0] == 250
            assert door.rcpt("nobody@example.org")[0] == 550
            assert door.rset()[0] == 250
        for _ in range(12):
            door.sendmail(BEN, [mia], _mail(BEN, mia))

    assert len(edge.around.inside.wait(mia, 12)) == 12
    assert "no immediate delivery" not in edge.exim.log()


def test_sendmail_takes_known_senders_mail(edge: Site) -> None:
    lea = "lea@branch.example.org"
    content = (
        b"From: <ben@friend.example>\r\nTo: <lea@branch.example.org>\r\nSubject: Hi\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    )

    assert edge.send(BEN, lea, content)[0] == 250

    (delivered,) = edge.around.inside.wait(lea)
    assert delivered.reverse_path == BEN
    assert delivered.content.endswith(b"\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n")


# --- Exim in front ---


def test_exim_in_front_gives_its_own_results_and_none_of_a_strangers(front: Site) -> None:
    forged = b"Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=stranger.example\r\n"

    assert front.send(ADA, JOE, forged + _mail(ADA, JOE))[0] == 250

    shown = front.gateway.data("pending", "show", str(_held(front)))
    assert (shown["reason"], shown["silence"]) == ("unproven-sender", "unproven-sender")
    with closing(sqlite3.connect(front.gateway.folder / "gateway.db")) as store:
        (content,) = store.execute("SELECT octets FROM content WHERE message_id = ?", [shown["message_id"]]).fetchone()
    assert b"spf=pass" not in content
    assert front.around.inside.mails(JOE) == []


def test_stranger_who_signs_is_asked_although_exim_does_not_tell_the_client(front: Site) -> None:
    eve = "eve@stranger.example"
    key = base64.b64encode(ED25519_SEED)
    mail = signed(_mail(eve, JOE), domain="stranger.example", key=key, algorithm="ed25519-sha256")

    assert front.send(eve, JOE, mail)[0] == 250

    (challenge,) = front.around.outside.wait(eve)
    assert challenge.reverse_path == ""


def test_mail_goes_through_exim_the_gateway_and_exim_again(front: Site) -> None:
    mia = "mia@example.org"
    content = _mail(BEN, mia)
    assert front.send(BEN, mia, content)[0] == 250

    (delivered,) = front.around.inside.wait(mia)

    assert b"X-Gateway-Release:" in trace_above(delivered.content, content)
    assert front.send(BEN, "nobody@example.org", content)[0] == 550


def test_mail_of_own_users_does_not_pass_the_gateway(front: Site) -> None:
    sam = "postmaster@example.org"
    with smtplib.SMTP(HOST, front.exim.ports["587"]) as door:  # From 127.0.0.1, which is in relay_from_hosts.
        door.sendmail(JOE, [sam], _mail(JOE, sam))

    (delivered,) = front.around.inside.wait(sam)

    assert b"X-Gateway-Release:" not in delivered.content


# --- the files ---


@pytest.mark.parametrize("way", ["edge", "after-queue"])
def test_exim_finds_no_fault_in_the_fragments_and_the_guide_names_each(way: str) -> None:
    with open_folder("exim") as folder:
        told = Exim(folder, CONFIG / "exim" / way, {}, 9, 9).ask("-bV")

    assert (told.returncode, told.stderr) == (0, "")
    assert "Configuration file is" in told.stdout
    assert {file.stem for file in (CONFIG / "exim" / way).glob("*.conf")} - {"acl-mail"} <= set(EXIM_PLACES)
