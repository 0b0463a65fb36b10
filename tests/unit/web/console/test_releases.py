"""Requests of release in the console: who asks sees what came of it, who decides sees who asks."""

from __future__ import annotations

from challenge_web.console.gate import CSRF_FIELD, csrf_token
from challenge_web.console.routes import Names
from gateway.domain.address import Address
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.roles import Role
from tests.store.letters import keep, message, row
from tests.unit.web.console.house import JOE, NOW, House
from tests.unit.web.console.markup import faults

HOSTILE = "\"'<script>alert(1)</script>{{7*7}}"


async def get(house: House, role: Role, path: str, status: int = 200) -> str:
    answer = await house.client.get(path, headers={"Cookie": f"session={house.secrets[role]}"})
    text = await answer.text()
    assert answer.status == status, text
    assert faults(text) == [], path
    return text


async def post(house: House, role: Role, path: str, status: int = 303, **fields: str) -> str:
    secret = house.secrets[role]
    answer = await house.client.post(
        path,
        data={CSRF_FIELD: csrf_token(secret), **fields},
        headers={"Cookie": f"session={secret}"},
        allow_redirects=False,
    )
    assert answer.status == status, await answer.text()
    return answer.headers.get("Location", "")


async def forbid(house: House) -> None:
    """Take from the users of example.org that they deliver."""
    choice = Choice("@example.org", PolicySetting.USERS_MODERATE, "no")
    await house.store.transact(lambda tx: tx.policies.put(choice, "tests", NOW))


async def test_who_may_not_deliver_asks_and_reads_the_answer_on_the_page_of_the_mail(house: House) -> None:
    kept = await keep(house.store, message("Offer"), row(Address.of(JOE)))
    path = f"/console/message/{kept.rows[0]}"
    assert "ask-release" not in await get(house, Role.USER, path)
    assert "said=release-not-asked" in await post(house, Role.USER, f"{path}/ask-release")
    await forbid(house)
    page = await get(house, Role.USER, path)
    assert "Ask an admin to release" in page
    assert 'value="deliver"' not in page
    assert "said=release-asked" in await post(house, Role.USER, f"{path}/ask-release", words=HOSTILE)
    page = await get(house, Role.USER, path)
    assert "Nobody has decided yet." in page
    assert "ask-release" not in page
    listed = await get(house, Role.SITE_ADMIN, "/console/requests")
    assert listed.count("nobody was told by mail") == 3
    here = f"/console/requests/{max(int(one) for one in numbers(listed))}"
    page = await get(house, Role.SITE_ADMIN, here)
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "said=request-refused" in await post(house, Role.SITE_ADMIN, f"{here}/refuse", why="It bears a virus.")
    page = await get(house, Role.USER, path)
    assert "not to let it go" in page
    assert "It bears a virus." in page
    assert "said=request-settled" in await post(house, Role.SITE_ADMIN, f"{here}/release")


async def test_banner_counts_open_requests_within_reach(house: House) -> None:
    overview = await get(house, Role.SITE_ADMIN, "/console/overview")
    assert 'console/requests">2</a>' in overview
    assert 'console/requests">1</a>' in await get(house, Role.DOMAIN_ADMIN, "/console/overview")


async def test_auditor_sees_requests_without_content_and_decides_nothing(house: House) -> None:
    page = await get(house, Role.AUDITOR, f"/console/requests/{number_of(house)}")
    assert "Asked for by joe" not in page
    assert "/refuse" not in page


def numbers(page: str) -> list[str]:
    return [piece.partition('"')[0] for piece in page.split("console/requests/")[1:]]


def number_of(house: House) -> str:
    return house.own[Names.REQUEST]
