from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
from sqlalchemy import update

from challenge_web.console.deed_words import DEEDS
from challenge_web.console.gate import CSRF_FIELD, csrf_token
from challenge_web.console.routes import Names
from gateway.domain.reply import NEXT_HOP_DOWN
from gateway.domain.roles import Role
from gateway.flow.journal import CSV_COLUMNS
from gateway.flow.tally import HOUR, Happening, Slot
from gateway.store.tables import message, pending
from gateway.store.tables.accounts import account
from gateway.store.transaction import Transaction as Tx
from tests.unit.web.console.house import JOE, KIM, NOW, House
from tests.unit.web.console.markup import faults


async def get(house: House, role: Role, path: str, status: int = 200) -> str:
    answer = await house.client.get(path, headers={"Cookie": f"session={house.secrets[role]}"}, allow_redirects=False)
    text = await answer.text()
    assert answer.status == status, (path, text)
    if status == 200:
        assert faults(text) == [], path
    return text


async def post(house: House, role: Role, path: str, status: int = 303, /, **fields: str) -> str:
    secret = house.secrets[role]
    answer = await house.client.post(
        path,
        data={CSRF_FIELD: csrf_token(secret), **fields},
        headers={"Cookie": f"session={secret}"},
        allow_redirects=False,
    )
    text = await answer.text()
    assert answer.status == status, (path, text)
    return answer.headers.get("Location", text)


async def test_accounts_show_each_admin_those_within_reach(house: House) -> None:
    everybody = await get(house, Role.SITE_ADMIN, "/console/accounts")
    assert JOE in everybody
    assert KIM in everybody
    ours = await get(house, Role.DOMAIN_ADMIN, "/console/accounts")
    assert JOE in ours
    assert KIM not in ours
    assert "Add an account" in ours
    assert "Add an account" not in await get(house, Role.AUDITOR, "/console/accounts")
    assert KIM not in await get(house, Role.SITE_ADMIN, "/console/accounts?words=joe")
    assert "No accounts" in await get(house, Role.SITE_ADMIN, "/console/accounts?words=nobody")


async def test_account_is_made_changed_and_removed(house: House) -> None:
    there = await post(
        house, Role.SITE_ADMIN, "/console/accounts", name="eve", role="domain-admin", domains="example.org"
    )
    number = re.search(r"accounts/(\d+)", there)
    assert number is not None
    path = f"/console/accounts/{number[1]}"
    assert "domain admin of example.org" in await get(house, Role.SITE_ADMIN, path)
    await post(house, Role.SITE_ADMIN, path, do="give", address="mia@example.org", kind="own")
    await post(house, Role.SITE_ADMIN, path, do="role", role="user")
    await post(house, Role.SITE_ADMIN, path, do="disable")
    page = await get(house, Role.SITE_ADMIN, path)
    assert "mia@example.org" in page
    assert "shut out" in page
    await post(house, Role.SITE_ADMIN, path, do="enable")
    await post(house, Role.SITE_ADMIN, path, do="take", address="mia@example.org")
    assert "mia@example.org" not in await get(house, Role.SITE_ADMIN, path)
    assert "Remove eve?" in await get(house, Role.SITE_ADMIN, f"{path}/remove")
    await post(house, Role.SITE_ADMIN, f"{path}/remove")
    await get(house, Role.SITE_ADMIN, path, 404)


async def test_account_that_cannot_be_made_says_why_and_keeps_what_was_typed(house: House) -> None:
    page = await post(house, Role.SITE_ADMIN, "/console/accounts", 422, name="a b", role="user")
    assert "no blanks" in page
    assert 'value="a b"' in page
    assert "role" in await post(house, Role.SITE_ADMIN, "/console/accounts", 422, name="x", role="king")


async def test_domain_admin_makes_users_of_his_domain_and_nobody_else(house: House) -> None:
    await post(house, Role.DOMAIN_ADMIN, "/console/accounts", name="mia@example.org", role="user")
    await post(house, Role.DOMAIN_ADMIN, "/console/accounts", 422, name="mia@other.example", role="user")
    await post(house, Role.DOMAIN_ADMIN, "/console/accounts", 422, name="boss", role="site-admin")
    await post(house, Role.DOMAIN_ADMIN, "/console/accounts", 422, name="b@example.org", role="domain-admin",
               domains="example.org")  # fmt: skip


async def test_site_admin_does_not_lock_himself_out(house: House) -> None:
    page = await get(house, Role.SITE_ADMIN, "/console/accounts?words=a-site-admin")
    number = re.search(r"console/accounts/(\d+)", page)
    assert number is not None
    assert "your own account" in await post(house, Role.SITE_ADMIN, f"/console/accounts/{number[1]}/remove", 422)
    assert "your own account" in await post(house, Role.SITE_ADMIN, f"/console/accounts/{number[1]}", 422, do="disable")
    role = {"do": "role", "role": "user"}
    assert "last site admin" in await post(house, Role.SITE_ADMIN, f"/console/accounts/{number[1]}", 422, **role)


async def test_link_to_hand_over_is_shown_once_and_is_not_in_the_log(house: House) -> None:
    path = f"/console/accounts/{house.own[Names.ACCOUNT]}"
    page = await post(house, Role.DOMAIN_ADMIN, f"{path}/link", 200)
    link = re.search(r"/sign-in/link/(\w+)", page)
    assert link is not None
    assert link[1] not in await get(house, Role.DOMAIN_ADMIN, path)
    assert link[1] not in await get(house, Role.SITE_ADMIN, "/console/log")


async def test_admin_who_looks_as_a_user_sees_his_rows_and_changes_nothing(house: House) -> None:
    path = f"/console/accounts/{house.own[Names.ACCOUNT]}"
    await post(house, Role.DOMAIN_ADMIN, f"{path}/look", address=JOE)
    page = await get(house, Role.DOMAIN_ADMIN, "/console/pending")
    assert f"You see the pages of {JOE}" in page
    await post(house, Role.DOMAIN_ADMIN, "/console/pending", 403, do="deliver", id=house.own[Names.ROW])
    await get(house, Role.DOMAIN_ADMIN, f"/console/message/{house.own[Names.ROW]}/source", 403)
    await get(house, Role.DOMAIN_ADMIN, "/console/accounts", 403)
    await post(house, Role.DOMAIN_ADMIN, "/console/accounts/leave")
    assert "You see the pages of" not in await get(house, Role.DOMAIN_ADMIN, "/console/accounts")
    log = await get(house, Role.SITE_ADMIN, "/console/log")
    assert "account-look" in log
    assert JOE in log


async def test_nobody_looks_as_a_user_beyond_his_reach(house: House) -> None:
    path = f"/console/accounts/{house.own[Names.ACCOUNT]}"
    await post(house, Role.DOMAIN_ADMIN, f"{path}/look", 404, address=KIM)
    await post(house, Role.DOMAIN_ADMIN, f"/console/accounts/{house.foreign[Names.ACCOUNT]}/look", 404, address=KIM)
    await post(house, Role.AUDITOR, f"{path}/look", 403, address=JOE)


async def test_leaving_without_a_session_is_no_fault(house: House) -> None:
    answer = await house.client.post(
        "/console/accounts/leave", headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False
    )
    assert answer.status == 303


async def test_overview_outgoing_and_log_are_sound_pages_for_who_may_see_them(house: House) -> None:
    for role in (Role.SITE_ADMIN, Role.DOMAIN_ADMIN, Role.AUDITOR):
        assert "example.org" in await get(house, role, "/console/domains")
        for path in ("/console/overview", "/console/overview?span=7d", "/console/overview?span=nonsense"):
            assert "<svg" in await get(house, role, path) or "No mail in this time" in await get(house, role, path)
        assert "550 5.1.1 no" in await get(house, role, "/console/outgoing")
        await get(house, role, "/console/log?words=x&actor=y&before=99999999999999999999")
    mail = await get(house, Role.DOMAIN_ADMIN, "/console/outgoing")
    assert f"For {JOE}" in mail
    assert f"For {KIM}" not in mail


@pytest.mark.parametrize("path", ["accounts?after=~", "domains?after=~", "log?before=1", "templates?after=~"])
async def test_page_behind_the_last_one_says_so_and_leads_to_the_first(house: House, path: str) -> None:
    page = await get(house, Role.SITE_ADMIN, f"/console/{path}")
    assert "The page before this one was the last." in page
    first = re.search(r'href="[./]*(console/[^"]+)">First page<', page)
    assert first is not None
    assert "The page before this one" not in await get(house, Role.SITE_ADMIN, "/" + unescape(first[1]))


async def test_overview_of_one_domain_draws_hours_steps_scores_and_the_gauge(house: House) -> None:
    path = "/console/overview?span=7d"
    empty = await get(house, Role.SITE_ADMIN, path)
    for text in ("No mail in this time", "Nothing was held in this time", "Nobody was asked in this time", "No scores"):
        assert text in empty
    assert "<svg" not in empty
    hour = int(NOW) // HOUR * HOUR
    counts = {Slot(hour, "example.org", what): 10 for what in Happening}
    counts[Slot(hour, "other.example", Happening.HELD)] = 7

    def fill(tx: Tx) -> None:
        tx.tallies.add(counts)
        tx.connection.execute(update(message).values(score=7.5))
        tx.connection.execute(update(account).where(account.c.name == JOE).values(signed_in_at=None))

    await house.store.transact(fill)
    whole = await get(house, Role.SITE_ADMIN, path)
    assert whole.count("<svg") == 3
    assert "Held · 17" in whole
    assert '<select id="f-domain"' in whole
    one = await get(house, Role.SITE_ADMIN, f"{path}&domain=example.org")
    assert "Held · 10" in one
    assert "20 of 20" in one
    assert "too many" in one
    assert "?span=30d&amp;domain=example.org" in one
    assert "7–8" in one
    nobody = one.partition("For whom nobody has ever signed in")[2]
    assert f'href="../console/pending?q=to%3A{JOE.replace("@", "%40")}"' in nobody
    # Each number leads to the list behind it.
    for behind in ("pending?q=to%3Aexample.org", "history?address=%40example.org&amp;state=answered"):
        assert f'<a class="tile" href="../console/{behind}"><b>10</b>' in one
    own = await get(house, Role.DOMAIN_ADMIN, path)
    assert "Held · 10" in own
    assert '<select id="f-domain"' not in own
    await get(house, Role.DOMAIN_ADMIN, f"{path}&domain=other.example", 404)
    assert (await get(house, Role.SITE_ADMIN, "/console/overview")).count("<svg") == 2


async def test_server_that_said_nothing_is_not_quoted_with_our_own_words(house: House) -> None:
    def unreached(tx: Tx) -> None:
        tx.connection.execute(update(pending).values(last_reply=str(NEXT_HOP_DOWN)))

    await house.store.transact(unreached)
    page = await get(house, Role.SITE_ADMIN, "/console/outgoing")
    assert "Nothing: it did not answer, or the connection broke." in page
    assert "Cannot pass this mail on" not in page
    page = await get(house, Role.SITE_ADMIN, f"/console/message/{house.own[Names.ROW]}")
    assert "Nothing: it did not answer" in page


async def test_mail_that_is_stuck_is_tried_again_or_deleted(house: House) -> None:
    path = f"/console/outgoing/mail/{house.own[Names.ROW]}"
    await post(house, Role.DOMAIN_ADMIN, f"/console/outgoing/mail/{house.foreign[Names.ROW]}", 404, do="retry")
    await post(house, Role.DOMAIN_ADMIN, path, 400, do="nothing")
    assert "said=tried" in await post(house, Role.DOMAIN_ADMIN, path, do="retry")
    other = f"/console/outgoing/mail/{house.foreign[Names.ROW]}"
    assert "said=dropped" in await post(house, Role.SITE_ADMIN, other, do="delete")
    assert f"For {KIM}" not in await get(house, Role.SITE_ADMIN, "/console/outgoing")


async def test_words_of_the_challenge_are_tried_saved_and_reset(house: House) -> None:
    path = "/console/templates/example.org"
    good = {"subject": "Step", "text": "{{ url }}", "html": '<a href="{{ url }}">x</a>', "from_line": ""}
    assert "as shipped" in await get(house, Role.DOMAIN_ADMIN, "/console/templates")
    page = await post(house, Role.DOMAIN_ADMIN, path, 422, **{**good, "text": "a\n{{ nothing }}"}, do="save")
    assert "Line 2: there is no variable" in page
    assert faults(page) == []
    assert "Does not contain" in await post(house, Role.DOMAIN_ADMIN, path, 422, **{**good, "text": "a"}, do="save")
    assert "The whole mail has" in await post(house, Role.DOMAIN_ADMIN, path, 200, **good, do="check")
    assert "could not be sent" in await post(house, Role.DOMAIN_ADMIN, path, 200, **good, do="test")
    assert "texts-saved" in await post(house, Role.DOMAIN_ADMIN, path, **good, do="save")
    assert "a-domain-admin" in await get(house, Role.DOMAIN_ADMIN, path)
    assert "texts-reset" in await post(house, Role.DOMAIN_ADMIN, f"{path}/reset")
    assert "These are the words that came" in await get(house, Role.DOMAIN_ADMIN, path)


async def test_words_of_notices_are_changed_beside_those_of_challenges(house: House) -> None:
    path = "/console/templates/example.org"
    good = {"subject": "Waits", "text": "{{ stop }}", "html": "<p>{{ stop }}</p>", "from_line": ""}
    page = await get(house, Role.DOMAIN_ADMIN, f"{path}?kind=notice")
    assert "What a notice says" in page
    assert "Whether the reader may deliver it." in page
    assert "<code>[challenge] organisation</code>" in page
    assert 'name="from_line"' not in page
    assert faults(page) == []
    wrong = {**good, "text": "{{ stop }}\n{% for a in subject %}{% endfor %}"}
    page = await post(house, Role.DOMAIN_ADMIN, f"{path}?kind=notice", 422, **wrong, do="save")
    assert "Line 2: a loop goes through one of body, cautions, groups" in page
    assert "The whole mail has" in await post(house, Role.DOMAIN_ADMIN, f"{path}?kind=notice", 200, **good, do="check")
    there = await post(house, Role.DOMAIN_ADMIN, f"{path}?kind=notice&language=de", **good, do="save")
    assert there.endswith("console/templates/example.org?kind=notice&language=de&said=texts-notice-saved")
    assert "as shipped" in await get(house, Role.DOMAIN_ADMIN, "/console/templates?language=de")
    assert "as shipped" not in await get(house, Role.DOMAIN_ADMIN, "/console/templates?kind=notice&language=de")
    assert "texts-reset" in await post(house, Role.DOMAIN_ADMIN, f"{path}/reset?kind=notice&language=de")
    assert "as shipped" in await get(house, Role.DOMAIN_ADMIN, "/console/templates?kind=notice&language=de")


async def test_preview_of_a_challenge_can_do_nothing(house: House) -> None:
    secret = house.secrets[Role.DOMAIN_ADMIN]
    answer = await house.client.post(
        "/console/templates/example.org/preview",
        data={
            CSRF_FIELD: csrf_token(secret),
            "subject": "<script>alert(1)</script>",
            "text": "{{ url }}",
            "html": '<script>alert(2)</script><a href="{{ url }}">x</a>',
        },
        headers={"Cookie": f"session={secret}"},
    )
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox;" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "&lt;script&gt;alert(1)" in await answer.text()


async def test_log_says_in_words_what_was_done_and_leads_to_it(house: House) -> None:
    row = house.own[Names.ROW]
    await post(house, Role.SITE_ADMIN, f"/console/outgoing/mail/{row}", do="retry")
    await post(house, Role.SITE_ADMIN, "/console/pending", 303, do="delete", id=str(row), nonce="n")
    log = await get(house, Role.SITE_ADMIN, "/console/log")
    assert 'Tried or deleted a stuck mail<br><span class="mono soft">outgoing-mail</span></td>' in log
    assert f'<a href="../console/message/{row}">{row}</a><br><span class="soft">deliver</span>' in log
    assert f'<span class="soft">delete: 1 ({row}), order ' in log


async def test_log_is_given_as_csv_to_each_admin_as_far_as_he_sees(house: House) -> None:
    await post(house, Role.SITE_ADMIN, f"/console/outgoing/mail/{house.own[Names.ROW]}", do="retry")
    files = {}
    for role in (Role.SITE_ADMIN, Role.DOMAIN_ADMIN):
        answer = await house.client.get("/console/log.csv", headers={"Cookie": f"session={house.secrets[role]}"})
        assert answer.headers["Content-Disposition"] == 'attachment; filename="log.csv"'
        files[role] = list(csv.reader(io.StringIO(await answer.text())))
        assert files[role][0] == list(CSV_COLUMNS)
    assert [row[3] for row in files[Role.SITE_ADMIN][1:]] == ["outgoing-mail"]
    assert files[Role.DOMAIN_ADMIN][1:] == []


def test_every_deed_of_the_log_has_its_words(house: House) -> None:
    noted = {route.name for route in house.routes if route.act is not None and not route.reads}
    assert {name for name in noted if not name.startswith("signin")} | {"history-erase"} == set(DEEDS)


async def test_page_of_passkeys_says_that_browsers_make_none_for_a_number(house: House) -> None:
    at = "/console/account/passkeys"
    assert "was opened by a number" in await get(house, Role.SITE_ADMIN, at)
    named = {"Cookie": f"session={house.secrets[Role.SITE_ADMIN]}", "Host": "localhost:8080"}
    page = await (await house.client.get(at, headers=named)).text()
    assert "Add a passkey" in page
    assert "was opened by a number" not in page
