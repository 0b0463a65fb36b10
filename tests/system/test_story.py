"""From the unknown sender's mail to the mailbox, over real sockets."""

from __future__ import annotations

import smtplib
from email import message_from_bytes, policy
from email.message import EmailMessage

from benchmarks.places import HOST, wait_until
from tests.peers.letters import letter, link_in, trace_above
from tests.peers.solver import fetch, solve
from tests.system.conftest import FORGER, MakeSite, Site

ADA = "ada@stranger.example"
JOE = "joe@example.org"


def test_unknown_sender_is_held_asked_answers_and_arrives_octet_for_octet(site: Site) -> None:
    content = letter(ADA, JOE)
    assert site.send(ADA, JOE, content)[0] == 250
    assert site.around.inside.mails(JOE) == []
    (challenge,) = site.around.outside.wait(ADA)
    status = solve(link_in(challenge.content))
    assert status.data["mails"][0]["recipient_domain"] == "example.org"
    (arrived,) = site.around.inside.wait(JOE)
    assert arrived.reverse_path == ADA
    above = trace_above(arrived.content, content)
    assert above.count(b"Received:") == 1
    assert above.count(b"Authentication-Results:") == 1
    assert b"spf=pass" in above

    again = letter(ADA, JOE, "Once more")
    assert site.send(ADA, JOE, again)[0] == 250
    assert trace_above(site.around.inside.mails(JOE)[-1].content, again)
    assert len(site.around.outside.mails(ADA)) == 1
    site.gateway.command("audit")


def test_r13_r14_r15_r16_challenge_goes_to_the_reverse_path_alone_with_a_null_sender(site: Site) -> None:
    content = letter(ADA, JOE).replace(
        b"SUBJECT:", b"Reply-To: other@stranger.example\r\nSender: x@friend.example\r\nSUBJECT:"
    )
    site.send(ADA, JOE, content)
    (mail,) = site.around.outside.wait(ADA)
    assert [one.recipient for one in site.around.outside.all_mails()] == [ADA]
    assert mail.reverse_path == ""
    assert mail.recipients == (ADA,)
    parsed = message_from_bytes(mail.content, _class=EmailMessage, policy=policy.default)
    assert parsed.get_all("Auto-Submitted") == ["auto-replied"]
    assert parsed["In-Reply-To"] in content.decode("latin-1")
    assert len(mail.content) < 10_000
    assert b"long long" not in mail.content  # R19: nothing of the original's body.


def test_r09_thousand_forged_mails_cause_no_outgoing_mail(site: Site) -> None:
    with smtplib.SMTP(HOST, site.gateway.smtp_port, "mail.outside.example", 60, (FORGER, 0)) as door:
        for number in range(1000):
            sender = f"victim{number}@stranger.example"
            assert door.sendmail(sender, JOE, letter(sender, JOE)) == {}
    # A genuine stranger's challenge leaves behind all of them: what was to leave for the forged ones has left by then.
    site.send(ADA, JOE, letter(ADA, JOE))
    site.around.outside.wait(ADA)
    assert [mail.recipient for mail in site.around.outside.all_mails()] == [ADA]
    wait_until(lambda: site.gateway.metric("gateway_challenges_total", result="sent") == 1, "the challenge is counted")
    assert site.gateway.metric("gateway_challenges_total") == 1


def test_r07_second_mail_of_the_same_sender_is_held_without_another_challenge(site: Site) -> None:
    site.send(ADA, JOE, letter(ADA, JOE))
    site.around.outside.wait(ADA)
    site.send(ADA, "mia@example.org", letter(ADA, "mia@example.org"))
    site.send("bob@friend.example", JOE, letter("bob@friend.example", JOE))
    site.around.outside.wait("bob@friend.example")
    assert len(site.around.outside.mails(ADA)) == 1
    (later, *_) = [row for row in site.gateway.data("pending", "list") if row["recipient"] == "mia@example.org"]
    assert later["silence"] == "asked-recently"


def test_forged_mail_of_the_same_address_stays_when_its_owner_answers(site: Site) -> None:
    forged = letter(ADA, JOE, "Send money")
    site.send(ADA, JOE, forged, client=FORGER)
    site.send(ADA, JOE, letter(ADA, JOE, "Honest"))
    (challenge,) = site.around.outside.wait(ADA)
    solve(link_in(challenge.content))
    site.around.inside.wait(JOE)
    (waiting,) = site.gateway.data("pending", "list")
    assert waiting["proofs"] == ""
    # And from now on: the listed sender's forged mail is held, not delivered.
    assert site.send(ADA, JOE, letter(ADA, JOE, "More money"), client=FORGER)[0] == 250
    assert next(row["reason"] for row in site.gateway.data("pending", "list")) == "allowlisted-but-unproven"
    assert len(site.around.inside.mails(JOE)) == 1


def test_mixed_recipients_are_decided_one_by_one(site: Site) -> None:
    site.gateway.command("lists", "add", "allow", ADA, "--for", JOE)
    site.gateway.command("lists", "add", "deny", ADA, "--for", "kim@example.org")
    named = [JOE, "mia@example.org", "postmaster@example.org"]
    content = letter(ADA, ", ".join(named))
    assert site.send(ADA, named, content)[0] == 250
    for mailbox in (JOE, "postmaster@example.org"):
        (arrived,) = site.around.inside.wait(mailbox)
        trace_above(arrived.content, content)
    assert [row["recipient"] for row in site.gateway.data("pending", "list")] == ["mia@example.org"]
    code, words = site.send(ADA, "kim@example.org", content)
    assert (code, words[:5]) == (550, "5.7.1")


def test_one_recipient_refused_behind_a_queue_does_not_keep_the_mail_from_the_other(make_site: MakeSite) -> None:
    site = make_site({"smtp.stage": "after-queue"})
    site.gateway.command("lists", "add", "allow", ADA)
    site.around.inside.replies.to_recipient["leo@example.org"] = "550 5.1.1 No such user"
    assert site.send(ADA, [JOE, "leo@example.org"], letter(ADA, f"{JOE}, leo@example.org"))[0] == 250
    site.around.inside.wait(JOE)
    wait_until(lambda: site.gateway.data("pending", "list", "--state", "refused"), "the other's refusal is noted")
    site.around.inside.replies.to_recipient.clear()


def test_r36_links_fetched_by_machines_change_nothing(site: Site) -> None:
    site.send(ADA, JOE, letter(ADA, JOE))
    (challenge,) = site.around.outside.wait(ADA)
    link = link_in(challenge.content)
    # The mail is there a moment before it is written down that it was sent.
    wait_until(lambda: site.gateway.data("challenges", "list")[0]["state"] == "sent", "the challenge is noted as sent")
    before = (site.gateway.data("pending", "show", "1"), site.gateway.data("challenges", "list"))
    for path in ("", "/disown", "/withdraw"):
        for method in ("GET", "HEAD", "OPTIONS"):
            for _ in range(10):
                fetch(link + path, method)
    assert (site.gateway.data("pending", "show", "1"), site.gateway.data("challenges", "list")) == before
    solve(link)
    site.around.inside.wait(JOE)


def test_i_did_not_send_this_drops_the_mail_and_ends_challenges_to_the_address(make_site: MakeSite) -> None:
    site = make_site({"challenge.max_per_sender_days": 0.000001})
    site.send(ADA, JOE, letter(ADA, JOE))
    (challenge,) = site.around.outside.wait(ADA)
    assert fetch(link_in(challenge.content) + "/disown", "POST", {}).status in (200, 303)
    assert site.gateway.data("pending", "show", "1")["state"] == "disowned"
    site.send(ADA, JOE, letter(ADA, JOE))
    wait_until(lambda: len(site.gateway.data("pending", "list")) == 1, "the second mail is held")
    assert site.gateway.data("pending", "list")[0]["silence"] == "sender-said-not-me"


def test_c06_two_gateways_facing_each_other_do_not_answer_each_other(make_site: MakeSite) -> None:
    site = make_site()
    site.send(ADA, JOE, letter(ADA, JOE))
    (challenge,) = site.around.outside.wait(ADA)
    # The challenge meets another gateway of the same kind, at which its sender is unknown.
    other = make_site({"domains.names": ["stranger.example"], "challenge.mode": "all"})
    assert other.send("", ADA, challenge.content)[0] == 250
    assert other.send("postmaster@example.org", ADA, challenge.content)[0] == 250
    assert {row["silence"] for row in other.gateway.data("pending", "list")} == {"null-reverse-path", "own-challenge"}
    assert other.around.outside.all_mails() == []
