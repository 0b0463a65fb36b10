"""What a gateway owes, in each of the three ways in, with Postfix set up by the files of config/postfix."""

from __future__ import annotations

import json
import smtplib
import subprocess
from typing import Any

from benchmarks.places import HOST, wait_until
from tests.certificates import unverified_tls
from tests.peers.deployment import FORGER, LIMIT, OUTSIDE, Site
from tests.peers.letters import letter, link_in, trace_above
from tests.peers.solver import solve


def test_unknown_sender_who_answers_gets_his_mail_delivered_unchanged(any_way: Site) -> None:
    sender, recipient = "ada@stranger.example", "joe@example.org"
    first, second = letter(sender, recipient), letter(sender, recipient, "One more thing")

    assert any_way.send(sender, recipient, first, options=["BODY=8BITMIME"]).code == 250
    row = any_way.held(recipient)
    challenge = any_way.challenge_to(sender)
    assert challenge.reverse_path == ""
    assert any_way.around.inside.mails(recipient) == []

    solve(link_in(challenge.content))
    (delivered,) = any_way.around.inside.wait(recipient)
    trace_above(delivered.content, first)
    assert delivered.reverse_path == sender
    # The mail is there a moment before it is written down that it was delivered.
    wait_until(
        lambda: any_way.gateway.data("pending", "show", str(row["id"]))["state"] == "delivered", "it is delivered"
    )

    assert any_way.send(sender, recipient, second, options=["BODY=8BITMIME"]).code == 250
    trace_above(any_way.around.inside.wait(recipient, 2)[1].content, second)
    assert any_way.pending(recipient) == []
    assert len(any_way.around.outside.mails(sender)) == 1


def test_known_sender_passes_without_being_held(any_way: Site) -> None:
    sender, recipient = "ben@friend.example", "mia@example.org"
    any_way.gateway.command("lists", "add", "allow", sender)
    content = letter(sender, recipient)

    assert any_way.send(sender, recipient, content).code == 250
    (delivered,) = any_way.around.inside.wait(recipient)
    above = trace_above(delivered.content, content).decode()
    assert "spf=pass" in above
    assert f"[{OUTSIDE}]" in above
    assert any_way.pending(recipient) == []
    assert any_way.around.outside.mails(sender) == []


def test_denied_sender_is_refused_where_the_client_still_waits_and_never_bounced(any_way: Site) -> None:
    sender, recipient = "mallory@spam.example", "sam@example.org"
    any_way.gateway.command("lists", "add", "deny", sender)

    answer = any_way.send(sender, recipient, letter(sender, recipient))

    if any_way.is_behind_queue:
        assert answer.code == 250
        any_way.settle()
        assert "status=bounced" not in any_way.postfix.log()
    else:
        assert (answer.code, answer.text[:5]) == (550, "5.7.1")
    assert any_way.around.inside.mails(recipient) == []
    assert any_way.around.outside.mails(sender) == []


def test_forged_sender_is_held_in_silence(any_way: Site) -> None:
    sender, recipient = "eve@stranger.example", "kim@example.org"

    assert any_way.send(sender, recipient, letter(sender, recipient), client=FORGER).code == 250

    row = any_way.held(recipient)
    assert row["reason"] == "unproven-sender"
    assert row["silence"] == "unproven-sender"
    assert any_way.around.outside.mails(sender) == []


def test_client_address_stands_in_store_and_logs_of_both_servers(any_way: Site) -> None:
    sender, recipient = "carl@list.example", "lea@example.org"

    assert any_way.send(sender, recipient, letter(sender, recipient)).code == 250

    row = any_way.held(recipient)
    assert row["client"] == OUTSIDE

    def transactions() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in any_way.gateway.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == "transaction" and line["reverse_path"] == sender]

    wait_until(lambda: bool(transactions()), "the line is written")
    (line,) = transactions()
    assert line["client"] == OUTSIDE
    any_way.gateway.command("lists", "add", "allow", sender)
    assert any_way.send(sender, recipient, letter(sender, recipient)).code == 250
    any_way.around.inside.wait(recipient)
    any_way.wait_for_postfix(lambda: f"orig_client=unknown[{OUTSIDE}]" in any_way.postfix.log(), "Postfix logs it")


def test_each_recipient_of_a_mail_gets_his_own_decision(any_way: Site) -> None:
    sender, knows, refuses = "ivy@friend.example", "kim@branch.example.org", "sam@branch.example.org"
    any_way.gateway.command("lists", "add", "allow", sender, "--for", knows)
    any_way.gateway.command("lists", "add", "deny", sender, "--for", refuses)
    content = letter(sender, f"{knows}, {refuses}, lea@branch.example.org")

    with smtplib.SMTP(HOST, any_way.port, "mail.outside.example", timeout=60, source_address=(OUTSIDE, 0)) as door:
        refused = door.sendmail(sender, [knows, refuses, "lea@branch.example.org"], content)

    assert list(refused) == ([] if any_way.is_behind_queue else [refuses])
    (delivered,) = any_way.around.inside.wait(knows)
    trace_above(delivered.content, content)
    assert any_way.held("lea@branch.example.org")["reason"] == "unknown-sender"
    assert any_way.pending(refuses) == []
    assert any_way.around.inside.mails(refuses) == []


def test_starttls_is_offered_where_the_gateway_is_the_front(any_way: Site) -> None:
    with smtplib.SMTP(HOST, any_way.port, "mail.outside.example", timeout=60, source_address=(OUTSIDE, 0)) as door:
        door.ehlo()

        # In the other ways the front is Postfix, to which this site gave no certificate.
        assert door.has_extn("starttls") is (any_way.way == "edge")
        if any_way.way == "edge":
            door.starttls(context=unverified_tls())
            door.sendmail("ken@list.example", ["lea@branch.example.org"], letter("ken@list.example", "lea"))
            assert any_way.gateway.data("pending", "list", "--from", "ken@list.example")


def test_unknown_recipient_is_refused_at_rcpt(any_way: Site) -> None:
    answer = any_way.send("dan@stranger.example", "nobody@example.org", b"Subject: x\r\n\r\nx\r\n")

    assert (answer.code, answer.text[:5]) == (550, "5.1.1")


def test_mail_for_foreign_domain_is_refused(any_way: Site) -> None:
    answer = any_way.send("dan@stranger.example", "someone@elsewhere.example", b"Subject: x\r\n\r\nx\r\n")

    assert (answer.code, answer.text[:5]) in ((550, "5.7.1"), (554, "5.7.1"))


def test_oversized_mail_is_refused_for_good(any_way: Site) -> None:
    sender, recipient = "ada@stranger.example", "tom@example.org"

    declared = any_way.send(sender, recipient, b"Subject: x\r\n\r\nx\r\n", options=[f"SIZE={3 * LIMIT}"])
    told_late = any_way.send(sender, recipient, letter(sender, recipient, size=LIMIT + 1000))

    assert declared.code == 552
    assert told_late.code == 552
    assert any_way.pending(recipient) == []


def test_mail_just_within_the_limit_is_not_refused_after_it_was_held(any_way: Site) -> None:
    sender, recipient = "frank@stranger.example", "tom@branch.example.org"
    again = "tom@example.org"
    content = letter(sender, again, size=LIMIT - 3000)[: LIMIT - 402] + b"\r\n"

    assert any_way.send(sender, again, content).code == 250
    row = any_way.held(again)
    any_way.gateway.command("pending", "deliver", str(row["id"]))

    (delivered,) = any_way.around.inside.wait(again)
    trace_above(delivered.content, content)
    assert any_way.around.inside.mails(recipient) == []


def test_released_mail_that_comes_round_again_is_not_held_again(any_way: Site) -> None:
    sender, recipient = "grace@stranger.example", "team@example.org"
    content = letter(sender, recipient)

    assert any_way.send(sender, recipient, content).code == 250
    row = any_way.held(recipient)
    # Only this mail: nothing but its own mark can open the door to it when Postfix sends it round by its alias.
    any_way.gateway.command("pending", "deliver", str(row["id"]))

    (delivered,) = any_way.around.inside.wait("joe@branch.example.org")
    trace_above(delivered.content, content)
    any_way.settle()
    assert any_way.pending("joe@branch.example.org") == []
    assert any_way.pending(recipient) == []


def test_delivery_status_options_and_utf8_reach_the_mailbox(any_way: Site) -> None:
    sender, recipient = "jos\u00e9@friend.example", "mia@branch.example.org"
    any_way.gateway.command("lists", "add", "allow", sender)
    content = letter(sender, recipient)

    answer = _send_utf8(any_way, sender, recipient, content)

    assert answer == 250
    (delivered,) = any_way.around.inside.wait(recipient)
    trace_above(delivered.content, content)
    assert delivered.reverse_path == sender
    assert "SMTPUTF8" in delivered.mail_parameters
    assert "ENVID=QQ314159" in delivered.mail_parameters
    assert "NOTIFY=NEVER" in delivered.rcpt_parameters


def test_mail_of_our_user_to_a_stranger_lets_his_answer_in(any_way: Site) -> None:
    user, stranger, colleague = "una@example.org", "dora@stranger.example", "office@stranger.example"
    content = letter(user, stranger, "A question")

    with smtplib.SMTP(HOST, any_way.submission_port, "desk.example.org", timeout=60) as door:
        door.sendmail(user, [stranger], content)
    (sent,) = any_way.around.outside.wait(stranger)
    assert trace_above(sent.content, content).count(b"Received:") == 3  # Ours between those of two doors of Postfix.
    # The mail is there a moment before each server on its way has written down that it went on.
    any_way.settle()
    (line,) = any_way.gateway.data("history", "list", stranger)
    assert (line["kind"], line["sender"], line["state"], line["reason"]) == ("sent", user, "relayed", "taught")
    any_way.wait_for_postfix(lambda: f"{line['queue_id']}: removed" in any_way.postfix.log(), "Postfix logs its end")
    assert "postfix/to-gateway/smtp[" in any_way.postfix.log()
    assert f"{line['queue_id']}: to=<{stranger}>" in any_way.postfix.log()
    assert line["reply"].rpartition(" ")[2] + ": " in any_way.postfix.log()

    mail_id = next(row for row in content.split(b"\r\n") if row.startswith(b"Message-ID:")).partition(b":")[2].strip()
    for number, sender in enumerate((stranger, colleague), start=1):
        reply = letter(sender, user, f"Re: {number}").replace(b"\r\n", b"\r\nIn-Reply-To: " + mail_id + b"\r\n", 1)
        assert any_way.send(sender, user, reply).code == 250
        assert len(any_way.around.inside.wait(user, number)) == number
    assert any_way.pending(user) == []
    assert any_way.send(colleague, user, letter(colleague, user, "No answer")).code == 250
    any_way.held(user)


def test_swaks_line_of_the_guide_is_answered(any_way: Site) -> None:
    done = subprocess.run(
        ["swaks", "--server", HOST, "--port", str(any_way.port), "--local-interface", OUTSIDE,
         "--from", "helen@stranger.example", "--to", "postmaster@example.org"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    (delivered,) = any_way.around.inside.wait("postmaster@example.org")
    assert b"This is a test mailing" in delivered.content


def test_everything_accepted_is_accounted_for(any_way: Site) -> None:
    done = any_way.gateway.run("audit", "--json")

    assert done.returncode == 0, done.stdout
    wait_until(lambda: any_way.postfix.queued() == 0, "Postfix's queue is empty")
    assert "fatal:" not in any_way.postfix.log()
    assert "panic:" not in any_way.postfix.log()


def _send_utf8(site: Site, sender: str, recipient: str, content: bytes) -> int:
    """smtplib writes commands in ASCII; a session in UTF-8 is spoken by hand."""
    import socket

    def reply(file: Any) -> int:
        while True:
            line = file.readline()
            if line[3:4] != b"-":
                return int(line[:3])

    with socket.create_connection((HOST, site.port), timeout=30, source_address=(OUTSIDE, 0)) as connection:
        file = connection.makefile("rb")
        assert reply(file) == 220
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        for command, wanted in (
            ("EHLO mail.outside.example", 250),
            (f"MAIL FROM:<{sender}> SMTPUTF8 BODY=8BITMIME RET=HDRS ENVID=QQ314159", 250),
            (f"RCPT TO:<{recipient}> NOTIFY=NEVER", 250),
            ("DATA", 354),
        ):
            connection.sendall(command.encode() + b"\r\n")
            code = reply(file)
            if code != wanted:
                return code
        connection.sendall(stuffed + b".\r\n")
        return reply(file)
