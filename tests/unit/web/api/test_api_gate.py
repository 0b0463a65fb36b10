"""The gate of the API against what programs, and others, may send."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from challenge_web.api.allowance import Allowance
from challenge_web.api.cursors import Cursors
from challenge_web.api.gate import _octets
from challenge_web.api.operations import when
from challenge_web.api.problems import MEDIA_TYPE, TITLES, Problem
from challenge_web.console.routes import Names
from gateway.domain.roles import Role
from gateway.domain.scopes import secret_text
from gateway.flow.kept_answers import KeptAnswers
from tests.store.fresh import fresh_store
from tests.unit.web.api.conftest import Heard, Program

DENY = {"verdict": "deny", "pattern": "bo@elm.example", "for": "joe@example.org"}


def problem(heard: Heard) -> str:
    """Return the name of the problem, which is whole and told as one."""
    assert heard.headers["Content-Type"] == MEDIA_TYPE
    body = heard.data
    name: str = body["type"].removeprefix("urn:challenge-gateway:problem:")
    assert (body["status"], body["title"]) == (heard.status, TITLES[name][1])
    return name


# --- refusals ---


NO_ADDRESSES = (
    ("GET", "/nothing", 404), ("GET", "/lists/x", 404), ("GET", "/lists/1/x", 404), ("GET", "/lists/" + "9" * 40, 404),
    ("PATCH", "/lists", 405), ("POST", "/overview", 405), ("TRACE", "/lists", 405), ("GET", "/lists/%2e%2e/x", 404),
    ("OPTIONS", "/lists", 405), ("GET", "/policies/a%2Fb", 404), ("GET", "/policies/%00", 404),
)  # fmt: skip
WRONG_BODIES: tuple[tuple[object, str], ...] = (
    (b"", "malformed"), (b"{", "malformed"), (b"\xff", "malformed"), (b"[" * 100_000, "invalid"), (b"[]", "invalid"),
    (b"null", "invalid"), ({**DENY, "x": 1}, "invalid"), ({**DENY, "verdict": "maybe"}, "invalid"),
    ({**DENY, "pattern": "x" * 401}, "invalid"), ({**DENY, "pattern": "*"}, "invalid"), ({**DENY, "for": ""}, "invalid"),
    ({**DENY, "for": "kim@other.example"}, "invalid"), ({**DENY, "expires_at": "2020-01-01T00:00:00Z"}, "invalid"),
    ({**DENY, "expires_at": "2030-01-01T00:00:00"}, "invalid"), ({**DENY, "note": "a\nb"}, "invalid"),
    ({**DENY, "verdict": "allow", "proof": "none"}, "invalid"), (b"x" * 2_000_000, "too-large"),
)  # fmt: skip


async def test_address_that_is_none_is_a_problem(program: Program, subtests: pytest.Subtests) -> None:
    for method, path, status in NO_ADDRESSES:
        with subtests.test(method=method, path=path):
            heard = await program.ask(method, path)
            assert heard.status == status
            problem(heard)
            assert status != 405 or heard.headers["Allow"]


async def test_query_that_is_not_utf_8_is_a_problem_that_names_the_field(program: Program) -> None:
    heard = await program.ask("GET", "/pending?limit=2&q=%ff")
    assert problem(heard) == "malformed"
    assert heard.data["errors"] == [{"field": "q", "reason": "It is not UTF-8."}]


async def test_body_that_is_wrong_is_a_problem(program: Program, subtests: pytest.Subtests) -> None:
    for body, name in WRONG_BODIES:
        with subtests.test(body=repr(body)[:80]):
            assert problem(await program.ask("POST", "/lists", body=body)) == name


async def test_body_of_another_type_is_not_read(program: Program) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert problem(await program.ask("POST", "/lists", body=DENY, Content_Type=kind)) == "media-type", kind


async def test_body_that_is_packed_or_expected_of_us_in_other_ways_is_not_read(program: Program) -> None:
    for coding in ("compress", "identity"):
        heard = await program.ask("POST", "/lists", body=DENY, Content_Encoding=coding)
        assert problem(heard) == "media-type", coding
    assert problem(await program.ask("POST", "/lists", body=DENY, Expect="200-ok")) == "malformed"
    assert (await program.ask("POST", "/lists", body=DENY, Expect="100-Continue")).status == 201


async def test_body_that_breaks_off_is_a_problem_and_no_fault_of_ours() -> None:
    class Request:
        content_type, headers = "application/json", dict[str, str]()

        async def read(self) -> bytes:
            raise ConnectionResetError("gone")

    with pytest.raises(Problem) as found:
        await _octets(Request())  # type: ignore[arg-type]  # As much of a request as is looked at.
    assert found.value.name == "malformed"


async def test_overview_of_a_domain_that_is_none_is_not_found_as_the_document_says(program: Program) -> None:
    assert problem(await program.ask("GET", "/overview?domain=%C2%AE", Role.SITE_ADMIN)) == "not-found"
    told = (await program.ask("GET", "/openapi.json", None)).data
    assert "404" in told["paths"]["/overview"]["get"]["responses"]


async def test_parameter_that_is_wrong_is_a_problem(program: Program, subtests: pytest.Subtests) -> None:
    for query in ("limit=0", "limit=201", "limit=x", "limit=1&limit=2", "x=1", "verdict=maybe", "words=" + "x" * 201):
        with subtests.test(query=query):
            heard = await program.ask("GET", f"/lists?{query}")
            assert (heard.status, problem(heard)) == (400, "malformed")
            assert heard.data["errors"][0]["reason"]


async def test_problem_tells_the_field(program: Program) -> None:
    heard = await program.ask("POST", "/lists", body={**DENY, "pattern": 7})
    assert heard.data["errors"] == [{"field": "pattern", "reason": "Expected `str`, got `int`."}]


async def test_answers_are_kept_by_nobody_and_bear_the_headers_of_all_pages(program: Program) -> None:
    for heard in (await program.ask("GET", "/lists"), await program.ask("GET", "/nothing")):
        assert heard.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in heard.headers["Content-Security-Policy"]
        assert heard.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in heard.headers
        assert "Access-Control-Allow-Origin" not in heard.headers


# --- who asks ---


async def test_token_in_another_place_is_no_token(program: Program) -> None:
    secret = await program.token(Role.USER)
    for path in (f"/lists?token={secret}", f"/lists?access_token={secret}"):
        assert problem(await program.ask("GET", path, None)) == "unauthorized"
    for header in (secret, f"Token {secret}", f"Bearer{secret}", "Bearer ", f"Bearer {secret}x", "Bearer cgw_"):
        assert problem(await program.ask("GET", "/lists", None, Authorization=header)) == "unauthorized", header
    assert (await program.ask("GET", "/lists", None, Authorization=f"bearer {secret}")).status == 200


async def test_session_of_a_browser_opens_nothing(program: Program) -> None:
    cookie = f"session={program.house.secrets[Role.SITE_ADMIN]}"
    assert problem(await program.ask("GET", "/lists", None, Cookie=cookie)) == "unauthorized"
    assert problem(await program.ask("POST", "/lists", None, DENY, Cookie=cookie)) == "unauthorized"


async def test_who_shows_many_wrong_tokens_has_to_wait_and_others_have_not(program: Program) -> None:
    wrong = f"Bearer {secret_text(bytes(30))}"
    answers = [await program.ask("GET", "/lists", None, Authorization=wrong) for _ in range(31)]
    assert [one.status for one in answers] == [401] * 30 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert (await program.ask("GET", "/lists")).status == 200


async def test_right_that_a_policy_takes_from_users_is_taken_from_their_tokens(program: Program) -> None:
    edit = {"settings": {"users-read-content": {"value": "no"}}}
    path = f"/messages/{program.house.own[Names.ROW]}/source"
    assert (await program.ask("GET", path)).status in (200, 404)
    assert (await program.ask("PATCH", "/policies/example.org", Role.DOMAIN_ADMIN, edit)).status == 200
    assert problem(await program.ask("GET", path)) == "forbidden"


def test_allowance_is_told_used_up_and_refilled() -> None:
    allowance = Allowance(60)
    left = [allowance.take(7, 0.0) for _ in range(61)]
    assert [one.wait for one in left] == [0.0] * 60 + [1.0]
    assert left[0].headers() == {"RateLimit-Policy": '"token";q=60;w=60', "RateLimit": '"token";r=59;t=1'}
    assert left[-1].headers()["RateLimit"] == '"token";r=0;t=60'
    assert allowance.take(8, 0.0).wait == 0.0
    assert allowance.take(7, 1.0).wait == 0.0
    assert allowance.take(7, 1.0).wait > 0.0


# --- pages ---


async def test_pages_hold_all_items_once(program: Program) -> None:
    for number in range(5):
        await program.ask("POST", "/lists", body={**DENY, "pattern": f"n{number}@elm.example"})
    whole = (await program.ask("GET", "/lists?verdict=deny")).data["items"]
    found: list[object] = []
    cursor, pages = "", 0
    while cursor is not None:
        page = (await program.ask("GET", f"/lists?verdict=deny&limit=2&cursor={cursor}")).data
        found, cursor, pages = [*found, *page["items"]], page["next"], pages + 1
    assert (found, pages) == (whole, 3)


async def test_cursor_is_good_for_its_own_question_only(program: Program) -> None:
    for number in range(3):
        await program.ask("POST", "/lists", body={**DENY, "pattern": f"n{number}@elm.example"})
    cursor = (await program.ask("GET", "/lists?verdict=deny&limit=1")).data["next"]
    assert (await program.ask("GET", f"/lists?verdict=deny&cursor={cursor}")).status == 200
    for path, role in (
        (f"/lists?cursor={cursor}", Role.USER),
        (f"/lists?verdict=allow&cursor={cursor}", Role.USER),
        (f"/journal?cursor={cursor}", Role.SITE_ADMIN),
        (f"/lists?verdict=deny&cursor={cursor}", Role.SITE_ADMIN),
        (f"/lists?verdict=deny&cursor={cursor[:-2]}AA", Role.USER),
        (f"/lists?verdict=deny&cursor=A{cursor}", Role.USER),
        ("/lists?verdict=deny&cursor=AAAA", Role.USER),
        ("/pending?cursor=x", Role.USER),
    ):
        assert problem(await program.ask("GET", path, role)) == "cursor", path


def test_cursor_cannot_be_made_without_the_key() -> None:
    ours, theirs = (Cursors(key, 7, "listEntries", {}) for key in (b"a" * 32, b"b" * 32))
    told = theirs.write((5,))
    assert told is not None
    with pytest.raises(Problem):
        ours.read(told)
    assert ours.read(ours.write((5, "x", 1.5)) or "") == (5, "x", 1.5)
    with pytest.raises(Problem):
        ours.read(ours.write(("x",)) or "", int)
    assert ours.read("") is None
    assert ours.write(None) is None


# --- once, and as it was ---


async def test_request_with_a_key_is_done_once_and_answered_the_same(program: Program) -> None:
    first = await program.ask("POST", "/lists", body=DENY, Idempotency_Key="k1")
    again = await program.ask("POST", "/lists", body=DENY, Idempotency_Key="k1")
    assert (first.status, first.data["new"]) == (201, True)
    assert (again.status, again.body, again.headers["Location"]) == (201, first.body, first.headers["Location"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await program.ask("POST", "/lists", body=DENY, Idempotency_Key="k2")).data["new"] is False
    journal = (await program.ask("GET", "/journal", Role.SITE_ADMIN)).data["items"]
    assert len([line for line in journal if line["deed"] == "api addEntry"]) == 2


async def test_journal_names_the_mails_of_an_order_as_the_console_s_line_does(program: Program) -> None:
    row = int(program.house.own[Names.ROW]) - 1
    for which in ({"ids": [row, 999]}, {"all": {"q": "nothingatall"}}):
        assert (
            await program.ask("POST", "/pending/orders", Role.SITE_ADMIN, {"action": "delete", **which})
        ).status == 201
    lines = (await program.ask("GET", "/journal", Role.SITE_ADMIN)).data["items"]
    told = [re.sub(r"order \d+", "order N", line["detail"]) for line in lines if line["deed"] == "api orderPending"]
    assert told == ["delete: all that match, order N; token tests", f"delete: 2 ({row} 999), order N; token tests"]


async def test_key_of_another_request_is_refused_and_of_another_account_is_another(program: Program) -> None:
    await program.ask("POST", "/lists", body=DENY, Idempotency_Key="k1")
    other = {**DENY, "pattern": "other@elm.example"}
    assert problem(await program.ask("POST", "/lists", body=other, Idempotency_Key="k1")) == "key-reused"
    heard = await program.ask("POST", "/lists", Role.DOMAIN_ADMIN, other, Idempotency_Key="k1")
    assert heard.status == 201
    for key in ("x" * 256, "ä", ""):
        assert problem(await program.ask("POST", "/lists", body=DENY, Idempotency_Key=key)) == "malformed"


async def test_address_of_the_api_without_its_slash_leads_there(program: Program) -> None:
    heard = await program.ask("GET", "", None)
    assert (heard.status, heard.headers["Location"]) == (308, "./v1/")


async def test_refusal_is_kept_with_its_key_too(program: Program) -> None:
    wrong = {**DENY, "for": "kim@other.example"}
    answers = [await program.ask("POST", "/lists", body=wrong, Idempotency_Key="k") for _ in range(2)]
    assert [problem(one) for one in answers] == ["invalid"] * 2
    assert answers[0].body == answers[1].body


async def test_same_request_at_the_same_time_is_done_once(program: Program) -> None:
    await program.token(Role.USER)
    answers = await asyncio.gather(*(program.ask("POST", "/lists", body=DENY, Idempotency_Key="k") for _ in range(6)))
    assert {one.status for one in answers} <= {201, 409}
    assert len({one.body for one in answers if one.status == 201}) == 1


async def test_secret_answer_is_told_once(program: Program) -> None:
    at = f"/accounts/{program.house.own[Names.ACCOUNT]}/link"
    first = await program.ask("POST", at, Role.SITE_ADMIN, Idempotency_Key="k")
    assert re.search(r"/sign-in/link/[a-z2-9]{32}$", first.data["url"])
    assert problem(await program.ask("POST", at, Role.SITE_ADMIN, Idempotency_Key="k")) == "conflict"


async def test_answer_is_known_again_by_its_tag(program: Program) -> None:
    made = (await program.ask("POST", "/lists", body=DENY)).data["entry"]
    at = f"/lists/{made['id']}"
    tag = (await program.ask("GET", at)).headers["ETag"]
    again = await program.ask("GET", at, If_None_Match=f'"x", {tag}')
    assert (again.status, again.body) == (304, b"")
    change = {"note": "n", "expires_at": None}
    assert problem(await program.ask("PUT", at, body=change, If_Match='"x"')) == "changed"
    assert (await program.ask("PUT", at, body=change, If_Match=tag)).data["note"] == "n"
    assert problem(await program.ask("DELETE", at, If_Match=tag)) == "changed"
    assert (await program.ask("DELETE", at, If_Match="*")).status == 200


async def test_request_that_was_cut_off_may_be_done_anew_after_a_minute(tmp_path: Path) -> None:
    store = fresh_store(f"sqlite:///{tmp_path}/gateway.db")
    at = [1000.0]
    kept = KeptAnswers(store, now=lambda: at[0])
    courses = []
    for seconds in (0, 59, 61):
        at[0] = 1000.0 + seconds
        courses.append(await kept.begin(7, "k", b"x"))
    assert [str(course) for course in courses] == ["Course.FRESH", "Course.IN_PROGRESS", "Course.FRESH"]
    at[0] += 90_000
    assert await kept.sweep() == 1
    assert await kept.sweep() == 0
    await store.close()


# --- the document ---


async def test_document_and_its_page_are_there_for_everybody(program: Program) -> None:
    heard = await program.ask("GET", "/openapi.json", None)
    assert (heard.status, heard.data["openapi"]) == (200, "3.1.0")
    assert (await program.ask("GET", "/openapi.json", None, If_None_Match=heard.headers["ETag"])).status == 304
    told = {(path, method.upper()) for path, methods in heard.data["paths"].items() for method in methods}
    assert told == {(one.path, one.method) for one in program.house.operations}
    page = (await program.ask("GET", "/", None)).body.decode()
    for operation in program.house.operations:
        assert f'id="{operation.id}"' in page
    for name in heard.data["components"]["schemas"]:
        assert f'id="schema-{name}"' in page
    assert "<script>" not in page
    assert " style=" not in page
    linked = set(re.findall(r'href="#(?:schema-)?([\w.-]+)"', page))
    assert all(f'id="{name}"' in page or f'id="schema-{name}"' in page for name in linked), linked


async def test_document_refers_to_nothing_that_is_not_in_it(program: Program) -> None:
    text = (await program.ask("GET", "/openapi.json", None)).body.decode()
    schemas = (await program.ask("GET", "/openapi.json", None)).data["components"]["schemas"]
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)


def test_time_beyond_the_calendar_is_its_last_day() -> None:
    assert when(1e300).year == 9999
    assert when(0.0).isoformat() == "1970-01-01T00:00:00+00:00"
