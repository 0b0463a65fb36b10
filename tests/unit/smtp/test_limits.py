"""What clients may take."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.smtp.limits import Connections, Memory, Patience, TrustedClients, counted_as, plain_address


@pytest.mark.parametrize(
    ("host", "address"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"), ("::1", "::1")],
)
def test_peer_address_is_given_plainly(host: str, address: str) -> None:
    assert plain_address(host) == address


def test_trusted_clients_are_those_in_the_networks() -> None:
    trusted = TrustedClients((ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
    assert [a in trusted for a in ("192.0.2.9", "192.0.3.9", "2001:db8::1", "::1", "nonsense", "192.0.2.9")] == [
        True,
        False,
        True,
        False,
        False,
        True,
    ]


def test_ipv6_clients_of_one_network_are_one_client() -> None:
    assert counted_as("2001:db8::1") == counted_as("2001:db8::ffff:1")
    assert counted_as("2001:db8::1") != counted_as("2001:db8:0:1::1")
    assert counted_as("192.0.2.1") != counted_as("192.0.2.2")


def test_connections_of_one_client_are_limited() -> None:
    connections = Connections(10, 2)
    assert [connections.enter("192.0.2.1", False) for _ in range(3)] == [True, True, False]
    assert connections.enter("192.0.2.2", False)
    connections.leave("192.0.2.1", trusted=False)
    assert connections.enter("192.0.2.1", False)


def test_connections_of_a_trusted_server_are_limited_in_total_only() -> None:
    connections = Connections(3, 1)
    assert [connections.enter("192.0.2.1", True) for _ in range(4)] == [True, True, True, False]
    assert connections.full


def test_memory_is_given_only_as_far_as_it_goes() -> None:
    memory = Memory(10)
    assert memory.take(6)
    assert not memory.take(5)
    assert memory.has_room(4)
    assert not memory.has_room(5)
    memory.give(6)
    assert memory.taken == 0


def test_patience_ends_with_errors_and_returns_with_a_mail() -> None:
    patience = Patience(max_errors=1, max_junk=9, max_unknown=9)
    patience.errors = 1
    assert not patience.lost
    patience.errors = 2
    assert patience.lost
    patience.forgive()
    assert not patience.lost


def test_patience_with_a_list_that_has_some_dead_recipients_holds() -> None:
    patience = Patience(max_errors=1, max_junk=1, max_unknown=3)
    patience.accepted, patience.unknown = 10, 9
    assert not patience.lost
    patience.accepted = 8
    assert patience.lost
