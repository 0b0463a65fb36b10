"""The mail that waits when the demo begins."""

from __future__ import annotations

import socket
import time
from collections import Counter
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from challenge_web.demo.accounts import ACCOUNTS
from gateway.cli.demo import start_gateway
from gateway.cli.demo_accounts import DemoAccounts
from gateway.cli.demo_samples import put_samples
from gateway.demo.sample_entries import ENTRIES
from gateway.demo.samples import FORGED, SCORE_FIELD, Sample, all_samples, client_of
from gateway.demo.world import Places, World
from gateway.domain import header
from gateway.domain.address import Address
from gateway.domain.lists import Verdict, sender_keys
from gateway.domain.message import read_message
from gateway.domain.roles import Reach, Role
from gateway.domain.score import read_score
from gateway.flow.queue_ports import Place, Selection
from gateway.settings import Endpoint
from gateway.store import views
from gateway.store.transaction import Transaction
from tests.store.audited import audited

NOW = 1_795_183_500.0
SAMPLES = all_samples()
KEYS = [key for key, _, _ in ACCOUNTS]


def test_samples_are_enough_to_look_real_and_within_the_days_mail_waits() -> None:
    assert len(SAMPLES) >= 40
    rows = Counter(recipient for sample in SAMPLES for recipient in sample.to)
    assert rows["joe@example.org"] > rows["mia@example.org"] > 10
    assert all(0 < sample.hours < 13.5 * 24 for sample in SAMPLES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.subject[:20])
def test_sample_is_a_sound_mail_that_names_nobody(sample: Sample) -> None:
    content = sample.content(7, NOW)
    assert b"\n" not in content.replace(b"\r\n", b"")
    facts = read_message(header.split(content))
    assert facts.subject == sample.subject
    assert facts.author is not None
    assert facts.author.key == sample.address
    assert facts.author_name == sample.name
    assert sample.address.endswith(".example")
    assert sample.reverse_path.endswith(".example")
    message = message_from_bytes(content, policy=default)
    assert not message.defects
    assert [part.get_filename() for part in message.iter_attachments()] == [file.name for file in sample.files]


def test_samples_show_what_mail_brings() -> None:
    facts = [read_message(header.split(sample.content(number, NOW))) for number, sample in enumerate(SAMPLES)]
    assert len({fact.list_id for fact in facts}) == 3
    assert sum(bool(fact.automatic) for fact in facts) > 10
    assert any(len(fact.subject) > 200 for fact in facts)
    assert any(not fact.subject for fact in facts)
    assert any("xn--" in sample.domain for sample in SAMPLES)
    assert any(sample.proof == FORGED for sample in SAMPLES)
    assert sum(bool(sample.html) for sample in SAMPLES) > 3
    assert sum(not sample.subject.isascii() for sample in SAMPLES) > 5


def test_no_entry_of_the_lists_is_about_a_sender_whose_mail_waits() -> None:
    about = {one.entry().pattern for one in ENTRIES}
    for sample in SAMPLES:
        senders = Address.of(sample.reverse_path), Address.of(sample.address)
        assert about.isdisjoint(key for sender in senders for key in sender_keys(sender))
    lists = {value for sample in SAMPLES for name, value in sample.more if name == "List-Id"}
    assert not any(pattern.partition(":")[2] in value for pattern in about if ":" in pattern for value in lists)


def test_sample_of_a_forger_is_vouched_for_by_nobody() -> None:
    forged = next(sample for sample in SAMPLES if sample.proof == FORGED)
    assert forged.evidence().proofs == ()
    assert not forged.evidence().reverse_path_proven


def test_samples_bear_scores_high_where_they_pretend_and_some_none() -> None:
    scores = {sample.subject: read_score(header.split(sample.content(1, NOW)), SCORE_FIELD) for sample in SAMPLES}
    assert {sample.score for sample in SAMPLES} == set(scores.values())
    assert all(sample.score is not None and sample.score > 9 for sample in SAMPLES if sample.proof == FORGED)
    known = [score for score in scores.values() if score is not None]
    assert 0 < len(SAMPLES) - len(known) < 5
    assert sum(score < 0 for score in known) > 10
    assert sum(score > 5 for score in known) >= 4


def test_clients_of_samples_are_addresses_for_documentation() -> None:
    addresses = [client_of(number) for number in range(1, len(SAMPLES) + 1)]
    assert len(set(addresses)) == len(addresses)
    assert all(address.startswith(("192.0.2.", "198.51.100.", "203.0.113.")) for address in addresses)


async def test_each_account_of_the_demo_reaches_what_is_its_own() -> None:
    async with World() as world:
        service, _ = await start_gateway(world)
        try:
            accounts = DemoAccounts(service)
            sessions = service.entrance.sessions
            secret_of = {who: await accounts.enter(who, "127.0.0.1", "") for who in KEYS}
            again = await accounts.enter("admin", "127.0.0.1", "")
            found = [await sessions.viewer(secret_of[who], "127.0.0.1") for who in KEYS]
            joe, domain, auditor, admin = (viewer for viewer in found if viewer is not None)
            twice = await sessions.viewer(again, "127.0.0.1")
        finally:
            await service.stop(0.1)
    assert (joe.role, joe.reach.addresses, joe.reach.site) == (Role.USER, frozenset({"joe@example.org"}), False)
    one_domain = Reach(domains=frozenset({"example.org"}), addresses=frozenset({"postmaster@example.org"}))
    assert (domain.role, domain.reach) == (Role.DOMAIN_ADMIN, one_domain)
    assert (auditor.role, auditor.reach.site) == (Role.AUDITOR, True)
    assert (admin.role, admin.reach.site) == (Role.SITE_ADMIN, True)
    assert twice is not None
    assert twice.account == admin.account


async def test_demo_begins_with_mail_that_waits_and_sends_nobody_a_challenge_for_it() -> None:
    def rows(tx: Transaction) -> list[views.PendingView]:
        return list(views.list_pending(tx.connection, views.Filter(most=500)))

    # The service has a clock of its own, by which the oldest of them would have expired.
    now = float(int(time.time()))
    async with World() as world:
        service, _ = await start_gateway(world)
        try:
            put = await put_samples(service, lambda: now)
            again = await put_samples(service, lambda: now)
            waiting = await service.store.look(rows)
            scores = await service.store.look(_scores)
            report = await audited(service.store)
            listed = await service.store.look(lambda tx: tx.queue.count(Selection(Place(site=True)), 500))
            entries = await service.store.entries(sender_keys(Address.of("win@golden-wheel.example")))
        finally:
            await service.stop(0.1)
        assert (put, again) == (len(SAMPLES), 0)
        assert report.faults == []
        assert [(one.verdict, one.scope) for one in entries] == [(Verdict.DENY, "joe@example.org")]
        assert len(waiting) == listed == sum(len(sample.to) for sample in SAMPLES)
        assert set(scores) == {sample.score for sample in SAMPLES}
        assert {row.challenge for row in waiting} == {"", "sent"}
        assert {now - sample.hours * 3600 for sample in SAMPLES} == {row.received_at for row in waiting}
        assert world.outside.mailboxes() == []


async def test_demo_whose_place_another_takes_before_it_is_there_starts_at_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Endpoint("127.0.0.1", other.getsockname()[1])
        looks = [replace(Places.choose(), smtp=taken), replace(Places.choose(), web=taken)]
        async with World() as world:
            service, places = await start_gateway(world, choose=lambda: looks.pop() if looks else Places.choose())
            addresses = service.addresses
            await service.stop(0.1)
    assert looks == []
    assert taken not in (places.smtp, places.web)
    assert addresses == [(places.smtp.host, places.smtp.port)]


def _scores(tx: Transaction) -> list[float | None]:
    return list(tx.connection.exec_driver_sql("SELECT score FROM message").scalars())
