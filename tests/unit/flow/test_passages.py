"""Facts of mail that leaves no other row: gathered off the path, written together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from gateway.domain import reply
from gateway.domain.address import Address
from gateway.domain.envelope import Client, Recipient, Transaction
from gateway.domain.policy import Decision, Disposition, Reason
from gateway.domain.reply import Reply
from gateway.flow.passages import BATCH, Passage, Passages
from gateway.flow.ports import StoreDown
from tests.unit.flow.world import DEFERRED, JOE, REFUSED, World, letter

T = TypeVar("T")
TAKEN = Reply(250, "2.0.0", "Ok: queued as 4XyZ")
DELIVER = Decision(Disposition.DELIVER, Reason.ALLOWLIST, False, "")
REJECT = Decision(Disposition.REJECT, Reason.DENYLIST, False, "")


@dataclass
class Kept:
    """A store that can be down."""

    rows: list[Passage] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    down: bool = False
    meanwhile: Callable[[], None] = lambda: None
    """Called while a batch is written."""

    @property
    def passages(self) -> Kept:
        return self

    def add(self, passages: Sequence[Passage]) -> None:
        self.rows += passages
        self.batches.append(len(passages))

    async def transact(self, work: Callable[[Kept], T]) -> T:
        if self.down:
            raise StoreDown("disk full")
        self.meanwhile()
        return work(self)


def transaction(*recipients: str) -> Transaction:
    client = Client("192.0.2.7", queue_id="Q1")
    return Transaction(
        client, Address.of("Ann@oak.example"), [Recipient(Address.of(one)) for one in recipients], id="t1"
    )


@pytest.mark.parametrize(
    ("decision", "answer", "state"),
    [(DELIVER, TAKEN, "relayed"), (DELIVER, DEFERRED, "deferred"), (DELIVER, REFUSED, "refused"),
     (REJECT, reply.REFUSED_BY_POLICY, "refused"), (None, reply.LOOP, "refused")],
)  # fmt: skip
async def test_mail_is_kept_with_what_became_of_it(decision: Decision | None, answer: Reply, state: str) -> None:
    kept = Kept()
    passages = Passages(kept)
    passages.note(transaction("joe@example.org"), 700, (decision,) if decision else (), answer, 5.0)
    assert kept.rows == []
    assert await passages.write_down() == 1
    (row,) = kept.rows
    assert (row.at, row.sender, row.sender_key, row.recipient_domain) == (
        5.0,
        "Ann@oak.example",
        "ann@oak.example",
        "example.org",
    )
    assert (row.size, row.state, row.queue_id, row.client, row.reply) == (700, state, "Q1", "192.0.2.7", str(answer))
    assert row.reason == (decision.reason.value if decision else "")
    assert await passages.write_down() == 0


async def test_mail_is_written_in_batches_and_kept_in_mind_while_the_store_is_down() -> None:
    kept = Kept(down=True)
    passages = Passages(kept)
    for _ in range(BATCH + 1):
        passages.note(transaction("joe@example.org", "kim@example.org"), 1, (DELIVER, DELIVER), TAKEN, 5.0)
    with pytest.raises(StoreDown):
        await passages.write_down()
    kept.down = False
    assert await passages.write_down() == BATCH + 1
    assert kept.batches == [2 * BATCH, 2]


async def test_mail_that_comes_while_others_are_written_waits_for_the_next_time() -> None:
    kept = Kept()
    passages = Passages(kept)

    def note(at: float) -> None:
        passages.note(transaction("joe@example.org"), 1, (DELIVER,), TAKEN, at)

    kept.meanwhile = lambda: note(6.0) if not kept.rows else None
    note(5.0)
    assert await passages.write_down() == 1
    assert [row.at for row in kept.rows] == [5.0]


async def test_mail_beyond_what_is_remembered_is_lost_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    passages = Passages(kept, most=2)
    for _ in range(5):
        passages.note(transaction("joe@example.org"), 1, (DELIVER,), TAKEN, 5.0)
    assert await passages.write_down() == 2
    assert "history-lost" in caplog.text


async def test_receiver_notes_what_went_through_and_not_what_it_kept(world: World) -> None:
    kept = Kept()
    world.passages = Passages(kept)
    assert await world.arrive(letter()) == reply.HELD
    await world.allow()
    assert (await world.arrive(letter())).accepted
    world.hop.answers[JOE.key] = REFUSED
    assert await world.arrive(letter()) == REFUSED
    await world.passages.write_down()
    assert [row.state for row in kept.rows] == ["relayed", "refused"]
