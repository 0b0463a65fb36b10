"""The page of digests, with the real service and a real store behind it."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest

from challenge_web.console.digests import DigestPages
from gateway.domain.roles import Role
from gateway.flow.account_ports import Kind, NewAccount
from gateway.flow.digest_choices import DigestChoices
from gateway.flow.digest_ports import DigestRules, Wanted
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.store.letters import keep
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.desk import NOW, Desk, open_desk

JOE = "/console/digests/joe%40example.org"
HOSTILE = "\"'<script>{{7*7}}\u202e"
RULES = DigestRules(
    Wanted(schedule="daily@18", kinds="people,newsletters,spam", time_zone="Europe/Prague"),
    frozenset({"example.org", "other.example"}),
    "https://gw.example.org",
)


@pytest.fixture
async def desk(make_client: MakeClient, store: Store) -> Desk:
    # The desk's Joe has account 1.
    new = NewAccount("joe@example.org", Role.USER, "tests", NOW, addresses=(("joe@example.org", Kind.OWN),))
    await store.transact(lambda tx: tx.accounts.add(new))
    return await open_desk(
        make_client,
        store,
        lambda pages, now: [
            DigestPages(DigestChoices(RULES, store, ("en", "de"), available_timezones, now=now), pages)
        ],
    )


async def choice(desk: Desk, scope: str = "joe@example.org") -> Wanted:
    return await desk.store.look(lambda tx: tx.digests.choice(scope))


async def save(desk: Desk, who: str = "joe", path: str = JOE, status: int = 303, /, **fields: str) -> str:
    form = {
        "rhythm": "",
        "hour": "18",
        "kinds-shown": "1",
        "time_zone": "",
        "language": "",
        "subject": "",
        "phrase": "",
    }
    return await desk.post(who, path, status, **(form | {"kind": "people"} | fields))


async def test_user_is_led_to_his_own_page_which_says_what_holds(desk: Desk) -> None:
    answer = await desk.client.get("/console/digests", cookies={"session": "joe"}, allow_redirects=False)
    assert answer.headers["Location"].endswith("console/digests/joe@example.org")
    page = await desk.get("joe", JOE)
    assert "Each day at 18:00 Europe/Prague" in page
    assert "from the configuration" in page
    assert "None yet." in page
    assert '<option value="" selected>As above: Europe/Prague</option>' in page
    assert '<option value="UTC">UTC</option>' in page


async def test_zone_of_another_name_that_was_chosen_stays_chosen(desk: Desk) -> None:
    await save(desk, time_zone="EST5EDT")
    assert '<option value="EST5EDT" selected>' in await desk.get("joe", JOE)


@pytest.mark.parametrize(
    ("fields", "schedule", "says"),
    [
        ({"rhythm": "off"}, "off", "No digests."),
        ({"rhythm": "hourly"}, "hourly", "Each hour"),
        ({"rhythm": "every-4h"}, "every-4h", "Every 4 hours"),
        ({"rhythm": "daily", "hour": "7"}, "daily@7", "Each day at 07:00"),
        ({"rhythm": "days", "hour": "7", "day": "thu"}, "thu@7", "Thursday at 07:00"),
        ({"rhythm": ""}, None, "Each day at 18:00"),
    ],
)
async def test_schedule_is_chosen_and_said(desk: Desk, fields: dict[str, str], schedule: str | None, says: str) -> None:
    assert (await save(desk, phrase="blue kettle", **fields)).endswith("said=digests-saved")
    assert (await choice(desk)).schedule == schedule
    page = await desk.get("joe", JOE)
    assert says in page
    assert "blue kettle" in page
    assert (await save(desk, phrase="blue kettle", **fields)).endswith("said=digests-same")
    assert [deed[1] for deed in desk.journal.deeds] == ["digest", "digest"]


async def test_kinds_zone_language_and_subject_are_chosen(desk: Desk) -> None:
    await save(desk, kind="people", time_zone="Asia/Tokyo", language="de", subject="{total} mails")
    assert await choice(desk) == Wanted(kinds="people", time_zone="Asia/Tokyo", language="de", subject="{total} mails")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"rhythm": "days"}, "daily@18"),
        ({"rhythm": "daily", "hour": "25"}, "daily@18"),
        ({"rhythm": HOSTILE}, "daily@18"),
        ({"time_zone": "Mars/Base"}, "time zone of the list"),
        ({"subject": "{nothing}"}, "{total}"),
        ({"phrase": "x" * 61}, "60 characters"),
        ({"language": "tlh"}, "en or de"),
        ({"kind": "friends"}, "people, newsletters, spam"),
    ],
)
async def test_wrong_choice_is_told_and_saves_nothing(desk: Desk, fields: dict[str, str], says: str) -> None:
    page = await save(desk, "joe", JOE, 400, **fields)
    assert says in page
    assert "<script>{{" not in page
    assert await choice(desk) == Wanted()


@pytest.mark.parametrize(("what", "asked"), [("new", "new"), ("all", "all")])
async def test_one_is_sent_now_by_the_user_and_by_his_admin(desk: Desk, what: str, asked: str) -> None:
    for who in ("joe", "dora", "root"):
        assert (await desk.post(who, f"{JOE}/send", what=what)).endswith("said=digests-asked")
        mailbox = await desk.store.look(lambda tx: tx.digests.mailbox("joe@example.org"))
        assert mailbox is not None
        assert mailbox.asked == asked
        await desk.store.transact(lambda tx, seen=mailbox: tx.digests.seen_to(seen, None, NOW))  # type: ignore[misc]


async def test_domain_and_site_have_pages_but_no_digest_of_their_own(desk: Desk) -> None:
    await save(desk, "dora", "/console/digests/example.org", rhythm="hourly")
    assert (await choice(desk, "@example.org")).schedule == "hourly"
    assert "chosen for example.org" in await desk.get("joe", JOE)
    assert (await desk.post("dora", "/console/digests/example.org/send")).endswith("said=digests-nobody")
    await save(desk, "root", "/console/digests/site", rhythm="off", phrase="everybody's")
    assert await choice(desk, "") == Wanted(schedule="off", kinds="people")
    assert "<h1>Digests for the whole site</h1>" in await desk.get("root", "/console/digests/site")
    await desk.get("dora", "/console/digests/site", 404)
    await desk.get("dora", "/console/digests/other.example", 404)


async def test_foreign_mailboxes_are_as_if_they_were_not_there(desk: Desk) -> None:
    for path in (
        "/console/digests/kim%40other.example",
        "/console/digests/x%40elsewhere.example",
        "/console/digests/%20",
    ):
        await desk.get("joe", path, 404)
        await desk.post("joe", path, 404)
        await desk.post("joe", f"{path}/send", 404)


async def test_alias_leads_to_the_mailbox_that_is_told(desk: Desk) -> None:
    await desk.store.transact(lambda tx: tx.accounts.give(1, "j@example.org", Kind.ALIAS, "tests", NOW))
    page = await desk.get("dora", "/console/digests/j%40example.org")
    assert "digests of another mailbox" in page
    assert 'console/digests/joe%40example.org"' in page


async def test_admin_sees_what_cannot_be_delivered_and_the_auditor_changes_nothing(desk: Desk) -> None:
    await keep(desk.store)
    for mailbox in ("joe@example.org", "kim@other.example"):

        def work(tx: Transaction, named: str = mailbox) -> None:
            tx.digests.meet([named], NOW)
            made = tx.digests.add(named, 1, [(1, 1)], NOW, NOW)
            tx.digests.finish(made, "refused", f"550 no {HOSTILE}", NOW)

        await desk.store.transact(work)
    page = await desk.get("dora", "/console/digests")
    assert "joe@example.org" in page
    assert "kim@other.example" not in page
    assert "550 no" in page
    assert "<script>{{" not in page
    assert "kim@other.example" in await desk.get("audit", "/console/digests")
    assert "could not be delivered" in await desk.get("joe", JOE)
    assert "not change it" in await desk.get("audit", JOE)
    assert await desk.post("audit", JOE, 403)


async def test_typed_place_is_opened(desk: Desk) -> None:
    answer = await desk.client.get(
        "/console/digests?scope=Joe@example.org", cookies={"session": "dora"}, allow_redirects=False
    )
    assert answer.headers["Location"].endswith("console/digests/joe@example.org")
    assert "no such domain" in await desk.get("dora", "/console/digests?scope=nobody", 400)
