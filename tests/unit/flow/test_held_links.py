"""What the holder of a digest's link may do: with one mail, for one recipient, as long as it waits."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.address import Address
from gateway.domain.lists import Verdict
from gateway.domain.roles import Right
from gateway.flow.account_ports import Kind
from gateway.flow.digest_ports import Wanted
from gateway.flow.moderate import Action
from tests.unit.flow.digest_desk import SIX, DigestDesk, secrets_in, stop_in
from tests.unit.flow.world import DAY, JOE, KIM

LIST = "List-Id: <news.oak.example>"


async def secrets(desk: DigestDesk) -> dict[str, str]:
    """Mailbox → the secret of the only mail in its digest."""
    return {mail["To"]: secrets_in(mail)[0] for mail in await desk.until(SIX)}


async def test_link_opens_its_mail_and_looking_changes_nothing(desk: DigestDesk) -> None:
    await desk.arrive("Offer")
    secret = (await secrets(desk))["joe@example.org"]
    before = await desk.world.dump()
    for _ in range(10):
        mail = await desk.links().look(secret)
        assert mail is not None
        assert mail.row.subject == "Offer"
        assert all(mail.may(action) for action in Action)
    assert await desk.world.dump() == before


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (Action.DELIVER, "released"),
        (Action.AUTHORIZE, "released"),
        (Action.BLACKLIST, "blocked"),
        (Action.DELETE, "deleted"),
    ],
)
async def test_button_acts_for_this_recipient_only_and_once(desk: DigestDesk, action: Action, state: str) -> None:
    await desk.arrive("Hi", JOE, KIM)
    secret = (await secrets(desk))["joe@example.org"]
    done = await asyncio.gather(*(desk.links().act(secret, action) for _ in range(20)))
    assert all(done)
    assert await desk.world.states() == {JOE.text: state, KIM.text: "pending"}
    moves = [line for line in (await desk.world.dump())["event"] if action.value in line]
    assert len(moves) == 1
    assert "joe@example.org" in moves[0]
    entries = await desk.world.store.look(lambda tx: tx.lists.entries(["anna@oak.example"]))
    if action in (Action.AUTHORIZE, Action.BLACKLIST):
        wanted = Verdict.ALLOW if action is Action.AUTHORIZE else Verdict.DENY
        assert {(entry.verdict, entry.scope) for entry in entries} == {(wanted, "joe@example.org")}
    else:
        assert entries == []
    assert await desk.links().look(secret) is None


async def test_link_stays_good_after_newer_digests(desk: DigestDesk) -> None:
    await desk.arrive("First")
    (first,) = (await secrets(desk)).values()
    await desk.arrive("Second", sender="ben@oak.example")
    assert len(await desk.until(SIX + DAY)) == 1
    assert (await desk.digests().make("joe@example.org", everything=True)).shown == 2
    assert await desk.links().act(first, Action.DELIVER) is not None
    assert await desk.world.by_subject() == {"First": "released", "Second": "pending"}


async def test_wrong_link_is_nobody_s(desk: DigestDesk) -> None:
    await desk.arrive()
    mail = (await desk.until(SIX))[0]
    for wrong in ("", "a" * 32, secrets_in(mail)[0][:-1], secrets_in(mail)[0].upper(), stop_in(mail), "\udcff"):
        assert await desk.links().look(wrong) is None
        assert await desk.links().act(wrong, Action.DELIVER) is None
    assert await desk.links().stopping(secrets_in(mail)[0]) is None


async def test_link_of_who_has_no_more_to_do_with_the_address_is_dead(desk: DigestDesk) -> None:
    number = await desk.account("kim", (KIM.key, Kind.OWN), (JOE.key, Kind.DELEGATED))
    await desk.arrive("Hi", JOE)
    found = await secrets(desk)
    assert await desk.links().look(found["kim@example.org"]) is not None
    await desk.world.store.transact(lambda tx: tx.accounts.take(number, JOE.key))
    assert await desk.links().look(found["kim@example.org"]) is None
    assert await desk.links().act(found["kim@example.org"], Action.DELIVER) is None
    assert await desk.links().look(found["joe@example.org"]) is not None


async def test_link_does_not_more_than_the_policy_leaves_its_holder(desk: DigestDesk) -> None:
    await desk.arrive()
    secret = (await secrets(desk))["joe@example.org"]
    desk.policies.taken = frozenset({Right.EDIT_LISTS})
    assert await desk.links().act(secret, Action.AUTHORIZE) is None
    desk.policies.taken = frozenset({Right.MODERATE})
    assert await desk.links().act(secret, Action.DELIVER) is None
    desk.policies.taken = frozenset({Right.READ_CONTENT})
    mail = await desk.links().look(secret)
    assert mail is not None
    assert mail.row.subject == ""
    assert await desk.world.states() == {JOE.text: "pending"}


async def test_button_pressed_long_afterwards_says_that_the_link_is_dead(desk: DigestDesk) -> None:
    await desk.arrive()
    secret = (await secrets(desk))["joe@example.org"]
    assert await desk.links().act(secret, Action.DELIVER) is not None
    assert await desk.links().act(secret, Action.DELETE) is None
    desk.world.clock.at += 601
    assert await desk.links().act(secret, Action.DELIVER) is None


async def test_newsletter_is_allowed_with_its_source(desk: DigestDesk) -> None:
    for number in range(3):
        content = (
            f"From: News <n{number}@oak.example>\r\nTo: joe@example.org\r\nSubject: Week {number}\r\n"
            f"{LIST}\r\nMessage-ID: <{number}@oak.example>\r\n\r\nHello\r\n"
        ).encode()
        await desk.world.arrive(content, sender=Address.of(f"b-{number}@oak.example"))
        await desk.arrive(f"Person {number}", sender=f"p{number}@oak.example")
    (mail,) = await desk.until(SIX)
    text = mail.get_body(("plain",))
    assert text is not None
    assert "2 more messages from the same source" in text.get_content()
    assert await desk.links().act(secrets_in(mail)[-1], Action.AUTHORIZE) is not None
    states = await desk.world.by_subject()
    assert {states[f"Week {number}"] for number in range(3)} == {"released"}
    assert {states[f"Person {number}"] for number in range(3)} == {"pending"}


async def test_one_click_stops_the_digests_of_one_mailbox(desk: DigestDesk) -> None:
    await desk.choose(JOE.key, phrase="blue kettle")
    await desk.arrive("Hi", JOE, KIM)
    mails = {mail["To"]: mail for mail in await desk.until(SIX)}
    secret = stop_in(mails["joe@example.org"])
    assert mails["joe@example.org"]["List-Unsubscribe"] == f"<https://gw.example.org/digest/stop/{secret}>"
    found = await desk.links().stopping(secret)
    assert found is not None
    assert (found.mailbox, found.on) == ("joe@example.org", True)
    for _ in range(2):
        assert await desk.links().stop(secret) is not None
    await desk.arrive("More", JOE, KIM)
    assert [mail["To"] for mail in await desk.until(SIX + DAY)] == ["kim@example.org"]
    chosen = await desk.world.store.look(lambda tx: tx.digests.choice(JOE.key))
    assert chosen == Wanted(schedule="off", phrase="blue kettle")


async def test_store_knows_secrets_by_their_hashes_only(desk: DigestDesk) -> None:
    await desk.arrive()
    (mail,) = await desk.until(SIX)
    octets = desk.world.octets_on_disk()
    for secret in (secrets_in(mail)[0], stop_in(mail)):
        assert secret.encode() not in octets
