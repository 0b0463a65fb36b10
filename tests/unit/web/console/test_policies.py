"""The policies' pages, with the real service and a real store behind them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from challenge_web.console.policies import PolicyPages
from challenge_web.console.policy_words import sentences
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.policy import Policy
from gateway.flow.policies import Policies
from gateway.flow.policy_effects import preview_of
from gateway.flow.redate import Redater
from gateway.store.store import Store
from tests.store.letters import described, keep, message, row
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.desk import NOW, Desk, open_desk

DAY = 86_400.0
HOSTILE = "\"'<script>{{7-7}}@example.org"


def _ignored() -> None:
    """Nobody works."""


@pytest.fixture
async def desk(make_client: MakeClient, store: Store) -> Desk:
    domains = frozenset({"example.org", "other.example"})
    return await open_desk(
        make_client,
        store,
        lambda pages, now: [PolicyPages(Policies(store, Policy(), domains, ["en"], now=now, wake=_ignored), pages)],
    )


async def choose(desk: Desk, scope: str, value: str | None, locked: bool = False, setting: str = "days") -> None:
    choice = Choice(scope, PolicySetting(setting), value, locked)
    await desk.store.transact(lambda tx: tx.policies.put(choice, "root", NOW))


async def stored(desk: Desk, *scopes: str) -> set[tuple[str, str, str | None, bool]]:
    found = await desk.store.look(lambda tx: tx.policies.choices(scopes))
    return {(choice.scope, choice.setting.value, choice.value, choice.locked) for choice in found}


async def test_index_leads_to_what_is_within_reach(desk: Desk) -> None:
    await choose(desk, "kim@example.org", "3")
    root = await desk.get("root", "/console/policies")
    for text in ("The whole site", "other.example", "kim@example.org", "Another place"):
        assert text in root
    dora = await desk.get("dora", "/console/policies")
    assert "kim@example.org" in dora
    assert "The whole site" not in dora
    assert "other.example" not in dora
    assert "Nothing to choose for" in await desk.get("none", "/console/policies")


async def test_index_of_who_has_one_address_only_leads_to_it(desk: Desk) -> None:
    answer = await desk.client.get("/console/policies", cookies={"session": "joe"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "../console/policies/joe@example.org")
    joe = await desk.get("joe", "/console/policies")
    assert "kim@example.org" not in joe
    assert "Another place" not in joe


async def test_index_goes_on_after_a_hundred(desk: Desk) -> None:
    for number in range(101):
        await choose(desk, f"u{number:03}@example.org", "3")
    first = await desk.get("root", "/console/policies")
    assert "u099@example.org" in first
    assert "u100@example.org" not in first
    second = await desk.get("root", "/console/policies?after=u099%40example.org")
    assert "u100@example.org" in second
    assert "First page" in second


async def test_index_opens_the_place_that_is_typed_and_says_where_there_is_none(desk: Desk) -> None:
    answer = await desk.client.get(
        "/console/policies?scope=Kim@Example.org", cookies={"session": "dora"}, allow_redirects=False
    )
    assert (answer.status, answer.headers["Location"]) == (303, "../console/policies/kim@example.org")
    for typed in ("other.example", "site", "nonsense", HOSTILE + "x"):
        page = await desk.get("dora", f"/console/policies?scope={quote(typed)}", 404)
        assert "There is no such domain or address here." in page


@pytest.mark.parametrize(
    ("who", "scope", "status"),
    [
        ("root", "site", 200),
        ("audit", "site", 200),
        ("dora", "site", 404),
        ("dora", "example.org", 200),
        ("dora", "other.example", 404),
        ("dora", "anybody@example.org", 200),
        ("joe", "example.org", 404),
        ("joe", "joe@example.org", 200),
        ("joe", "Joe%2Bshop@Example.org", 200),
        ("joe", "kim@example.org", 404),
        ("root", "elsewhere.example", 404),
        ("root", "a%2Fb@example.org", 200),
        ("root", quote(HOSTILE, safe=""), 200),
        ("root", "nonsense", 404),
    ],
)
async def test_page_of_a_place_is_there_within_reach_only(desk: Desk, who: str, scope: str, status: int) -> None:
    if status == 200:
        page = await desk.get(who, f"/console/policies/{scope}")
        assert "Mail from unknown senders" in page
        assert "<script>{{" not in page
        if who != "audit":
            await desk.get(who, f"/console/policies/{scope}/preview?days=9")
        return
    for path in (f"/console/policies/{scope}", f"/console/policies/{scope}/preview"):
        assert (await desk.client.get(path, cookies={"session": who})).status == 404
    await desk.post(who, f"/console/policies/{scope}", 404, days="9")
    assert await desk.store.look(lambda tx: tx.policies.scopes(None, "", 10)) == []


async def test_auditor_sees_values_and_no_button(desk: Desk) -> None:
    page = await desk.get("audit", "/console/policies/example.org")
    assert "but not change it" in page
    assert "See what it would do" not in page
    # Neither a form without a button nor a field that is no use.
    assert "/preview" not in page
    assert "disabled" not in page
    await desk.post("audit", "/console/policies/example.org", 403, days="9")


async def test_locked_field_is_disabled_and_names_who_locked_it(desk: Desk) -> None:
    await choose(desk, "@example.org", "30", locked=True)
    page = await desk.get("joe", "/console/policies/joe@example.org")
    assert '<select id="f-days" disabled><option>30 days</option></select>' in page
    assert "locked by example.org" in page
    assert 'name="days"' not in page
    # Who sends the field all the same is told, and nothing is changed.
    refused = await desk.post("joe", "/console/policies/joe@example.org", 400, days="9", mode="off")
    assert "Days is locked by the domain." in refused or "locked by example.org" in refused
    assert await stored(desk, "joe@example.org") == set()
    assert "lock-days" in await desk.get("dora", "/console/policies/example.org")
    assert "lock-" not in await desk.get("dora", "/console/policies/kim@example.org")


async def test_preview_tells_what_a_change_would_do_and_changes_nothing(desk: Desk) -> None:
    await keep(desk.store, message("one"), row())
    await keep(desk.store, message("two"), row())
    await described(desk.store)
    await choose(desk, "kim@example.org", "5")
    page = await desk.get("dora", "/console/policies/example.org/preview?days=3&mode=&lock-mode=1")
    for words in (
        "14 days becomes: 3 days",
        "1 place below keeps its own choice",
        "2 mails",
        "would go sooner",
        "1 recipient",
    ):
        assert words in page, words
    assert '<input type="hidden" name="days" value="3">' in page
    assert '<input type="hidden" name="lock-mode" value="1">' in page
    assert 'name="apply"' in page
    assert await stored(desk, "@example.org") == set()
    assert "Nothing would change" in await desk.get("dora", "/console/policies/example.org/preview?days=")
    assert 'name="apply"' not in await desk.get("dora", "/console/policies/example.org/preview?mode=off")


def test_preview_of_very_many_mails_says_that_more_wait_than_are_counted() -> None:
    wanted = (Choice("@example.org", PolicySetting.DAYS, "3", False),)
    told = dict(
        sentences(preview_of(Policy(), "@example.org", (), wanted, ["joe@example.org"] * 10_001), "@example.org")
    )
    assert told["Mail that waits here"] == "the newest 10000 mails for 1 recipient are counted here; more mail waits"
    assert "10000 mails" in told


async def test_preview_of_a_wrong_value_shows_the_form_again_with_what_is_wrong(desk: Desk) -> None:
    page = await desk.get("dora", f"/console/policies/example.org/preview?days={quote(HOSTILE)}", 400)
    assert "1 to 365" in page
    assert "<script>{{" not in page


async def test_notices_are_chosen_by_reasons_that_are_ticked(desk: Desk) -> None:
    path, ticked = "/console/policies/example.org", "notices-reason=unproven-sender&notices-reason=unknown-sender"
    page = await desk.get("dora", f"{path}/preview?notices=some&{ticked}")
    assert "None becomes: First mail from this address, Sender not proven" in page
    assert '<input type="hidden" name="notices" value="unproven-sender,unknown-sender">' in page
    await desk.post("dora", path, notices="unproven-sender,unknown-sender")
    assert await stored(desk, "@example.org") == {("@example.org", "notices", "unknown-sender,unproven-sender", False)}
    page = await desk.get("dora", path)
    assert '<option value="some" selected>' in page
    assert 'value="unknown-sender" checked>' in page
    assert 'value="automatic-mail" checked>' not in page
    assert "None" in await desk.get("dora", f"{path}/preview?notices=off&{ticked}")
    assert "Tick at least one reason." in await desk.get("dora", f"{path}/preview?notices=some", 400)


async def test_save_counts_at_once_is_told_and_written_down(desk: Desk) -> None:
    there = await desk.post("dora", "/console/policies/example.org", days="30", mode="off", **{"lock-days": "1"})
    assert there == "../../console/policies/example.org?said=policy-saved"
    assert await stored(desk, "@example.org") == {
        ("@example.org", "days", "30", True),
        ("@example.org", "mode", "off", False),
    }
    assert desk.journal.deeds == [("dora", "policy", "example.org", "mode=off, days=30, lock-days=1")]
    page = await desk.get("dora", "/console/policies/example.org?said=policy-saved")
    assert "Saved." in page
    assert "30 days" in page
    assert "chosen by dora" in page
    same = await desk.post("dora", "/console/policies/example.org", days="30", **{"lock-days": "1"})
    assert same.endswith("said=policy-same")
    await desk.post("dora", "/console/policies/example.org", days="", mode="")
    assert await stored(desk, "@example.org") == set()


async def steps(desk: Desk, most: int) -> None:
    redater = Redater(desk.store, Policy(), now=lambda: NOW)
    for _ in range(most):
        order = await desk.store.look(lambda tx: tx.redatings.of_scope(""))
        assert order is not None
        await redater.step(order.id)


async def test_save_with_the_box_ticked_moves_what_waits_by_and_by(desk: Desk) -> None:
    await keep(desk.store, message("one"), row())
    await desk.post("root", "/console/policies/site", days="30")
    assert "Nothing to tell" in await desk.get("root", "/console/policies/site/waiting")
    there = await desk.post("root", "/console/policies/site", days="20", apply="1")
    assert there == "../../console/policies/site/waiting?said=policy-applied"
    assert "the mails are being counted" in await desk.get("root", "/console/policies/site/waiting")
    await steps(desk, 1)
    page = await desk.get("root", "/console/policies/site/waiting")
    assert "0 of 1 mail looked at, 0 mails moved." in page
    assert '<progress value="0" max="1"' in page
    assert "0 of 1 mail looked at" in await desk.get("audit", "/console/policies/site")
    state = await desk.client.get("/console/policies/site/waiting/state", cookies={"session": "root"})
    assert await state.json() == {
        "text": "What waits goes after the new days: 0 of 1 mail looked at, 0 mails moved.",
        "more": "", "button": "Stop", "done": 0, "most": 1, "open": True,
    }  # fmt: skip
    await steps(desk, 1)
    page = await desk.get("root", "/console/policies/site/waiting?watch=1")
    assert "1 mail of 1 moved." in page
    assert "<progress" not in page
    assert "looked at" not in await desk.get("root", "/console/policies/site")
    stretch = await desk.store.look(lambda tx: tx.redatings.stretch("", 0, 9, 9))
    assert stretch.rows[0].expires_at == NOW + 20 * DAY


async def test_page_of_what_waits_looks_again_by_itself_only_when_it_is_asked_to(desk: Desk) -> None:
    await desk.post("root", "/console/policies/site", days="20", apply="1")
    for query, refresh in (("", None), ("?watch=1", "3")):
        answer = await desk.client.get(f"/console/policies/site/waiting{query}", cookies={"session": "root"})
        assert answer.headers.get("Refresh") == refresh
    await steps(desk, 2)
    answer = await desk.client.get("/console/policies/site/waiting?watch=1", cookies={"session": "root"})
    assert "Refresh" not in answer.headers


async def test_what_waits_is_left_alone_when_it_is_stopped(desk: Desk) -> None:
    await keep(desk.store, message("one"), row())
    await desk.post("root", "/console/policies/site", days="20", apply="1")
    await steps(desk, 1)
    await desk.post("audit", "/console/policies/site/waiting", 403)
    assert (await desk.post("root", "/console/policies/site/waiting")).endswith("said=policy-stopped")
    assert "Stopped: 0 of 1 mail looked at, 0 mails moved." in await desk.get("root", "/console/policies/site/waiting")
    assert (await desk.post("root", "/console/policies/site/waiting")).endswith("said=policy-not-stopped")


async def test_save_without_the_token_is_refused(desk: Desk) -> None:
    await desk.post("dora", "/console/policies/example.org", 403, days="3", csrf="wrong")
    assert await stored(desk, "@example.org") == set()
