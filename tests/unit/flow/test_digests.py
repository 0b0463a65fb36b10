"""Digests: who gets one, when, with what; and what has been told of only when it was delivered."""

from __future__ import annotations

from gateway.domain.address import Address
from gateway.domain.evidence import Evidence
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.account_ports import Kind
from gateway.flow.describe import Describer
from gateway.flow.digest_ports import DigestLetter
from gateway.flow.moderate import Action
from gateway.flow.own_mail import OwnMail
from gateway.flow.queue import Ask, Queue
from tests.unit.flow.digest_desk import SIX, DigestDesk, secrets_in, stuck, text_of
from tests.unit.flow.world import DAY, DEFERRED, HOUR, JOE, KIM, NOW, REFUSED, World

INFO = Address.of("info@example.org")


async def test_digest_goes_at_its_hour_and_not_before(desk: DigestDesk) -> None:
    desk.world.clock.at = SIX - 3 * HOUR
    await desk.arrive("Offer for the roof")
    await desk.work()
    assert desk.mails() == []
    assert await desk.until(SIX - 1) == []
    (mail,) = await desk.until(SIX)
    assert mail["To"] == "joe@example.org"
    assert mail["Subject"] == "1 message is waiting for you"
    assert "Offer for the roof" in text_of(mail)
    assert "More mail waits" not in mail.as_string()
    (envelope, _) = desk.world.hop.taken[0]
    assert envelope.reverse_path.is_null
    assert envelope.recipients[0].notify == "NEVER"


async def test_nothing_new_sends_nothing(desk: DigestDesk) -> None:
    await desk.arrive()
    await desk.until(SIX)
    assert len(desk.mails()) == 1
    assert await desk.until(SIX + 3 * DAY) == []
    await desk.arrive("Another")
    (mail,) = await desk.until(SIX + 4 * DAY)
    assert "Another" in text_of(mail)
    assert "  Hi\n" not in text_of(mail)
    assert "2 messages are waiting" in mail["Subject"]
    assert "More mail waits than is listed here:\r\nhttps://gw.example.org/console/pending\r\n" in text_of(mail)


async def test_digest_that_is_off_goes_to_nobody(desk: DigestDesk) -> None:
    desk.on("off")
    await desk.arrive()
    assert await desk.until(SIX + 2 * DAY) == []


async def test_nearest_level_chooses(desk: DigestDesk) -> None:
    desk.on("off")
    await desk.choose("@example.org", schedule="daily@18")
    await desk.choose(KIM.key, schedule="off")
    await desk.choose("info@example.org", schedule="daily@20")
    await desk.arrive("Hi", JOE, KIM, INFO, Address.of("x@other.example"))
    assert [mail["To"] for mail in await desk.until(SIX)] == ["joe@example.org"]
    assert [mail["To"] for mail in await desk.until(SIX + 2 * HOUR)] == ["info@example.org"]


async def test_choice_counts_at_once(desk: DigestDesk) -> None:
    desk.on("mon@3")
    await desk.arrive()
    await desk.work()
    await desk.choose(JOE.key, schedule="hourly")
    assert len(await desk.until(desk.world.clock.at + 2 * HOUR)) == 1


async def test_hour_that_is_chosen_when_it_is_over_counts_from_the_next_day_on(desk: DigestDesk) -> None:
    await desk.arrive("First")
    await desk.until(SIX)
    await desk.arrive("Second", sender="ben@oak.example")
    desk.world.clock.at = SIX + 18 * HOUR
    await desk.choose(JOE.key, schedule="daily@7")
    assert await desk.until(SIX + 36 * HOUR) == []
    (mail,) = await desk.until(SIX + 37 * HOUR)
    assert "Second" in text_of(mail)


async def test_choice_for_a_domain_leaves_hours_alone_that_its_people_have_chosen(desk: DigestDesk) -> None:
    await desk.choose(JOE.key, schedule="daily@18")
    desk.on("daily@18")
    for recipient in (JOE, KIM):
        await desk.arrive(f"For {recipient.text}", recipient)
    await desk.work()
    # Their hour has come, and nobody was looked at yet.
    desk.world.clock.at = SIX + 60
    await desk.choose("@example.org", schedule="daily@7")
    await desk.work()
    assert [mail["To"] for mail in desk.mails()] == [JOE.key]


async def test_hours_are_those_of_the_reader_s_zone(desk: DigestDesk) -> None:
    await desk.account("joe", (JOE.key, Kind.OWN), time_zone="Asia/Tokyo")  # Nine hours ahead.
    desk.world.clock.at = SIX - 10 * HOUR
    await desk.arrive()
    (mail,) = await desk.until(SIX - 9 * HOUR)
    assert "18:00 JST" in text_of(mail)


async def test_one_mail_for_all_addresses_of_a_person(desk: DigestDesk) -> None:
    await desk.account("joe", (JOE.key, Kind.OWN), ("j@example.org", Kind.ALIAS), (INFO.key, Kind.DELEGATED))
    for number, recipient in enumerate((JOE, Address.of("j@example.org"), Address.of("joe+tag@example.org"), INFO)):
        await desk.arrive(f"To {number}", recipient)
    mails = await desk.until(SIX)
    assert sorted(mail["To"] for mail in mails) == ["info@example.org", "joe@example.org"]
    (joe,) = [mail for mail in mails if mail["To"] == "joe@example.org"]
    assert all(f"To {number}" in text_of(joe) for number in range(4))
    assert "for info@example.org" in text_of(joe)


async def test_deputy_is_told_though_the_owner_wants_nothing(desk: DigestDesk) -> None:
    await desk.account("boss", (KIM.key, Kind.OWN))
    await desk.account("joe", (JOE.key, Kind.OWN), (KIM.key, Kind.DELEGATED))
    await desk.choose(KIM.key, schedule="off")
    await desk.arrive("For the boss", KIM)
    (mail,) = await desk.until(SIX)
    assert mail["To"] == "joe@example.org"


async def test_account_s_digest_outside_goes_by_the_smart_host(desk: DigestDesk) -> None:
    await desk.account("joe", ("joe@private.example", Kind.OWN), (JOE.key, Kind.ALIAS))
    await desk.arrive()
    await desk.until(SIX)
    assert [recipient for recipient, _ in desk.world.outside.sent] == ["joe@private.example"]
    assert b"https://gw.example.org/held/" in desk.world.outside.sent[0][1]


async def test_disabled_account_gets_nothing_and_what_it_would_have_got_may_go(desk: DigestDesk) -> None:
    number = await desk.account("joe", (JOE.key, Kind.OWN))
    await desk.world.store.transact(lambda tx: tx.accounts.set_disabled(number, True))
    await desk.arrive()
    assert await desk.until(SIX) == []
    desk.world.clock.at += 20 * DAY
    assert await desk.world.expirer().run_once() == 1
    assert await desk.world.states() == {JOE.text: "expired"}


async def test_kinds_that_are_not_wanted_are_left_out(desk: DigestDesk) -> None:
    desk.world.checks.by_subject["Forged"] = Evidence()
    await desk.choose(JOE.key, kinds="people")
    await desk.arrive("Forged")
    await desk.arrive("True", sender="ben@oak.example")
    (mail,) = await desk.until(SIX)
    assert "True" in text_of(mail)
    assert "Forged" not in text_of(mail)
    assert "PEOPLE (1)" in text_of(mail)


async def test_refused_digest_tells_nobody_of_anything_and_is_seen_by_the_admin(desk: DigestDesk) -> None:
    desk.world.hop.answers[JOE.key] = REFUSED
    await desk.arrive()
    await desk.until(SIX)
    assert await stuck(desk) == [("joe@example.org", str(REFUSED))]
    assert await desk.world.store.look(lambda tx: tx.digests.shown([1])) == frozenset()
    desk.world.hop.answers.clear()
    (mail,) = await desk.until(SIX + DAY)
    assert "Hi" in text_of(mail)
    assert await stuck(desk) == []


async def test_digest_that_is_put_off_is_tried_again_with_links_that_all_count(desk: DigestDesk) -> None:
    desk.world.hop.answers[JOE.key] = DEFERRED
    await desk.arrive()
    await desk.until(SIX)
    first = next(iter(desk.letters[0].links.lines.values())).rpartition("/")[2]
    desk.world.hop.answers.clear()
    (mail,) = await desk.until(SIX + 2 * HOUR)
    (second,) = secrets_in(mail)
    assert first != second
    for secret in (first, second):
        assert await desk.links().look(secret) is not None
    assert len(desk.mails()) == 1


class Wordless(DigestDesk):
    """Cannot write a digest at first."""

    broken = True

    async def compose(self, told: DigestLetter, now: float) -> OwnMail:
        if self.broken:
            raise ValueError("not as it should be")
        return await super().compose(told, now)


async def test_digest_that_cannot_be_written_is_put_off_and_tried_again(world: World) -> None:
    desk = Wordless(world)
    desk.on()
    await desk.arrive("Offer", JOE)
    assert await desk.until(SIX) == []
    (waiting,) = await world.store.look(lambda tx: tx.digests.queued(SIX + HOUR, SIX + DAY, 10))
    assert waiting.attempts == 1
    desk.broken = False
    (mail,) = await desk.until(SIX + 2 * HOUR)
    assert "Offer" in text_of(mail)


async def test_digest_is_given_up_after_a_day(desk: DigestDesk) -> None:
    desk.world.hop.answers[JOE.key] = DEFERRED
    await desk.arrive()
    await desk.until(SIX)
    await desk.until(SIX + 1.5 * DAY)
    assert await stuck(desk) == [("joe@example.org", str(DEFERRED))]


async def test_digest_whose_mails_were_all_settled_is_not_tried_again(desk: DigestDesk) -> None:
    desk.world.hop.answers[JOE.key] = DEFERRED
    await desk.arrive()
    await desk.until(SIX)
    await desk.world.moderator().act(Action.DELETE, [1], "tests")
    desk.world.hop.answers.clear()
    assert await desk.until(SIX + 6 * HOUR) == []
    (sent,) = await desk.world.store.look(lambda tx: tx.digests.sent(JOE.key, 5))
    assert sent.state == "void"


async def test_digest_that_is_tried_again_tells_nothing_of_an_address_that_was_taken_away(desk: DigestDesk) -> None:
    number = await desk.account("joe", (JOE.key, Kind.OWN), (KIM.key, Kind.DELEGATED))
    desk.world.hop.answers[JOE.key] = DEFERRED
    await desk.arrive("Mine", JOE)
    await desk.arrive("Kim's", KIM)
    await desk.until(SIX)
    await desk.world.store.transact(lambda tx: tx.accounts.take(number, KIM.key))
    desk.world.hop.answers.clear()
    mails = [mail for mail in await desk.until(SIX + 2 * HOUR) if mail["To"] == JOE.key]
    assert ["Mine" in text_of(mail) for mail in mails] == [True]
    assert ["Kim's" in text_of(mail) for mail in mails] == [False]


async def test_what_is_asked_for_while_a_digest_is_sent_is_sent_too(desk: DigestDesk) -> None:
    desk.on("off")
    store = desk.world.store
    await desk.arrive()
    await store.transact(lambda tx: tx.digests.ask(JOE.key, "new", NOW))
    (known,) = await store.look(lambda tx: tx.digests.due(NOW, NOW + HOUR, 5))
    await store.transact(lambda tx: tx.digests.ask(JOE.key, "all", NOW))
    await store.transact(lambda tx: tx.digests.seen_to(known, None, NOW + HOUR))
    found = await store.look(lambda tx: tx.digests.mailbox(JOE.key))
    assert found is not None
    assert (found.asked, found.look_at < NOW) == ("all", True)


async def test_crash_between_note_and_sending_is_made_up_for(desk: DigestDesk) -> None:
    await desk.arrive()
    digests = desk.digests()
    await digests.meet()
    await desk.world.store.transact(
        lambda tx: tx.digests.add(JOE.key, 1, [(1, 1)], desk.world.clock.at, desk.world.clock.at + 600)
    )
    assert (await digests.make(JOE.key)).state == "open"
    await desk.work()
    assert desk.mails() == []
    desk.world.clock.at += 601
    await desk.work()
    assert len(desk.mails()) == 1


async def test_clock_that_jumps_forth_and_back_sends_nothing_twice(desk: DigestDesk) -> None:
    await desk.arrive()
    await desk.until(SIX)
    for jump in (3650 * DAY, -3650 * DAY, -30 * DAY, 30 * DAY):
        desk.world.clock.at += jump
        await desk.work()
    assert len(desk.mails()) == 1
    await desk.arrive("After all")
    assert len(await desk.until(desk.world.clock.at + 2 * DAY)) == 1


async def test_asked_for_digest_comes_at_once_with_what_is_new_or_with_all(desk: DigestDesk) -> None:
    desk.on("off")
    await desk.arrive()
    await desk.world.store.transact(lambda tx: tx.digests.ask(JOE.key, "new", NOW))
    await desk.work()
    await desk.world.store.transact(lambda tx: tx.digests.ask(JOE.key, "new", NOW))
    await desk.work()
    assert len(desk.mails()) == 1
    await desk.world.store.transact(lambda tx: tx.digests.ask(JOE.key, "all", NOW))
    await desk.work()
    assert len(desk.mails()) == 2


async def test_digest_of_ours_that_is_held_is_never_in_a_digest(desk: DigestDesk) -> None:
    await desk.arrive()
    await desk.until(SIX)
    again = desk.world.hop.taken[0][1].replace(b"X-Gateway-Release", b"X-Lost")
    await desk.world.arrive(again, sender=Address.of(""))
    assert await desk.world.by_subject() == {"Hi": "pending", "1 message is waiting for you": "pending"}
    assert await desk.until(SIX + 2 * DAY) == []


async def test_digest_that_comes_by_us_again_passes(desk: DigestDesk) -> None:
    await desk.arrive()
    await desk.until(SIX)
    await desk.world.arrive(desk.world.hop.taken[0][1], sender=Address.of(""), client="198.51.100.25")
    assert await desk.world.by_subject() == {"Hi": "pending"}


async def test_two_thousand_mails_make_a_hundred_lines_and_all_are_told_of_in_time(desk: DigestDesk) -> None:
    for number in range(130):
        await desk.arrive(f"Number {number}.", sender=f"a{number}@oak.example")
    (mail,) = await desk.until(SIX)
    assert len(secrets_in(mail)) == 100
    assert "and 30 more\r\n  https://gw.example.org/console/pending\r\n" in text_of(mail)
    assert "All on one page:       https://gw.example.org/console/pending?q=digest:1\r\n" in text_of(mail)
    describer, queue = Describer(desk.world.store), Queue(desk.world.store, now=desk.world.clock.now)
    while await describer.run_once():
        pass
    root = Viewer(1, "root", Role.SITE_ADMIN, Reach(site=True))
    assert (await queue.page(root, Ask(box="digest:1"))).total == 100
    assert mail["Subject"] == "130 messages are waiting for you"
    (rest,) = await desk.until(SIX + DAY)
    assert len(secrets_in(rest)) == 30


async def test_without_the_right_to_read_no_subject_is_told(desk: DigestDesk) -> None:
    desk.policies.taken = frozenset({Right.READ_CONTENT})
    await desk.arrive("Secret plans")
    (mail,) = await desk.until(SIX)
    assert "Secret plans" not in mail.as_string()
    assert "(no subject)" not in text_of(mail)


# --- what goes, and when ---
