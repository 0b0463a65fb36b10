"""Each page that a sender sees in a language that marks what it says: what is not marked, nobody can translate."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.lifecycle import State
from tests.unit.web.conftest import MakeClient
from tests.unit.web.fakes import PROGRESS, STATUS, TOKEN, Clock, FakeAnswers
from tests.unit.web.pseudo import PSEUDO, strange
from tests.unit.web.talk import PAGE

DATA = r"[^\s,]+@[^\s,]+|example\.org|Offer for the roof|UTC"


async def test_sender_s_page_says_nothing_that_cannot_be_translated(make_client: MakeClient, clock: Clock) -> None:
    answers = FakeAnswers(clock, statuses={STATUS: [PROGRESS]})
    client = await make_client(answers=answers, language_for=lambda request: PSEUDO)
    for path in ("/", PAGE, f"{PAGE}/disown", f"{PAGE}/withdraw", "/nowhere", "/static/none.css"):
        assert strange(await (await client.get(path)).text(), DATA) == [], path
    for path in (PAGE, f"{PAGE}/withdraw", f"/challenge/{TOKEN[::-1]}", "/"):
        assert strange(await (await client.post(path, data={"answer": "x"})).text(), DATA) == [], path
    for state in State:
        answers.statuses[STATUS] = [replace(PROGRESS, state=state)]
        assert strange(await (await client.get(f"/status/{STATUS}")).text(), DATA) == [], state
