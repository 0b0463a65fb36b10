"""Mail to the outside: passed on, learned from, and never lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.envelope import Recipient
from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.lists import UNPROVEN, Entry, Verdict
from gateway.domain.policy import Policy, Scope
from gateway.domain.reply import Reply
from gateway.flow.list_ports import WRITTEN_TO, Cut, EntryView, Part
from gateway.flow.outgoing import Outgoing, OutgoingRules
from gateway.flow.ports import StoreDown
from gateway.store.tables import departure, sent_mail
from tests.unit.flow.world import ANNA, DAY, DEFERRED, JOE, KIM, NOW, REFUSED, World, letter, transaction

RULES = OutgoingRules("gw.example.org", frozenset({"example.org"}), Policy(), days=100, reply_days=10)
BOB = Address.of("bob@elm.example")
LETTER = letter("To you", to=ANNA.text, sender=JOE.text)


class Way:
    """The way out, beside a world in which mail comes in."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.rules = replace(world.rules, reply_days=RULES.reply_days)

    def door(self, rules: OutgoingRules = RULES) -> Outgoing:
        world = self.world
        return Outgoing(
            rules, world.store, world.hop, now=world.clock.now, wake_deliveries=lambda: world.woken.append("deliveries")
        )

    async def send(
        self,
        content: bytes = LETTER,
        *recipients: Address,
        sender: Address = JOE,
        rules: OutgoingRules = RULES,
    ) -> Reply:
        """A mail of ours leaves; returns what the mail server in front hears."""
        told = transaction(*(recipients or (ANNA,)), sender=sender, client="198.51.100.25")
        return await self.door(rules).message(told, content)

    async def learned(self) -> list[EntryView]:
        """Entries that nobody made, the oldest first."""
        found = await self.world.store.look(lambda tx: tx.entries.page(Part(), Cut(origin=WRITTEN_TO)))
        return found[::-1]

    async def taught(self) -> list[str]:
        """What history says each mail taught."""
        query = departure.select().order_by(departure.c.id)
        rows = await self.world.store.look(lambda tx: tx.connection.execute(query).mappings().all())
        return [row["taught"] for row in rows]

    async def ids(self) -> int:
        """How many mails are known by their replies."""
        return len(await self.world.store.look(lambda tx: tx.connection.execute(sent_mail.select()).all()))


@pytest.fixture
def way(world: World) -> Way:
    return Way(world)


async def test_outgoing_mail_is_passed_on_with_one_field_on_top_and_nothing_else_changed(way: Way) -> None:
    way.world.hop.answers[ANNA.key] = Reply(250, "2.0.0", "Ok: queued as 4ABC")
    assert str(await way.send()) == "250 2.0.0 Ok: queued as 4ABC"
    ((envelope, content),) = way.world.hop.taken
    assert content.endswith(LETTER)
    assert content[: -len(LETTER)].startswith(b"Received: from mx.oak.example")
    assert content[: -len(LETTER)].count(b"\r\n") == content[: -len(LETTER)].count(b"\r\n\t") + 1
    assert (envelope.reverse_path, envelope.client and envelope.client.queue_id) == (JOE, "4XyZ")


async def test_outgoing_mail_lets_in_whom_it_was_written_to_and_says_why(way: Way) -> None:
    await way.send()
    (entry,) = await way.learned()
    assert (entry.verdict, entry.pattern, entry.scope, entry.proof) == ("allow", ANNA.key, JOE.key, "aligned")
    assert (entry.added_by, entry.added_at, entry.origin_mail) == (JOE.key, NOW, "3fX")
    assert entry.expires_at == NOW + 100 * DAY
    assert await way.world.arrive(letter()) == reply.OK
    assert await way.world.arrive(letter(to=KIM.text), KIM) == reply.HELD


async def test_learned_entry_asks_for_a_proof(way: Way) -> None:
    await way.send()
    way.world.checks.evidence = NO_EVIDENCE
    assert await way.world.arrive(letter()) == reply.HELD
    (row,) = await way.world.pending()
    assert row.reason == "allowlisted-but-unproven"


@pytest.mark.parametrize(("scope", "whose"), [(Scope.DOMAIN, "@example.org"), (Scope.SITE, "")])
async def test_outgoing_mail_opens_as_widely_as_the_site_says(way: Way, scope: Scope, whose: str) -> None:
    await way.send(rules=replace(RULES, scope=scope))
    assert [entry.scope for entry in await way.learned()] == [whose]
    assert await way.world.arrive(letter(to=KIM.text), KIM) == reply.OK


@pytest.mark.parametrize(
    ("content", "sender", "why"),
    [
        (LETTER, NULL_PATH, "null-reverse-path"),
        (letter("Away", "Auto-Submitted: auto-replied", to=ANNA.text, sender=JOE.text), JOE, "automatic-mail"),
        (letter("Sent on", sender="eve@spam.example"), JOE, "author-not-ours"),
    ],
)
async def test_outgoing_mail_that_no_person_of_ours_wrote_passes_and_teaches_nothing(
    way: Way, content: bytes, sender: Address, why: str
) -> None:
    assert await way.send(content, sender=sender) == reply.OK
    assert (await way.learned(), await way.ids(), await way.taught()) == ([], 0, [why])


@pytest.mark.parametrize("answer", [DEFERRED, REFUSED])
async def test_outgoing_mail_that_is_not_taken_teaches_nothing_and_its_client_hears_why(
    way: Way, answer: Reply
) -> None:
    way.world.hop.answers[ANNA.key] = answer
    assert await way.send() == answer
    assert (await way.learned(), await way.ids(), await way.taught()) == ([], 0, [""])


async def test_outgoing_mail_of_which_one_recipient_is_refused_late_is_sent_to_nobody_and_tried_again(way: Way) -> None:
    way.world.hop.answers[ANNA.key] = REFUSED
    assert await way.send(LETTER, ANNA, BOB) == reply.TRY_LATER
    assert way.world.hop.taken == []


async def test_outgoing_recipient_hears_what_the_server_behind_says(way: Way) -> None:
    way.world.hop.verdicts[ANNA.key] = REFUSED
    told = transaction(sender=JOE)
    assert await way.door().recipient(told, Recipient(ANNA)) == REFUSED
    assert await way.door().recipient(told, Recipient(BOB)) == reply.RCPT_OK
    assert way.door().features().dsn


async def test_outgoing_mail_that_loops_or_has_an_endless_header_is_refused(way: Way) -> None:
    loop = b"Received: x\r\n" * 51 + LETTER
    assert await way.send(loop) == reply.LOOP
    assert await way.send(b"X: y\r\n" * 200_000 + LETTER) == reply.HEADER_TOO_BIG
    assert way.world.hop.taken == []


async def test_outgoing_mail_passes_where_the_store_is_down(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: object) -> None:
        raise StoreDown("disk full")

    monkeypatch.setattr(way.world.store, "transact", down)
    assert await way.send() == reply.OK
    assert len(way.world.hop.taken) == 1


async def test_fault_of_ours_in_learning_never_sends_a_mail_twice(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("not as it should be")

    monkeypatch.setattr(way.world.store, "transact", broken)
    assert await way.send() == reply.OK
    assert len(way.world.hop.taken) == 1


# --- others' will ---


@pytest.mark.parametrize("scope", [JOE.key, "@example.org", ""])
async def test_outgoing_mail_never_overrules_who_denied_the_sender(way: Way, scope: str) -> None:
    await way.world.deny("@oak.example", scope)
    await way.send()
    assert await way.learned() == []
    assert await way.world.arrive(letter()) == reply.REFUSED_BY_POLICY


async def test_sender_denied_later_for_everybody_is_refused_although_somebody_wrote_to_him(way: Way) -> None:
    await way.send()
    await way.world.deny("@oak.example")
    assert await way.world.arrive(letter()) == reply.REFUSED_BY_POLICY


async def test_entry_that_a_person_made_is_left_as_it_is(way: Way) -> None:
    made = Entry(Verdict.ALLOW, ANNA.key, JOE.key, "dkim:oak.example", expires_at=NOW + DAY)
    await way.world.put(made)
    await way.send()
    assert await way.learned() == []
    (entry,) = await way.world.store.look(lambda tx: tx.lists.entries([ANNA.key]))
    assert (entry.proof, entry.expires_at) == ("dkim:oak.example", NOW + DAY)
    way.world.clock.at += 2 * DAY
    await way.send()
    assert [entry.proof for entry in await way.learned()] == ["aligned"]


async def test_wider_entry_of_a_person_counts_before_a_learned_one(way: Way) -> None:
    await way.send()
    await way.world.allow(ANNA.key, "", UNPROVEN)
    way.world.checks.evidence = NO_EVIDENCE
    assert await way.world.arrive(letter()) == reply.OK


async def test_learned_entry_that_a_person_makes_again_is_his_own_and_for_good(way: Way) -> None:
    await way.send()
    await way.world.allow(ANNA.key, JOE.key)
    assert await way.learned() == []
    (entry,) = await way.world.store.look(lambda tx: tx.lists.entries([ANNA.key]))
    assert (entry.learned, entry.expires_at) == (False, None)


@pytest.mark.parametrize("scope", ["", "@example.org", JOE.key])
async def test_policy_that_wants_none_of_it_teaches_nothing(way: Way, scope: str) -> None:
    no = Choice(scope, PolicySetting.WRITTEN_TO, "no")
    await way.world.store.transact(lambda tx: tx.policies.put(no, "root", NOW))
    await way.send()
    assert (await way.learned(), await way.ids(), await way.taught()) == ([], 0, ["learning-off"])


async def test_policy_that_wants_none_of_it_for_one_keeps_it_for_others(way: Way) -> None:
    no = Choice(JOE.key, PolicySetting.WRITTEN_TO, "no")
    await way.world.store.transact(lambda tx: tx.policies.put(no, "joe", NOW))
    await way.send(letter(to=ANNA.text, sender=KIM.text), sender=KIM)
    assert [entry.scope for entry in await way.learned()] == [KIM.key]


# --- time ---


async def test_learned_entry_lives_as_long_as_mail_goes_or_comes(way: Way) -> None:
    await way.send()
    (first,) = await way.learned()
    way.world.clock.at += 5 * DAY
    await way.send()
    assert [entry.expires_at for entry in await way.learned()] == [first.expires_at]  # Too little to tell everybody.
    way.world.clock.at += 45 * DAY
    await way.send()
    assert [entry.expires_at for entry in await way.learned()] == [way.world.clock.at + 100 * DAY]
    used_at = way.world.clock.at + 60 * DAY
    before = await way.world.store.look(lambda tx: tx.lists.changes())
    await way.world.store.transact(lambda tx: tx.entries.used([(first.id, used_at)]))
    (entry,) = await way.learned()
    assert (entry.last_used_at, entry.expires_at) == (used_at, used_at + 100 * DAY)
    assert await way.world.store.look(lambda tx: tx.lists.changes()) == before + 1


async def test_learned_entry_that_was_not_used_ends_and_is_forgotten(way: Way) -> None:
    await way.send()
    way.world.clock.at += 101 * DAY
    assert await way.world.arrive(letter()) == reply.HELD
    assert await way.world.store.transact(lambda tx: tx.sent.forget_entries(way.world.clock.at)) == 1
    assert await way.learned() == []


async def test_entry_of_a_person_never_gets_another_end_by_its_use(way: Way) -> None:
    await way.world.put(Entry(Verdict.ALLOW, ANNA.key, JOE.key, expires_at=NOW + DAY))
    (entry,) = await way.world.store.look(lambda tx: tx.lists.entries([ANNA.key]))
    await way.world.store.transact(lambda tx: tx.entries.used([(entry.id, NOW + 1)]))
    assert (await way.world.store.look(lambda tx: tx.lists.entries([ANNA.key])))[0].expires_at == NOW + DAY


# --- what waits already ---


async def test_mail_that_waits_from_whom_he_writes_to_is_let_go_where_it_is_proven(way: Way) -> None:
    world = way.world
    await world.arrive(letter("genuine"))
    await world.arrive(letter("to another", to=KIM.text), KIM)
    world.checks.evidence = NO_EVIDENCE
    await world.arrive(letter("forged"))
    world.woken.clear()
    await way.send()
    assert await world.by_subject() == {"genuine": "released", "to another": "pending", "forged": "pending"}
    assert world.woken == ["deliveries"]


async def test_mail_that_waits_stays_where_he_wants_none_of_it(way: Way) -> None:
    no = Choice(JOE.key, PolicySetting.WRITTEN_TO, "no")
    await way.world.store.transact(lambda tx: tx.policies.put(no, "joe", NOW))
    await way.world.arrive(letter("genuine"))
    await way.send()
    assert await way.world.by_subject() == {"genuine": "pending"}
