"""Reports of challenges that could not be delivered after all: counted once, and nothing else happens."""

from __future__ import annotations

import pytest

from gateway.domain.address import NULL_PATH, Address
from gateway.flow.bounces import Bounces
from gateway.flow.tally import TALLY, Happening
from tests.unit.flow.world import ANNA, JOE, World

DESK = Address.of("desk@example.org")
OURS = "<c1@gw>"
REPORT = (
    "From: MAILER-DAEMON@oak.example\r\nTo: desk@example.org\r\nSubject: Undelivered\r\n"
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; anna@oak.example\r\n"
    "Action: {action}\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822-headers\r\n\r\nMessage-ID: {mail}\r\n\r\n--b--\r\n"
)


async def told(
    world: World, mail: str, *, action: str = "failed", to: Address = DESK, sender: Address = NULL_PATH
) -> int:
    """Bring a report, and return how many challenges it was counted for."""
    TALLY.take()
    world.bounces = Bounces(world.store, DESK, now=world.clock.now)
    await world.arrive(REPORT.format(action=action, mail=mail).encode(), to, sender=sender)
    return sum(times for slot, times in TALLY.take().items() if slot.happening is Happening.BOUNCED)


async def test_challenge_that_comes_back_is_counted_once_and_may_still_be_answered(world: World) -> None:
    await world.ask()
    before = await world.states()
    assert [await told(world, OURS) for _ in range(2)] == [1, 0]
    after = await world.states()
    assert {name: after[name] for name in before} == before
    (row,) = (await world.dump())["challenge"]
    assert {"sent", "bounced"} <= {value for value in row if isinstance(value, str)}
    assert await world.answers().solved(world.outside.tokens()[0], b"p" * 16, "image") is not None


@pytest.mark.parametrize(
    "more", [{"action": "delayed"}, {"to": JOE}, {"sender": ANNA}, {"mail": "<other@gw.example.org>"}]
)
async def test_other_mail_counts_for_nothing(world: World, more: dict[str, object]) -> None:
    await world.ask()
    assert await told(world, **{"mail": OURS, **more}) == 0  # type: ignore[arg-type]
