"""What processes at the door count together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.smtp.limits import Connections, Memory
from gateway.smtp.share import Share, new_memory


@pytest.fixture
def shares() -> Iterator[list[Share]]:
    """The views of three processes."""
    # The same key in each run: by another, two networks may share a bucket.
    with new_memory(3, bytes) as memory:
        yield [Share(memory.fileno(), 3, number) for number in range(3)]


def test_connections_of_other_processes_fill_the_house(shares: list[Share]) -> None:
    one, two, three = (Connections(3, 3, share) for share in shares)
    assert one.enter("192.0.2.1", False)
    assert two.enter("192.0.2.2", False)
    assert two.enter("192.0.2.3", True)
    assert three.full
    assert not three.enter("192.0.2.4", False)
    two.leave("192.0.2.3", True)
    assert three.enter("192.0.2.4", False)
    assert one.full


def test_connections_of_one_client_count_in_every_process(shares: list[Share]) -> None:
    one, two, three = (Connections(100, 2, share) for share in shares)
    assert one.enter("2001:db8::1", False)
    assert two.enter("2001:db8::2", False)
    assert not three.enter("2001:db8::3", False)
    assert three.enter("2001:db8:0:1::1", False)
    one.leave("2001:db8::1", False)
    assert three.enter("2001:db8::3", False)


def test_connections_of_a_trusted_server_are_not_counted_for_its_network(shares: list[Share]) -> None:
    one, two, _ = (Connections(100, 1, share) for share in shares)
    assert all(one.enter("192.0.2.1", True) for _ in range(5))
    assert two.enter("192.0.2.1", False)


def test_content_of_other_processes_takes_of_the_memory(shares: list[Share]) -> None:
    one, two, _ = (Memory(10, share) for share in shares)
    assert one.take(6)
    assert not two.take(5)
    assert not two.has_room(5)
    assert two.take(4)
    one.give(6)
    assert two.has_room(6)


def test_counts_of_a_process_that_is_gone_are_forgotten(shares: list[Share]) -> None:
    connections, memory = Connections(1, 1, shares[1]), Memory(10, shares[1])
    assert connections.enter("192.0.2.1", False)
    assert memory.take(10)
    assert Connections(1, 1, shares[0]).full
    shares[0].forget(1)
    assert not Connections(1, 1, shares[0]).full
    assert Connections(9, 1, shares[2]).enter("192.0.2.1", False)
    assert Memory(10, shares[0]).has_room(10)


def test_process_does_not_count_itself_twice(shares: list[Share]) -> None:
    connections, memory = Connections(2, 2, shares[0]), Memory(10, shares[0])
    assert connections.enter("192.0.2.1", False)
    assert connections.enter("192.0.2.1", False)
    assert memory.take(10)
