"""`pending read`, `html`, `part`, `forward`, `ask-again`; what an account chooses; where something was chosen."""

from __future__ import annotations

import base64
import time

from gateway.domain.roles import Role
from gateway.flow.session_ports import NewSession, Stage
from gateway.store.transaction import Transaction
from tests.store.letters import keep, message
from tests.unit.cli.shell import Shell

PAGE = "Hi\r\nMIME-Version: 1.0\r\nContent-Type: text/html"
BODY = "<p onclick='x()'>Hello <b>Joe</b></p><script>evil()</script><img src='http://elm.example/a.png'>"


def test_mail_is_read_without_what_could_run_or_steer_the_terminal(shell: Shell) -> None:
    shell.hold(PAGE, body=BODY + "\x1b[2J")
    assert "part 0" in shell("pending", "read", "1", "--headers").out
    outline = shell("pending", "read", "1", "--json").data
    assert (outline["subject"], outline["html"], outline["authors"][0]["address"]) == ("Hi", 0, "anna@oak.example")
    assert "Hello Joe" in outline["text"][0]["text"]
    shown = shell("pending", "html", "1", terminal=True).out
    assert "<b>Joe</b>" in shown
    assert not any(word in shown for word in ("script", "onclick", "elm.example", "\x1b"))
    assert shell("pending", "part", "1", "0").out.startswith("<p onclick=")
    decoded = base64.b64decode(shell("pending", "part", "1", "0", "--json").data["octets"])
    assert decoded.startswith(b"<p onclick=")
    assert "no such part" in shell.refused("pending", "part", "1", "7")


def test_mail_that_is_not_there_or_has_no_html_is_told_in_one_line(shell: Shell) -> None:
    shell.hold()
    assert "there is no mail 9" in shell.refused("pending", "read", "9")
    assert "has no HTML" in shell.refused("pending", "html", "1")


def test_copy_goes_only_to_a_configured_address_and_its_refusal_is_told(shell: Shell) -> None:
    shell.hold()
    shell.settings({
        "console": {"forward_to": ["abuse@example.org"]},
        "relay": {"next_hop": "127.0.0.1:9"},
    })  # fmt: skip
    assert "none of [console] forward_to: abuse@example.org" in shell.refused(
        "pending", "forward", "1", "eve@elm.example"
    )
    refused = shell("pending", "forward", "1", "abuse@example.org", "--as-is", "--json")
    assert (refused.status, refused.data["accepted"]) == (1, False)
    assert "as it is to abuse@example.org" in shell("log", "list", "--json").data[0]["detail"]
    assert "there is no mail 9" in shell.refused("pending", "forward", "9", "abuse@example.org")


def test_sender_of_a_mail_is_asked_again_once(shell: Shell) -> None:
    shell.with_store(lambda store: keep(store, message(at=time.time())))
    assert shell("pending", "ask-again", "1", "--json").data == {"challenge": 1, "mail": 1}
    assert "it can be asked again from" in shell.refused("pending", "ask-again", "1")
    assert "mail 9 does not wait" in shell.refused("pending", "ask-again", "9")


def test_person_of_an_account_is_chosen_one_by_one(shell: Shell) -> None:
    shell("account", "add", "joe@example.org")
    assert shell("account", "set-person", "joe@example.org", "--full-name", "Joe Roe").status == 0
    assert shell("account", "set-person", "joe@example.org", "--time-zone", "Asia/Tokyo").out == (
        "joe@example.org: saved\n"
    )
    assert shell("account", "show", "joe@example.org", "--json").data["full_name"] == "Joe Roe"
    assert "time zone" in shell.refused("account", "set-person", "joe@example.org", "--time-zone", "Mars")
    assert "what to choose" in shell.refused("account", "set-person", "joe@example.org")
    assert "there is no account" in shell.refused("account", "set-person", "kim", "--language", "de")


def test_sessions_of_an_account_are_ended_one_by_one(shell: Shell) -> None:
    shell("account", "add", "joe", "--role", Role.AUDITOR.value)

    def sign_in(tx: Transaction) -> None:
        for secret in (b"a" * 32, b"b" * 32):
            tx.sessions.begin(
                NewSession(secret, 1, Stage.FULL, "link", False, 1.7e9, 1.8e9, "192.0.2.7", "Firefox", "")
            )

    shell.change(sign_in)
    assert [row["id"] for row in shell("account", "sessions", "joe", "--end-one", "1", "--json").data] == [1]
    assert [row["id"] for row in shell("account", "sessions", "joe", "--json").data] == [2]
    assert "has no session 1" in shell.refused("account", "sessions", "joe", "--end-one", "1")
    assert "--end-one" in shell.refused("account", "sessions", "joe", "--end", "--end-one", "2")


def test_places_with_choices_of_their_own_are_listed(shell: Shell) -> None:
    shell("policy", "set", "days", "9", "joe@example.org")
    assert shell("policy", "list", "--json").data == [
        {"scope": "site", "chosen": False},
        {"scope": "example.org", "chosen": False},
        {"scope": "joe@example.org", "chosen": True},
    ]
    shell("digest", "set", "example.org", "--schedule", "daily@18")
    assert [
        (place["scope"], place["schedule"], place["origin"]) for place in shell("digest", "list", "--json").data
    ] == [
        ("site", "off", "configuration"),
        ("example.org", "daily@18", "example.org"),
    ]


def test_digest_to_a_sub_address_goes_to_its_user_and_to_a_foreign_domain_is_a_fault(shell: Shell) -> None:
    (told,) = shell("digest", "send", "Joe+shop@example.org", "--json").data
    assert (told["mailbox"], told["state"]) == ("joe@example.org", "nothing")
    assert "elsewhere.example is none of ours" in shell.refused("digest", "send", "--domain", "elsewhere.example")


def test_moving_of_what_waits_is_shown_and_can_be_stopped_no_more_when_done(shell: Shell) -> None:
    shell.hold()
    assert "nothing is being moved" in shell.refused("policy", "waiting")
    shell("policy", "set", "days", "30", "--apply-to-waiting")
    told = shell("policy", "waiting", "--json").data
    assert (told["scope"], told["state"], told["total"], told["done"]) == ("site", "done", 1, 1)
    assert "1 of 1" in shell("policy", "waiting").out
    assert "nothing is being moved" in shell.refused("policy", "stop")
