"""What is no answer at all: bodies that are none, forms of others; and a store that is down."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest

from challenge_web.puzzle import Puzzles
from gateway.flow.ports import StoreDown
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.fakes import (
    Clock,
    FakeAnswers,
    letters_of,
    puzzle_in,
)
from tests.unit.web.talk import PAGE, shown


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"puzzle=x&answer=" + b"a" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=b" % n for n in range(1000)), "application/x-www-form-urlencoded", 400),
        (b"puzzle=%ff&answer=%fe", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 400),
        (b'{"answer": 1}', "application/json", 415),
        (b'{"answer": 1}', "text/plain", 415),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"puzzle=%00%0d%0a&answer=%00", "application/x-www-form-urlencoded", 422),
        (b"puzzle=a&puzzle=b&answer=c&answer=d", "application/x-www-form-urlencoded", 422),
    ],
)
async def test_body_that_is_no_answer_gets_a_page_and_is_not_counted(
    client: Client, answers: FakeAnswers, body: bytes, content_type: str, status: int
) -> None:
    response = await client.post(PAGE, data=body, headers={"Content-Type": content_type})
    assert response.status == status
    assert "<h1>" in await response.text()
    assert answers.changes == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_body_that_says_it_is_packed_is_refused(client: Client, answers: FakeAnswers, encoding: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": encoding}
    response = await client.post(PAGE, data=gzip.compress(b"puzzle=x&answer=y"), headers=headers)
    assert response.status == 415
    assert answers.changes == []


async def test_body_in_chunks_without_a_length_is_bounded(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"a" * 2000

    response = await client.post(PAGE, data=endless(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status == 413


async def test_form_from_another_site_is_refused(client: Client, answers: FakeAnswers, puzzles: Puzzles) -> None:
    puzzle = puzzle_in(await shown(client))
    fields = {"puzzle": puzzle, "answer": letters_of(puzzles, puzzle)}
    response = await client.post(
        PAGE, data=fields, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    )
    assert response.status == 403
    assert answers.changes == []
    # What browsers send from our own page, which lets no referrer out.
    ours = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    assert (await client.post(PAGE, data=fields, headers=ours, allow_redirects=False)).status == 303


async def test_store_that_is_down_gets_our_fault_and_when_to_come_back(make_client: MakeClient, clock: Clock) -> None:
    class Down(FakeAnswers):
        async def look(self, token: str) -> None:
            raise StoreDown("disk full at /var/lib/gateway")

    response = await (await make_client(answers=Down(clock))).get(PAGE)
    page = await response.text()
    assert response.status == 503
    assert response.headers["Retry-After"] == "60"
    assert "Something went wrong here, not with you" in page
    assert "disk" not in page
