from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.dmarc import DmarcCheck, Published, Unpublished, judge, proofs, read_record, reverse_path_proven
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.evidence import Dkim, Method, Proof, Result, Spf
from tests.unit.checks.fake_resolver import FakeResolver, Fault, Zone

OAK = Published("oak.example", "reject", "reject")
STRICT = Published("oak.example", "reject", "reject", dkim_strict=True, spf_strict=True)


def dkim(domain: str, result: Result = Result.PASS) -> Dkim:
    return Dkim(result, domain, "s1")


def spf(domain: str, result: Result = Result.PASS, of_helo: bool = False) -> Spf:
    return Spf(result, domain, of_helo)


async def find(zone: Zone, author: str = "mail.oak.example", seconds: float = 5) -> Published | Unpublished:
    return await DmarcCheck(FakeResolver(zone), monotonic=lambda: 0.0).check(author, seconds)


def txt(*texts: str) -> dict[str, list[str]]:
    return {"TXT": list(texts)}


async def test_record_at_the_authors_domain_is_found_first() -> None:
    zone = {"_dmarc.mail.oak.example": txt("v=DMARC1; p=none"), "_dmarc.oak.example": txt("v=DMARC1; p=reject")}
    assert await find(zone) == Published("mail.oak.example", "none", "none")


async def test_record_at_the_organisational_domain_is_found_next() -> None:
    found = await find({"_dmarc.oak.example": txt("v=DMARC1; p=reject; sp=quarantine")}, "a.mail.oak.example")
    assert found == Published("oak.example", "reject", "quarantine")
    assert isinstance(found, Published)
    assert found.policy_for("a.mail.oak.example") == "quarantine"
    assert found.policy_for("oak.example") == "reject"


@pytest.mark.parametrize(
    "zone",
    [
        {},
        {"_dmarc.oak.example": txt("hello", "v=spf1 -all", "v=DMARC10; p=reject")},
        {"_dmarc.oak.example": txt("v=DMARC1; p=reject", "v=DMARC1; p=none")},
        {"_dmarc.mail.oak.example": txt("v=DMARC1; p=reject", "v=DMARC1; p=none"), "_dmarc.oak.example": txt("v=DMARC1; p=none")},
        {"_dmarc.oak.example": txt("p=reject; v=DMARC1")},
        {"_dmarc.oak.example": txt("v=DMARC1")},
        {"_dmarc.oak.example": txt("v=DMARC1; p=hold")},
        {"_dmarc.example": txt("v=DMARC1; p=reject")},
    ],
)  # fmt: skip
async def test_no_single_useful_record_means_none(zone: Zone) -> None:
    assert await find(zone) is Unpublished.NONE


@pytest.mark.parametrize("author", ["", "example", "[192.0.2.1]", "a..b"])
async def test_author_without_a_domain_means_none_without_a_question(author: str) -> None:
    fake = FakeResolver({})
    assert await DmarcCheck(fake, monotonic=lambda: 0.0).check(author, 5) is Unpublished.NONE
    assert fake.asked == []


async def test_failing_or_slow_dns_means_unknown_and_is_not_remembered() -> None:
    assert await find({"_dmarc.oak.example": Fault.FAILS}) is Unpublished.UNKNOWN
    checks = DmarcCheck(FakeResolver({"_dmarc.oak.example": Fault.HANGS}), monotonic=lambda: 0.0)
    assert await checks.check("oak.example", 0) is Unpublished.UNKNOWN
    assert checks.known("oak.example") is None


async def test_record_is_remembered_for_a_minute() -> None:
    clock = [0.0]
    checks = DmarcCheck(FakeResolver({}), monotonic=lambda: clock[0])
    await checks.check("oak.example", 5)
    assert checks.known("oak.example") is Unpublished.NONE
    clock[0] = 60.0
    assert checks.known("oak.example") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DMARC1;p=reject;adkim=s;aspf=s;pct=20", Published("d", "reject", "reject", True, True)),
        ("v = DMARC1 ; P = Quarantine ; adkim=r", Published("d", "quarantine", "quarantine")),
        ("v=DMARC1; p=none; pct=900", Published("d", "none", "none")),
        ("v=DMARC1; p=none; pct=x; ;;=; zz", Published("d", "none", "none")),
        ("v=DMARC1; p=bad; rua=mailto:a@oak.example", Published("d", "none", "none")),
        ("v=DMARC1; p=reject; sp=bad", Unpublished.NONE),
        ("v=DMARC1; p=reject; p=none", Published("d", "reject", "reject")),
    ],
)
def test_record_is_read_leniently(text: str, expected: Published | Unpublished) -> None:
    assert read_record(text.encode(), "d") == expected


@given(st.binary(max_size=100))
def test_any_record_never_raises(octets: bytes) -> None:
    read_record(b"v=DMARC1;" + octets, "d")
    asyncio.run(find({"_dmarc.oak.example": txt("v=DMARC1;" + octets.decode("latin-1"))}))


def test_aligned_passes_are_proofs_with_dkim_first_and_each_once() -> None:
    found = proofs(
        "oak.example",
        OAK,
        spf("bounce.oak.example"),
        (dkim("mail.oak.example"), dkim("mail.oak.example"), dkim("elm.example")),
    )
    assert found == (Proof(Method.DKIM, "mail.oak.example"), Proof(Method.SPF, "bounce.oak.example"))


def test_proofs_need_no_published_record() -> None:
    assert proofs("oak.example", Unpublished.NONE, None, (dkim("a.oak.example"),)) == (
        Proof(Method.DKIM, "a.oak.example"),
    )


@pytest.mark.parametrize("published", [STRICT, Unpublished.UNKNOWN])
def test_strict_or_unknown_alignment_proves_only_the_very_domain(published: Published | Unpublished) -> None:
    assert proofs("oak.example", published, spf("a.oak.example"), (dkim("a.oak.example"),)) == ()
    assert len(proofs("oak.example", published, spf("oak.example"), (dkim("oak.example"),))) == 2


@pytest.mark.parametrize("result", [each for each in Result if each is not Result.PASS])
def test_anything_but_pass_proves_nothing(result: Result) -> None:
    assert proofs("oak.example", OAK, spf("oak.example", result), (dkim("oak.example", result),)) == ()


def test_pass_of_helo_counts_for_mail_without_a_reverse_path() -> None:
    assert proofs("oak.example", OAK, spf("mx.oak.example", of_helo=True), ()) == (Proof(Method.SPF, "mx.oak.example"),)


def test_mail_without_a_single_author_has_no_proofs() -> None:
    assert proofs("", Unpublished.NONE, spf("oak.example"), (dkim("oak.example"),)) == ()


@pytest.mark.parametrize(
    ("author", "signer"), [("anna.github.io", "ben.github.io"), ("oak.co.uk", "elm.co.uk"), ("oak.co.uk", "co.uk")]
)
def test_neighbours_under_a_public_suffix_prove_nothing(author: str, signer: str) -> None:
    assert proofs(author, Unpublished.NONE, spf(signer), (dkim(signer),)) == ()


@pytest.mark.parametrize(
    ("published", "spf_found", "dkim_found", "expected"),
    [
        (OAK, None, (dkim("oak.example"),), Result.PASS),
        (OAK, spf("oak.example"), (), Result.PASS),
        (OAK, spf("elm.example"), (dkim("elm.example"),), Result.FAIL),
        (OAK, spf("oak.example", Result.TEMPERROR), (), Result.TEMPERROR),
        (OAK, spf("elm.example", Result.TEMPERROR), (), Result.FAIL),
        (OAK, None, (dkim("a.oak.example", Result.TEMPERROR),), Result.TEMPERROR),
        (OAK, spf("oak.example"), (dkim("oak.example", Result.TEMPERROR),), Result.PASS),
        (STRICT, spf("a.oak.example"), (), Result.FAIL),
        (Unpublished.NONE, spf("oak.example"), (), Result.NONE),
        (Unpublished.UNKNOWN, spf("oak.example"), (), Result.TEMPERROR),
    ],
)
def test_result_follows_from_what_passed_in_alignment(
    published: Published | Unpublished, spf_found: Spf | None, dkim_found: tuple[Dkim, ...], expected: Result
) -> None:
    vouched = proofs("oak.example", published, spf_found, dkim_found)
    assert judge("oak.example", published, spf_found, dkim_found, vouched).result is expected
    if expected is Result.FAIL:
        assert vouched == ()


def test_reverse_path_is_proven_by_its_own_spf_or_by_a_signature_for_the_very_address() -> None:
    anna, bounce = Address.of("Anna@oak.example"), Address.of("bounce@elm.example")
    signer = (Proof(Method.DKIM, "mail.oak.example"),)
    assert reverse_path_proven(bounce, anna, spf("elm.example"), ())
    assert reverse_path_proven(Address.of("anna@OAK.example"), anna, None, signer)
    # A mail that oak.example signed for Anna, sent again with Ben's address on the envelope, says nothing of Ben.
    assert not reverse_path_proven(Address.of("ben@oak.example"), anna, None, signer)
    assert not reverse_path_proven(bounce, anna, None, signer)
    assert not reverse_path_proven(bounce, anna, spf("elm.example", Result.SOFTFAIL), signer)
    assert not reverse_path_proven(bounce, anna, spf("elm.example", of_helo=True), ())
    assert not reverse_path_proven(anna, anna, None, (Proof(Method.SPF, "oak.example"),))
    assert not reverse_path_proven(NULL_PATH, anna, spf("", Result.PASS), signer)
    assert not reverse_path_proven(anna, None, None, signer)
