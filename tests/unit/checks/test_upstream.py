from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.upstream import Told, read_upstream
from gateway.domain.evidence import Dkim, Dmarc, Result, Spf
from gateway.domain.header import split

TRUSTED = frozenset({"mx.example.org"})
RECEIVED = "Received: from a by b; now\r\n"
RESULTS = (
    "Authentication-Results: MX.example.org 1;\r\n"
    "\tspf=pass (all well) smtp.mailfrom=anna@oak.example;\r\n"
    "\tdkim=pass reason=\"good\" header.d=oak.example header.s=s1 header.b=abc;\r\n"
    "\tdkim=fail header.i=@elm.example;\r\n"
    "\tdmarc=pass header.from=oak.example\r\n"
)  # fmt: skip


def read(text: str) -> Told | None:
    return read_upstream(split(text.encode("utf-8", "surrogateescape") + b"From: a@oak.example\r\n\r\n"), TRUSTED)


def test_trusted_results_are_read() -> None:
    assert read(RESULTS) == Told(
        "mx.example.org",
        spf=Spf(Result.PASS, "oak.example"),
        dkim=(Dkim(Result.PASS, "oak.example", "s1"), Dkim(Result.FAIL, "elm.example", "")),
        dmarc=Dmarc(Result.PASS, "oak.example"),
    )


def test_results_below_the_trusted_servers_own_received_field_are_read() -> None:
    assert read(RECEIVED + RESULTS + RECEIVED) is not None


def test_results_below_the_second_received_field_are_not_believed() -> None:
    assert read(RECEIVED + RECEIVED + RESULTS) is None


def test_results_of_somebody_else_are_not_believed() -> None:
    assert read(RESULTS.replace("MX.", "mx2.")) is None
    assert read_upstream(split(RESULTS.encode()), frozenset()) is None


def test_topmost_result_of_a_method_wins() -> None:
    below = "Authentication-Results: mx.example.org; spf=fail smtp.mailfrom=oak.example; dmarc=fail header.from=x.example\r\n"
    told = read(RESULTS + below)
    assert told is not None
    assert told.spf == Spf(Result.PASS, "oak.example")
    assert told.dmarc is not None
    assert told.dmarc.result is Result.PASS


def test_results_of_two_trusted_servers_are_not_mixed() -> None:
    below = "Authentication-Results: inner.example.org; spf=pass smtp.mailfrom=oak.example\r\n"
    head = split(("Authentication-Results: mx.example.org; dkim=none\r\n" + below + "\r\n").encode())
    assert read_upstream(head, TRUSTED | {"inner.example.org"}) == Told("mx.example.org", dkim=())


def test_method_that_was_not_looked_for_is_none() -> None:
    assert read("Authentication-Results: mx.example.org; none\r\n") == Told("mx.example.org")
    told = read("Authentication-Results: mx.example.org; spf=pass smtp.helo=mail.oak.example; dkim=none\r\n")
    assert told == Told("mx.example.org", Spf(Result.PASS, "mail.oak.example", of_helo=True), dkim=())


@pytest.mark.parametrize(
    "text",
    [
        "Authentication-Results: mx.example.org; spf=\r\n",
        "Authentication-Results: mx.example.org 7; spf=pass\r\n",
        "Authentication-Results: " + "(" * 3000 + "\r\n",
        "Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=" + "a" * 9000 + "\r\n",
        "Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=ü.example\r\n",
    ],
)
def test_malformed_field_is_as_if_it_were_not_there(text: str) -> None:
    assert read(text) is None
    assert read(text + RESULTS) is not None


def test_unknown_result_words_and_names_that_are_no_domains_are_passed_over() -> None:
    told = read(
        "Authentication-Results: mx.example.org; spf=great smtp.mailfrom=a.example; dkim=pass header.d=example\r\n"
    )
    assert told == Told("mx.example.org", dkim=())


@given(st.binary(max_size=200))
def test_any_value_never_raises(value: bytes) -> None:
    for head in (b"Authentication-Results:", b"Authentication-Results: mx.example.org;"):
        read_upstream(split(head + value + b"\r\n\r\n"), TRUSTED)
