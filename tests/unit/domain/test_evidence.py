from __future__ import annotations

import itertools
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import (
    NO_EVIDENCE,
    Method,
    Proof,
    in_network,
    network_of,
    proof_to_require,
    vouched_as_well,
)
from tests.unit.domain.letters import DKIM_OAK, NET, NETWORK, SPF_OAK

STRENGTH = {
    (Method.DKIM, Method.DKIM),
    (Method.SPF, Method.SPF),
    (Method.SPF, Method.DKIM),  # A signature is worth more than an address.
    (Method.NETWORK, Method.NETWORK),
}
"""(needed, had) that is good enough, for the same domain."""


@pytest.mark.parametrize(("need", "have"), [*itertools.product(Method, Method)])
def test_proof_of_each_method_is_as_good_as_the_matrix_says(need: Method, have: Method) -> None:
    good = (need, have) in STRENGTH
    assert vouched_as_well((Proof(need, "oak.example"),), (Proof(have, "oak.example"),)) is good
    assert not vouched_as_well((Proof(need, "oak.example"),), (Proof(have, "elm.example"),))
    assert not vouched_as_well((Proof(need, "oak.example"),), (Proof(have, "mail.oak.example"),))


def test_proof_one_of_several_required_is_enough() -> None:
    assert vouched_as_well((DKIM_OAK, SPF_OAK), (SPF_OAK,))
    assert vouched_as_well((DKIM_OAK,), (Proof(Method.DKIM, "x.example"), DKIM_OAK))


def test_proof_of_nothing_is_never_enough() -> None:
    assert not vouched_as_well((DKIM_OAK,), ())
    assert not vouched_as_well((), (DKIM_OAK,))
    assert NO_EVIDENCE.proofs == ()
    assert not NO_EVIDENCE.reverse_path_proven


@pytest.mark.parametrize("proof", [DKIM_OAK, SPF_OAK, NET, Proof(Method.NETWORK, "2001:db8::/64")])
def test_proof_written_and_read_is_itself(proof: Proof) -> None:
    assert Proof.parse(str(proof)) == proof


@pytest.mark.parametrize("text", ["", "dkim", "dkim:", ":oak.example", "arc:oak.example", "DKIM:oak.example"])
def test_proof_parse_of_anything_else_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        Proof.parse(text)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", ""),
        ("", ""),
        ("192.0.2.0/24", ""),
    ],
)
def test_network_of_a_client_is_its_neighbourhood(address: str, network: str) -> None:
    assert network_of(address) == network


@given(st.text(max_size=60))
def test_network_of_any_text_raises_nothing(text: str) -> None:
    network_of(text)


@pytest.mark.parametrize(
    ("proofs", "network", "required"),
    [
        ((DKIM_OAK, SPF_OAK), NETWORK, "dkim:oak.example spf:oak.example"),
        ((), NETWORK, "network:192.0.2.0/24"),
        ((), "", "aligned"),
        ((SPF_OAK,), "", "spf:oak.example"),
    ],
)
def test_proof_to_require_is_never_nothing(proofs: tuple[Proof, ...], network: str, required: str) -> None:
    assert proof_to_require(proofs, network) == required


@pytest.mark.parametrize(
    ("address", "within"),
    [
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("192.0.3.7", False),
        ("2001:db8::7", False),
        ("", False),
        ("mail.oak.example", False),
    ],
)
def test_client_lies_in_a_network_by_its_address_alone(address: str, within: bool) -> None:
    assert in_network(address, ip_network("192.0.2.0/24")) is within
