"""Mail that answers what its recipient wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.evidence import NO_EVIDENCE, Evidence, Method, Proof
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.outgoing import mail_hash
from gateway.flow.expecting import NewWindow
from gateway.flow.outgoing_ports import Sent
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.unit.flow.world import ANNA, DAY, JOE, KIM, NOW, World, letter

MAIL = "<7@example.org>"
CITED = f"In-Reply-To: {MAIL}"
DESK = Address.of("desk@help.oak.example")
"""Another address than the one that was written to."""
DESK_PROVEN = Evidence(proofs=(Proof(Method.DKIM, "help.oak.example"),), reverse_path_proven=True)


@pytest.fixture
async def world(world: World) -> World:
    world.rules = replace(world.rules, reply_days=10)
    world.checks.evidence = DESK_PROVEN
    sent = Sent(mail_hash(MAIL), JOE.key, "oak.example")
    await world.store.transact(lambda tx: tx.sent.remember([sent], NOW))
    return world


async def arrive(world: World, *lines: str, sender: Address = DESK, recipient: Address = JOE, who: str = "") -> str:
    """A mail comes; returns what became of it: `delivered`, or the reason it waits for."""
    content = letter("Re: Hi", *lines, to=recipient.text, sender=who or DESK.text)
    if await world.arrive(content, recipient, sender=sender) == reply.OK:
        return "delivered"
    return (await world.pending())[-1].reason


@pytest.mark.parametrize("line", [CITED, f"References: <1@elm.example> {MAIL}\r\n <2@oak.example>"])
async def test_reply_passes_from_another_address_of_where_the_mail_went(world: World, line: str) -> None:
    assert await arrive(world, line) == "delivered"
    assert await arrive(world, line, recipient=Address.of("joe+shop@example.org")) == "delivered"


async def test_reply_by_a_machine_passes_too_for_its_domain_vouches(world: World) -> None:
    assert await arrive(world, CITED, "Auto-Submitted: auto-replied", sender=NULL_PATH) == "delivered"


async def test_challenge_of_another_gateway_to_our_mail_passes_so_that_neither_waits_for_the_other(
    world: World,
) -> None:
    lines = (CITED, "Auto-Submitted: auto-replied", "X-Gateway-Challenge: yes")
    assert await arrive(world, *lines, sender=NULL_PATH) == "delivered"


REPORT = "Content-Type: multipart/report; report-type=delivery-status; boundary=b"


async def report(world: World, mail_id: str = MAIL, sender: Address = NULL_PATH) -> str:
    body = f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {mail_id}\r\n\r\n--b--"
    content = letter("Undelivered", REPORT, sender="mailer-daemon@relay.example", body=body)
    if await world.arrive(content, sender=sender) == reply.OK:
        return "delivered"
    return (await world.pending())[-1].reason


async def test_report_about_a_mail_of_ours_passes_from_whatever_server_is_proven(world: World) -> None:
    world.checks.evidence = Evidence(proofs=(Proof(Method.SPF, "relay.example"),))
    assert await report(world) == "delivered"
    assert await report(world, "<8@example.org>") == "null-reverse-path"
    assert await report(world, sender=DESK) == "automatic-mail"
    world.checks.evidence = NO_EVIDENCE
    assert await report(world) == "null-reverse-path"


async def test_reply_that_nobody_vouches_for_waits_whatever_it_cites(world: World) -> None:
    world.checks.evidence = NO_EVIDENCE
    assert await arrive(world, CITED) == "unproven-sender"


@pytest.mark.parametrize("line", ["", "In-Reply-To: <8@example.org>", "References: <1@oak.example>"])
async def test_mail_that_cites_nothing_of_ours_waits(world: World, line: str) -> None:
    assert await arrive(world, *filter(None, [line])) == "unknown-sender"


async def test_reply_from_a_domain_that_the_mail_never_went_to_waits(world: World) -> None:
    world.checks.evidence = Evidence(proofs=(Proof(Method.DKIM, "spam.example"),), reverse_path_proven=True)
    assert await arrive(world, CITED, who="eve@spam.example", sender=Address.of("eve@spam.example")) == "unknown-sender"


async def test_reply_to_another_than_who_wrote_waits(world: World) -> None:
    assert await arrive(world, CITED, recipient=KIM) == "unknown-sender"


async def test_reply_after_its_days_waits(world: World) -> None:
    world.clock.at += 10 * DAY + 1
    assert await arrive(world, CITED) == "unknown-sender"


async def test_reply_of_a_denied_sender_is_refused(world: World) -> None:
    await world.deny("@.oak.example")
    assert await world.arrive(letter("Re", CITED, sender=DESK.text), sender=DESK) == reply.REFUSED_BY_POLICY


async def test_reply_is_not_known_where_the_recipient_wants_none_of_it(world: World) -> None:
    no = Choice(JOE.key, PolicySetting.WRITTEN_TO, "no")
    await world.store.transact(lambda tx: tx.policies.put(no, "joe", NOW))
    assert await arrive(world, CITED) == "unknown-sender"


async def test_reply_does_not_use_up_a_window_for_one_mail(world: World) -> None:
    new = NewWindow(JOE.key, JOE.key, NOW, NOW + 900, True, "")
    window = await world.store.transact(lambda tx: tx.expecting.add(new, "joe"))
    assert await arrive(world, CITED) == "delivered"
    found = await world.store.look(lambda tx: tx.expecting.get(window.id))
    assert found is not None
    assert found.uses == 0
    assert await arrive(world) == "delivered"


async def test_mail_that_passes_anyway_is_never_looked_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.allow(DESK.key)
    assert await arrive(world, CITED) == "delivered"  # Entries are copied from here on.

    async def never(*_: object) -> object:
        raise AssertionError

    monkeypatch.setattr(Store, "look", never)
    assert await arrive(world, CITED) == "delivered"


async def test_mail_is_not_looked_up_where_none_of_ours_goes_out_here(world: World) -> None:
    world.rules = replace(world.rules, reply_days=0)
    assert await arrive(world, CITED) == "unknown-sender"


async def test_mails_are_forgotten_in_time_and_beyond_their_number(world: World) -> None:
    sent = [Sent(mail_hash(f"<{number}>"), JOE.key, "oak.example") for number in range(5)]

    def remember(tx: Transaction) -> None:
        for at, one in enumerate(sent):
            tx.sent.remember([one], NOW + at)

    await world.store.transact(remember)
    store, ids = world.store, [one.mail_id for one in sent]
    forgotten = [await store.transact(lambda tx: tx.sent.forget(NOW + 1, 3, 2)) for _ in range(3)]
    assert forgotten == [2, 1, 0]
    found = await store.look(lambda tx: tx.sent.answered(ids, [JOE.key], 0.0))
    assert {one.mail_id for one in found} == set(ids[2:])
    assert ANNA.key not in {one.owner for one in found}
