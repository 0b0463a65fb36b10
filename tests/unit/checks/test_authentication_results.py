from __future__ import annotations

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.authentication_results import forged_fields, results_field
from gateway.domain.evidence import NO_EVIDENCE, Dkim, Dmarc, Evidence, Result, Spf
from gateway.domain.header import split

US = "gateway.example.org"
FULL = Evidence(
    spf=Spf(Result.PASS, "oak.example"),
    dkim=(Dkim(Result.PASS, "oak.example", "s1"), Dkim(Result.POLICY, "elm.example", "s2", "key too short")),
    dmarc=Dmarc(Result.PASS, "oak.example", "reject"),
)


def test_evidence_is_written_as_one_folded_field() -> None:
    assert results_field(US, FULL).decode() == (
        "Authentication-Results: gateway.example.org;\r\n"
        "\tspf=pass smtp.mailfrom=oak.example;\r\n"
        "\tdkim=pass header.d=oak.example header.s=s1;\r\n"
        '\tdkim=policy reason="key too short" header.d=elm.example header.s=s2;\r\n'
        "\tdmarc=pass header.from=oak.example policy.dmarc=reject\r\n"
    )


def test_no_evidence_is_written_as_none() -> None:
    assert results_field(US, NO_EVIDENCE) == b"Authentication-Results: gateway.example.org;\r\n\tnone\r\n"


def test_helo_identity_and_missing_names_are_written_so() -> None:
    evidence = Evidence(
        spf=Spf(Result.NONE, "", of_helo=True), dkim=(Dkim(Result.PERMERROR, "", ""),), dmarc=Dmarc(Result.NONE, "")
    )
    assert results_field(US, evidence) == (
        b"Authentication-Results: gateway.example.org;\r\n\tspf=none;\r\n\tdkim=permerror;\r\n\tdmarc=none\r\n"
    )


def test_written_field_is_read_by_authres() -> None:
    text = results_field(US, FULL).decode().partition(":")[2].replace("\r\n", "")
    parsed = authres.AuthenticationResultsHeader.parse_value(text)
    assert parsed.authserv_id == US
    assert [(each.method, each.result) for each in parsed.results] == [
        ("spf", "pass"), ("dkim", "pass"), ("dkim", "policy"), ("dmarc", "pass"),
    ]  # fmt: skip
    assert parsed.results[0].smtp_mailfrom == "oak.example"


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=60), st.text(max_size=60))
def test_nothing_from_the_mail_breaks_out(domain: str, selector: str, note: str, helo: str) -> None:
    evidence = Evidence(
        spf=Spf(Result.FAIL, helo, of_helo=True),
        dkim=(Dkim(Result.FAIL, domain, selector, note),),
        dmarc=Dmarc(Result.FAIL, domain, "none"),
    )
    octets = results_field(US, evidence)
    (field,) = split(octets + b"\r\n").fields
    assert field.end == len(octets)
    assert octets.isascii()
    assert all(octet >= 32 or octet in (9, 10, 13) for octet in octets)
    assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
    # Every semicolon outside of quotes is one of ours.
    text, quoted, count, at = octets.decode(), False, 0, 0
    while at < len(text):
        if quoted and text[at] == "\\":
            at += 1
        elif text[at] == '"':
            quoted = not quoted
        elif text[at] == ";" and not quoted:
            count += 1
        at += 1
    assert (count, quoted) == (3, False)


def test_backslash_and_quote_in_a_value_are_escaped() -> None:
    octets = results_field(US, Evidence(spf=Spf(Result.FAIL, 'a\\"; dkim=pass\\')))
    assert octets.endswith(b'smtp.mailfrom="a\\\\\\"; dkim=pass\\\\"\r\n')


def test_lines_are_shorter_than_78_unless_one_name_is_longer() -> None:
    name = "a" * 40 + ".oak.example"
    evidence = Evidence(dkim=(Dkim(Result.FAIL, name, "s" * 40, "signature does not match"),))
    lines = results_field(US, evidence).split(b"\r\n")
    assert all(len(line) < 78 for line in lines)
    assert len(lines) > 3


FORGED = [
    "gateway.example.org; spf=pass",
    "GateWay.Example.ORG; spf=pass",
    "gateway.example.org;spf=pass",
    "gateway.example.org",
    "gateway.example.org 1; spf=pass",
    "gateway.example.org/1; spf=pass",
    "gateway.example.org.; spf=pass",
    "  \t gateway.example.org\t; spf=pass",
    "\r\n gateway.example.org; spf=pass",
    "\r\n\t\r\n gateway.example.org\r\n ; spf=pass",
    "(hello) gateway.example.org; spf=pass",
    "(a (b \\) c) d)gateway.example.org(x)1(y); spf=pass",
    "(\r\n x;y\r\n ) gateway.example.org; spf=pass",
    '"gateway.example.org"; spf=pass',
    '"gateway\\.example.org" 1; spf=pass',
    '("quoted ( inside") gateway.example.org; spf=pass',
    "gateway. example .org; spf=pass",
    "gateway.(x)example.org; spf=pass",
    "gateway.example.org\x00; spf=pass",
    "\x0bgateway.example.org; spf=pass",
    "\u00a0gateway.example.org; spf=pass",
    "(never closed gateway.example.org; spf=pass",
    '"never closed gateway.example.org; spf=pass',
]
HONEST = [
    "mx.example.org; spf=pass",
    "gateway.example.org.evil.example; spf=pass",
    "xgateway.example.org; spf=pass",
    "mx.example.net; spf=pass smtp.mailfrom=gateway.example.org",
    "mx.example.net (for gateway.example.org); spf=pass",
    "",
    ";",
    "; gateway.example.org",
]


@pytest.mark.parametrize("value", FORGED)
@pytest.mark.parametrize("name", ["Authentication-Results:", "AUTHENTICATION-results :"])
def test_field_in_our_name_is_found_with_its_range(name: str, value: str) -> None:
    before = b"Received: from a by b; now\r\nAuthentication-Results: mx.example.net; none\r\n"
    field = f"{name} {value}\r\n".encode()
    content = before + field + b"From: a@b.example\r\n\r\nbody\r\n"
    assert forged_fields(split(content), US) == ((len(before), len(before) + len(field)),)


@pytest.mark.parametrize("value", HONEST)
def test_field_of_somebody_else_is_left_alone(value: str) -> None:
    assert forged_fields(split(f"Authentication-Results: {value}\r\n\r\n".encode()), US) == ()


def test_field_in_our_name_in_unicode_is_found() -> None:
    content = "Authentication-Results: Gateway.bücher.example; spf=pass\r\n\r\n".encode()
    assert len(forged_fields(split(content), "gateway.xn--bcher-kva.example")) == 1
    assert len(forged_fields(split(content), "gateway.bücher.example")) == 1


def test_our_own_field_is_found_again() -> None:
    assert len(forged_fields(split(results_field(US, FULL) + b"\r\n"), US)) == 1


@given(st.binary(max_size=200))
def test_any_value_never_raises(value: bytes) -> None:
    forged_fields(split(b"Authentication-Results:" + value + b"\r\n\r\n"), US)


@pytest.mark.parametrize(
    "value", [b"(" * 200_000, b'"' * 200_000, b"\\" * 200_001, "ü".encode() * 100_000, b"a " * 100_000]
)
def test_hostile_value_is_read_in_one_pass(value: bytes) -> None:
    assert forged_fields(split(b"Authentication-Results: " + value + b"\r\n\r\n"), US) == ()
