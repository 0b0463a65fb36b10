from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from challenge_web.console.gate import CSRF_FIELD, csrf_token
from challenge_web.console.routes import Names, Proof
from gateway.domain.roles import RIGHTS, Role
from gateway.domain.sign_in import safe_path
from gateway.store.transaction import Transaction as Tx
from tests.unit.web.console.house import JOE, NOW, House
from tests.unit.web.console.markup import faults

PROOF = "/console/account/proof"


async def set_up_app(house: House) -> pyotp.TOTP:
    """Give Joe an app, and let an hour pass."""
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # One drawn anew would now and then give a code that is wrong below.
    joe = int(house.own[Names.ACCOUNT])
    await house.store.transact(lambda tx: tx.accounts.set_totp(joe, secret, 0))
    await house.forget_proofs()
    return pyotp.TOTP(secret)


async def ask(house: House, method: str, path: str, **fields: str) -> tuple[int, str, str, str]:
    """Return status, where it leads to, the page, and the session's new secret."""
    secret = house.secrets[Role.USER]
    answer = await house.client.request(
        method,
        path,
        data={CSRF_FIELD: csrf_token(secret), **fields} if method == "POST" else None,
        headers={"Cookie": f"session={secret}", "Referer": "http://evil.example/console/"},
        allow_redirects=False,
    )
    text = await answer.text()
    if answer.content_type == "text/html":
        assert faults(text) == [], path
    house.client.session.cookie_jar.clear()
    cookie = answer.cookies.get("session")
    return answer.status, answer.headers.get("Location", ""), text, cookie.value if cookie is not None else ""


async def test_page_with_a_secret_asks_for_a_proof_and_leads_back(house: House) -> None:
    app = await set_up_app(house)
    status, there, _, _ = await ask(house, "GET", "/console/account/app")
    assert (status, there) == (303, "../../console/account/proof?next=/console/account/app")
    _, _, page, _ = await ask(house, "GET", f"{PROOF}?next=/console/account/app")
    assert 'value="/console/account/app"' in page
    assert "With your password" not in page
    status, _, page, cookie = await ask(house, "POST", PROOF, code="000000", next="/console/account/app")
    assert (status, cookie) == (403, "")
    assert "not right" in page
    assert 'value="/console/account/app"' in page
    status, there, _, cookie = await ask(house, "POST", PROOF, code=app.at(int(NOW)), next="/console/account/app")
    assert (status, there) == (303, "../../console/account/app?said=proven")
    assert cookie
    assert (await ask(house, "GET", "/console/account"))[0] == 303  # The secret of before is nobody's any more.
    house.secrets[Role.USER] = cookie
    status, _, page, _ = await ask(house, "GET", "/console/account/app?said=proven")
    assert status == 200
    assert "it is you" in page


async def test_button_asks_for_a_proof_and_does_nothing_before(house: House) -> None:
    app = await set_up_app(house)
    button = "/console/account/app/remove"
    # Back to the page with the button: known of the route, for our pages send no Referer.
    assert (await ask(house, "POST", button, next="//evil.example"))[1] == f"../../..{PROOF}?next=/console/account"
    joe = await house.store.look(lambda tx: tx.accounts.get(int(house.own[Names.ACCOUNT])))
    assert joe is not None
    assert joe.totp_secret
    _, there, _, cookie = await ask(house, "POST", PROOF, code=app.at(int(NOW)))
    assert there == "../../console/account?said=proven"
    house.secrets[Role.USER] = cookie
    assert (await ask(house, "POST", button))[1].endswith("console/account?said=app-removed")


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example/console/", "/console/..//evil", "/x", "\r\nx: y"]
)
async def test_proof_leads_nowhere_but_to_the_console(house: House, where: str) -> None:
    app = await set_up_app(house)
    assert (await ask(house, "POST", PROOF, code=app.at(int(NOW)), next=where))[
        1
    ] == "../../console/account?said=proven"


@pytest.mark.parametrize("role", [Role.USER, Role.SITE_ADMIN])
async def test_every_button_leads_back_to_a_page_that_is_there(house: House, role: Role) -> None:
    await house.forget_proofs()
    for route in house.routes:
        if route.proof is Proof.SESSION or route.act is None:
            continue
        assert (route.show is None) == (route.button_on != ""), route.name
        if route.right_to_act not in RIGHTS[role]:
            continue
        answer = await house.answer("POST", route, role, house.named(route, role, own=True))
        back = parse_qs(urlsplit(answer.headers["Location"]).query)["next"][0]
        assert safe_path(back) == back, route.name
        page = await house.client.get(back, headers={"Cookie": f"session={house.secrets[role]}"}, allow_redirects=False)
        # The page itself may ask for the proof; it is there all the same.
        assert page.status == (303 if route.proof is Proof.TO_SEE else 200), route.name


async def test_many_wrong_codes_have_to_wait(house: House) -> None:
    await set_up_app(house)
    statuses = [(await ask(house, "POST", PROOF, code="123456"))[0] for _ in range(6)]
    assert statuses == [403] * 5 + [429]


async def test_user_without_a_second_factor_is_sent_a_link_to_his_mailbox(house: House) -> None:
    await house.forget_proofs()
    _, _, page, _ = await ask(house, "GET", PROOF)
    assert f"goes to {JOE}" in page
    status, there, _, _ = await ask(house, "POST", PROOF, link="1", next="/console/account/app")
    assert (status, there) == (303, "../../sign-in/sent")

    def asked_for(tx: Tx) -> list[tuple[str, str]]:
        return [(one.address, one.wanted) for one in tx.sessions.link_requests(NOW, 9)]

    assert await house.store.look(asked_for) == [(JOE, "/console/account/app")]
    status, _, page, _ = await ask(house, "POST", PROOF, link="1")
    assert status == 429
    assert "short while ago" in page
    # A password that he has not is wrong, and so is no word at all.
    assert (await ask(house, "POST", PROOF, password="x"))[0] == 403
    assert (await ask(house, "POST", PROOF))[0] == 403


async def test_admin_with_nothing_to_show_is_told_to_sign_in_anew(house: House) -> None:
    await house.forget_proofs()
    house.secrets[Role.USER] = house.secrets[Role.SITE_ADMIN]
    _, _, page, _ = await ask(house, "GET", PROOF)
    assert "challenge-gateway account link a-site-admin" in page
    assert (await ask(house, "POST", PROOF, link="1"))[0] == 404


async def test_sessions_of_others_are_ended_by_number_and_by_nothing_else(house: House) -> None:
    house.secrets[Role.USER] = house.secrets[Role.SITE_ADMIN]
    path, session = f"/console/accounts/{house.own[Names.ACCOUNT]}", int(house.own[Names.SESSION])
    for number in ("9" * 40, "-1", "x", "²", "999999"):
        assert (await ask(house, "POST", path, do="sign-out", session=number))[0] == 422, number
    assert (await ask(house, "POST", path, do="sign-out", session=str(session)))[0] == 303
