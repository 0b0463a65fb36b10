"""Notices: who chose them is told of each mail at once, within a bound; nobody else, and no machine in a loop."""

from __future__ import annotations

import re

import pytest

from gateway.domain.address import Address
from gateway.domain.durations import HOUR
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.reply import Reply
from gateway.domain.retry import NOTICE
from gateway.domain.roles import Right
from gateway.flow.account_ports import Kind
from gateway.flow.describe import Describer
from gateway.flow.moderate import Action
from gateway.flow.notice_ports import NoticeLetter
from gateway.flow.notices import FRESH, MOST_AN_HOUR
from gateway.flow.own_mail import OwnMail
from tests.unit.flow.digest_desk import DigestDesk, read, text_of
from tests.unit.flow.world import JOE, KIM, World, letter


@pytest.fixture
def desk(world: World) -> DigestDesk:
    return DigestDesk(world)


async def choose(desk: DigestDesk, scope: str, value: str, *, locked: bool = False) -> None:
    choice = Choice(scope, PolicySetting.NOTICES, value, locked)
    await desk.world.store.transact(lambda tx: tx.policies.put(choice, "tests", desk.world.clock.at))


async def told(desk: DigestDesk, **more: str) -> list[tuple[str, str, str]]:
    """Let the worker work; return to whom it wrote, what about, and what."""
    before = len(desk.world.hop.taken)
    notices = desk.notices(**more)
    while await notices.run_once():
        pass
    mails = [read(content) for _, content in desk.world.hop.taken[before:]]
    return [(mail["To"], mail["Subject"], text_of(mail)) for mail in mails]


def links(text: str) -> tuple[str, str]:
    opens, stops = re.search(r"/held/([a-z2-9]{32})", text), re.search(r"/notice/stop/([a-z2-9]{32})", text)
    assert opens is not None
    assert stops is not None
    return opens[1], stops[1]


async def test_nobody_is_told_unless_it_was_chosen(desk: DigestDesk) -> None:
    await desk.arrive("Offer", JOE)
    before = await desk.world.dump()
    assert await told(desk) == []
    assert (await desk.world.dump())["sequence"] == before["sequence"]


async def test_who_chose_it_is_told_at_once_with_links_of_his_own(desk: DigestDesk) -> None:
    await choose(desk, "joe@example.org", "on")
    await desk.arrive("Offer", JOE, KIM)
    ((to, subject, text),) = await told(desk, text="Dear Joe,\n\nsee https://evil.example/x\n" + "y" * 2000)
    assert (to, subject) == (JOE.text, "A message is waiting: Offer")
    assert "| Dear Joe," in text
    assert "evil.example" not in text
    assert "y" * 1000 not in text
    opens, stops = links(text)
    held = await desk.links().look(opens)
    assert held is not None
    assert await desk.links().look(stops) is None
    assert await desk.links().act(opens, Action.DELIVER) is not None
    assert await desk.world.states() == {JOE.text: "released", KIM.text: "pending"}
    assert await told(desk) == []


async def test_level_nearest_counts_and_reasons_are_chosen_one_by_one(desk: DigestDesk) -> None:
    await choose(desk, "@example.org", "unproven-sender")
    await choose(desk, "kim@example.org", "unknown-sender,unproven-sender")
    await desk.arrive("Offer", JOE, KIM)
    assert [to for to, *_ in await told(desk)] == [KIM.text]


async def test_one_click_stops_them_for_this_address_whatever_is_locked_above(desk: DigestDesk) -> None:
    await choose(desk, "@example.org", "on", locked=True)
    await desk.arrive("First", JOE, KIM)
    texts = {to: text for to, _, text in await told(desk)}
    stops = links(texts[JOE.text])[1]
    for _ in range(3):
        stopping = await desk.links().stopping_notices(stops)
        assert stopping is not None
        assert (stopping.mailbox, stopping.on) == (JOE.text, True)
    assert await desk.links().stop_notices(stops) is not None
    again = await desk.links().stop_notices(stops)
    assert again is not None
    assert not again.on
    await desk.arrive("Second", JOE, KIM)
    assert [to for to, *_ in await told(desk)] == [KIM.text]
    for wrong in ("", "a" * 32, links(texts[KIM.text])[0]):
        assert await desk.links().stop_notices(wrong) is None


async def test_machines_are_told_of_nothing_that_could_come_back(desk: DigestDesk) -> None:
    await choose(desk, "", "on")
    world = desk.world
    for number, field in enumerate(
        ("Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All")
    ):
        await world.arrive(letter(f"No {number}", field, to="joe@example.org"), JOE)
    await world.arrive(letter("Bounce", to="joe@example.org"), JOE, sender=Address.of(""))
    await world.arrive(letter("List", "List-Id: <news.oak.example>", to="joe@example.org"), JOE)
    await Describer(world.store).run_once()
    assert [subject for _, subject, _ in await told(desk)] == ["A message is waiting: List"]


async def test_mailbox_gets_so_many_in_an_hour_and_the_last_one_says_so(desk: DigestDesk) -> None:
    await choose(desk, "", "on")
    for number in range(MOST_AN_HOUR + 2):
        await desk.arrive(f"No {number}", JOE, sender=f"a{number}@oak.example")
    texts = [text for *_, text in await told(desk)]
    assert len(texts) == MOST_AN_HOUR
    assert sum("no more notices will be sent for now" in " ".join(text.split()) for text in texts) == 1
    desk.world.clock.at += HOUR + 1
    await desk.arrive("Later", JOE, sender="z@oak.example")
    assert [subject for _, subject, _ in await told(desk)] == ["A message is waiting: Later"]


async def test_old_mail_is_no_news_when_it_is_switched_on(desk: DigestDesk) -> None:
    await desk.arrive("Old", JOE)
    desk.world.clock.at += FRESH + 1
    await choose(desk, "", "on")
    assert await told(desk) == []


@pytest.mark.parametrize("scope", ["", "@example.org", "joe@example.org"])
async def test_mail_that_came_before_they_were_switched_on_is_not_told_of(desk: DigestDesk, scope: str) -> None:
    await desk.arrive("Before", JOE)
    desk.world.clock.at += 1
    await choose(desk, scope, "on")
    await desk.arrive("After", JOE, sender="ben@oak.example")
    assert [subject for _, subject, _ in await told(desk)] == ["A message is waiting: After"]
    # Off and on again: what came in between is in the list, and in the digest.
    desk.world.clock.at += 1
    await choose(desk, scope, "off")
    await desk.arrive("Between", JOE, sender="cy@oak.example")
    desk.world.clock.at += 1
    await choose(desk, scope, "on")
    assert await told(desk) == []


async def test_mail_is_told_of_by_the_level_that_counts_whenever_others_chose(desk: DigestDesk) -> None:
    await choose(desk, "@example.org", "on", locked=True)
    desk.world.clock.at += 1
    await desk.arrive("Offer", JOE)
    desk.world.clock.at += 1
    await choose(desk, "joe@example.org", "on")
    await choose(desk, "", "on")
    assert [subject for _, subject, _ in await told(desk)] == ["A message is waiting: Offer"]


async def test_what_the_policy_takes_is_not_in_it(desk: DigestDesk) -> None:
    desk.policies.taken = frozenset({Right.MODERATE, Right.READ_CONTENT})
    await choose(desk, "", "on")
    await desk.arrive("Secret offer", JOE)
    ((_, subject, text),) = await told(desk)
    assert subject == "A message is waiting for you"
    assert "Secret" not in text
    assert "Dear" not in text
    assert "/allow" not in text
    assert "Look at it" in text


async def test_entry_that_names_the_sender_is_told_with_what_it_leaves_open(desk: DigestDesk) -> None:
    await choose(desk, "", "on")
    await desk.world.allow("@.oak.example", proof="spf:elm.example")
    await desk.arrive("Offer", JOE, sender="anna@news.oak.example")
    ((*_, text),) = await told(desk)
    assert "names the sender: @.oak.example (anna, news)" in text


async def test_notice_that_cannot_go_now_is_tried_again_and_is_void_once_the_mail_is_settled(desk: DigestDesk) -> None:
    await choose(desk, "", "on")
    desk.world.hop.answers[JOE.text] = Reply(451, "4.3.0", "later")
    await desk.arrive("Offer", JOE)
    assert await told(desk) == []
    desk.world.clock.at += 61
    del desk.world.hop.answers[JOE.text]
    assert len(await told(desk)) == 1
    desk.world.hop.answers[JOE.text] = Reply(451, "4.3.0", "later")
    await desk.arrive("Second", JOE, sender="ben@oak.example")
    assert await told(desk) == []
    desk.world.clock.at += NOTICE.give_up_after
    assert await told(desk) == []
    states = await desk.world.store.look(
        lambda tx: tx.connection.exec_driver_sql("SELECT state FROM notice").scalars().all()
    )
    assert states == ["sent", "refused"]


async def test_notice_that_waits_for_its_next_attempt_ends_with_the_choice(desk: DigestDesk) -> None:
    await choose(desk, "", "on")
    desk.world.hop.answers[JOE.text] = Reply(451, "4.3.0", "later")
    await desk.arrive("Offer", JOE)
    assert await told(desk) == []
    await choose(desk, JOE.text, "off")
    del desk.world.hop.answers[JOE.text]
    desk.world.clock.at += 61
    assert await told(desk) == []


async def test_link_of_who_has_no_more_to_do_with_the_address_stops_nothing(desk: DigestDesk) -> None:
    number = await desk.account("kim", (KIM.key, Kind.OWN), (JOE.key, Kind.OWN))
    await choose(desk, "", "on")
    await desk.arrive("Offer", JOE)
    ((_, _, text),) = await told(desk)
    stops = links(text)[1]
    assert await desk.links().stopping_notices(stops) is not None
    await desk.world.store.transact(lambda tx: tx.accounts.take(number, JOE.key))
    assert await desk.links().stop_notices(stops) is None


async def test_rows_are_passed_over_at_once_and_none_that_is_fresh_is_missed(desk: DigestDesk) -> None:
    for number in range(5):
        desk.world.clock.at += FRESH / 2
        await desk.arrive(f"Offer {number}", JOE)
    since = desk.world.clock.at - 2 * FRESH + 1
    assert await desk.world.store.look(lambda tx: tx.notices.newcomers(0, since, 2)) == (3, [2, 3])
    assert await desk.world.store.look(lambda tx: tx.notices.newcomers(3, since, 2)) == (5, [4, 5])
    assert await desk.world.store.look(lambda tx: tx.notices.newcomers(5, since, 2)) == (5, [])


class Wordless(DigestDesk):
    """Cannot write a notice at first."""

    broken = True

    async def compose_notice(self, told: NoticeLetter, now: float) -> OwnMail:
        if self.broken:
            raise ValueError("not as it should be")
        return await super().compose_notice(told, now)


async def test_notice_that_cannot_be_written_is_put_off_and_holds_up_no_other(world: World) -> None:
    desk = Wordless(world)
    await choose(desk, "", "on")
    await desk.arrive("Offer", JOE)
    assert await told(desk) == []
    desk.broken = False
    await desk.arrive("Second", KIM, sender="ben@oak.example")
    assert [to for to, *_ in await told(desk)] == [KIM.text]
    world.clock.at += 61
    assert [to for to, *_ in await told(desk)] == [JOE.text]
