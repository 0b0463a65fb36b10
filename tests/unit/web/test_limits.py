"""How much a network may ask, and who counts as one."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from challenge_web.client import client_address
from challenge_web.limits import Buckets, Limit, counted_network

PROXIES = [ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("2001:db8:ff::/48")]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2345::1", "2001:db8:1:2300::/56"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/56"),
        ("", "unknown"),
        ("/run/web.sock", "unknown"),
    ],
)
def test_counted_network_of_an_address_is_a_24_or_a_56(address: str, network: str) -> None:
    assert counted_network(address) == network


def test_bucket_empties_refuses_and_is_refilled() -> None:
    buckets = Buckets(Limit(per_minute=60, burst=3), 10)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [0.0] * 3
    assert buckets.take("a", 0.0) == pytest.approx(1.0)
    assert buckets.take("a", 0.5) == pytest.approx(0.5)
    assert buckets.take("a", 1.1) == 0.0
    assert buckets.take("a", 1.1) > 0
    assert [buckets.take("a", 1000.0) for _ in range(4)][-1] > 0


def test_bucket_of_one_network_is_not_that_of_another() -> None:
    buckets = Buckets(Limit(60, 1), 10)
    assert buckets.take("a", 0.0) == 0.0
    assert buckets.take("b", 0.0) == 0.0


def test_buckets_of_many_networks_are_bounded_and_the_longest_unused_goes() -> None:
    buckets = Buckets(Limit(60, 1), 100)
    for number in range(1000):
        buckets.take("busy", 0.0)
        buckets.take(str(number), 0.0)
    assert len(buckets) == 100
    assert buckets.take("busy", 0.0) > 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("192.0.2.9", ["192.0.2.1"], "192.0.2.9"),  # Not a trusted peer: nothing it says counts.
        ("127.0.0.1", ["198.51.100.1, 192.0.2.1"], "192.0.2.1"),  # The left one is the client's own invention.
        ("127.0.0.1", ["198.51.100.1", "192.0.2.1, 10.1.2.3"], "192.0.2.1"),
        ("10.9.9.9", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("127.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("2001:db8:ff::1", ["192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["192.0.2.1, <script>"], "127.0.0.1"),
        ("127.0.0.1", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        ("", ["192.0.2.1"], ""),
    ],
)
def test_client_address_is_what_the_last_trusted_proxy_saw(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


def test_client_address_without_trusted_proxies_is_the_peer() -> None:
    assert client_address("127.0.0.1", ["192.0.2.1"], []) == "127.0.0.1"
