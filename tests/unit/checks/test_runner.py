from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.lookups import Lookups, NotFound
from gateway.checks.runner import EvidenceRunner
from gateway.domain import header
from gateway.domain.address import Address
from gateway.domain.envelope import Client, Transaction
from gateway.domain.evidence import Dkim, Dmarc, Evidence, Method, Proof, Result, Spf
from gateway.domain.message import read_message
from tests.corpus import samples
from tests.unit.checks.fake_resolver import FakeResolver, Fault, Records
from tests.unit.checks.signing import MAIL, rsa_pair, signed

CLIENT = Client("192.0.2.3", helo="mail.oak.example")
ZONE: dict[str, Records] = {
    "oak.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"], "MX": ["10 mail.oak.example"]},
    "mail.oak.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
    "_dmarc.oak.example": {"TXT": ["v=DMARC1; p=reject"]},
    "s1._domainkey.oak.example": {"TXT": [rsa_pair().record()]},
    "evil.example": {"TXT": ["v=spf1 +all"], "MX": ["10 mail.evil.example"]},
}


def runner(lookups: Lookups, **more: Any) -> EvidenceRunner:
    return EvidenceRunner(lookups, now=time.time, monotonic=lambda: 0.0, **more)


async def inspect(
    checks: EvidenceRunner, content: bytes = MAIL, path: str = "anna@oak.example", client: Client = CLIENT
) -> Evidence:
    head = header.split(content)
    transaction = Transaction(client, Address.of(path), id="t1")
    return await checks.inspect(transaction, head, read_message(head), content)


async def test_proven_mail_has_all_its_evidence() -> None:
    checks = runner(FakeResolver(ZONE))
    assert await inspect(checks, signed()) == Evidence(
        spf=Spf(Result.PASS, "oak.example"),
        dkim=(Dkim(Result.PASS, "oak.example", "s1"),),
        dmarc=Dmarc(Result.PASS, "oak.example", "reject"),
        proofs=(Proof(Method.DKIM, "oak.example"), Proof(Method.SPF, "oak.example")),
        reverse_path_proven=True,
        sender_domain_takes_mail=True,
    )
    checks.close()


async def test_forged_author_is_not_proven_by_the_forgers_own_domain() -> None:
    found = await inspect(runner(FakeResolver(ZONE)), path="eve@evil.example")
    assert found.spf == Spf(Result.PASS, "evil.example")
    assert found.dmarc == Dmarc(Result.FAIL, "oak.example", "reject")
    assert found.proofs == ()
    assert found.reverse_path_proven


async def test_null_reverse_path_is_checked_by_helo_and_asks_for_no_mail_domain() -> None:
    fake = FakeResolver(ZONE)
    found = await inspect(runner(fake), path="")
    assert found.spf == Spf(Result.PASS, "mail.oak.example", of_helo=True)
    assert found.proofs == (Proof(Method.SPF, "mail.oak.example"),)
    assert not found.reverse_path_proven
    assert found.sender_domain_takes_mail is None
    assert ("mail.oak.example", "MX") not in fake.asked


@pytest.mark.parametrize(
    ("head", "result"),
    [
        (b"From: a@oak.example, b@oak.example\r\n", Result.PERMERROR),
        (b"From: a@oak.example\r\nFrom: b@oak.example\r\n", Result.PERMERROR),
        (b"From: nobody\r\n", Result.PERMERROR),
        (b"To: a@oak.example\r\n", Result.NONE),
    ],
)
async def test_mail_without_a_single_author_is_never_proven(head: bytes, result: Result) -> None:
    found = await inspect(runner(FakeResolver(ZONE)), head + b"\r\nbody\r\n")
    assert found.dmarc == Dmarc(result, "")
    assert found.proofs == ()


async def test_dns_that_hangs_ends_every_check_at_the_one_deadline() -> None:
    names = ("oak.example", "_dmarc.oak.example", "s1._domainkey.oak.example")
    checks = runner(FakeResolver(dict.fromkeys(names, Fault.HANGS)), deadline_seconds=0.05)
    start = time.monotonic()
    found = await inspect(checks, signed())
    assert time.monotonic() - start < 5
    assert found == Evidence(
        spf=Spf(Result.TEMPERROR, "oak.example"),
        dkim=(Dkim(Result.TEMPERROR, "oak.example", "s1", "not verified in time"),),
        dmarc=Dmarc(Result.TEMPERROR, "oak.example"),
    )


async def test_dns_that_fails_refuses_nothing_and_proves_nothing() -> None:
    names = ("oak.example", "_dmarc.oak.example", "s1._domainkey.oak.example")
    found = await inspect(runner(FakeResolver(dict.fromkeys(names, Fault.FAILS))), signed())
    assert found.spf == Spf(Result.TEMPERROR, "oak.example")
    assert found.dmarc == Dmarc(Result.TEMPERROR, "oak.example")
    assert found.sender_domain_takes_mail is None
    assert found.proofs == ()


class Broken(FakeResolver):
    """A resolver with a fault of our own in one place."""

    async def mx(self, name: str) -> tuple[()] | NotFound:
        raise RuntimeError("our bug")


async def test_our_own_fault_in_one_check_leaves_the_others_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        found = await inspect(runner(Broken(ZONE)))
    assert found.sender_domain_takes_mail is None
    assert found.proofs == (Proof(Method.SPF, "oak.example"),)
    assert "mail domain" in caplog.text
    assert "our bug" in caplog.text


async def test_caller_that_is_cancelled_is_not_held_up() -> None:
    task = asyncio.create_task(inspect(runner(FakeResolver({"oak.example": Fault.HANGS}))))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_sender_seen_before_costs_no_question_no_task_and_no_thread() -> None:
    fake = FakeResolver(ZONE)
    checks = runner(fake)
    first = await inspect(checks)
    asked, threads = len(fake.asked), set(threading.enumerate())
    coroutine = inspect(checks)
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)  # Runs to its end without once waiting.
    assert done.value.value == first
    # Of those that were there one may have ended meanwhile.
    assert (len(fake.asked), set(threading.enumerate()) - threads) == (asked, set())


# --- upstream ---

TOLD = (
    b"Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=anna@oak.example;\r\n"
    b"\tdkim=pass header.d=oak.example header.s=s1; dmarc=pass header.from=oak.example\r\n"
)


async def test_trusted_upstream_is_believed_and_named() -> None:
    fake = FakeResolver(ZONE)
    checks = runner(fake, trusted_authserv_ids=["MX.example.org"])
    found = await inspect(checks, TOLD + MAIL, client=Client("10.0.0.1"))
    assert found.source == "mx.example.org"
    assert found.spf == Spf(Result.PASS, "oak.example")
    assert found.proofs == (Proof(Method.DKIM, "oak.example"), Proof(Method.SPF, "oak.example"))
    assert found.dmarc == Dmarc(Result.PASS, "oak.example", "reject")
    assert found.reverse_path_proven
    assert ("oak.example", "TXT") not in fake.asked


async def test_results_of_a_server_nobody_trusts_change_nothing() -> None:
    plain = await inspect(runner(FakeResolver({})))
    assert await inspect(runner(FakeResolver({})), TOLD + MAIL) == plain
    assert plain.proofs == ()


async def test_upstream_that_says_dmarc_failed_takes_the_proofs_away() -> None:
    checks = runner(FakeResolver(ZONE), trusted_authserv_ids=["mx.example.org"])
    found = await inspect(checks, TOLD.replace(b"dmarc=pass", b"dmarc=fail") + MAIL)
    assert found.dmarc == Dmarc(Result.FAIL, "oak.example", "reject")
    assert found.proofs == ()


async def test_signature_the_upstream_did_not_look_at_is_verified_here() -> None:
    checks = runner(FakeResolver(ZONE), trusted_authserv_ids=["mx.example.org"])
    told = b"Authentication-Results: mx.example.org; spf=fail smtp.mailfrom=oak.example\r\n"
    found = await inspect(checks, told + signed())
    assert found.spf == Spf(Result.FAIL, "oak.example")
    assert found.dkim == (Dkim(Result.PASS, "oak.example", "s1"),)
    checks.close()


async def test_upstream_that_only_checked_helo_proves_no_reverse_path() -> None:
    checks = runner(FakeResolver(ZONE), trusted_authserv_ids=["mx.example.org"])
    told = b"Authentication-Results: mx.example.org; spf=pass smtp.helo=oak.example; dkim=none\r\n"
    found = await inspect(checks, told + MAIL)
    assert (found.spf, found.proofs, found.reverse_path_proven) == (None, (), False)


# --- whatever comes ---


class Watch(logging.Handler):
    """Keeps what is logged as a fault of ours."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.faults: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.faults.append(record)


@given(st.binary(max_size=400), st.text(max_size=40), st.text(max_size=40))
def test_any_mail_path_and_helo_never_raise_nor_log_a_fault(content: bytes, path: str, helo: str) -> None:
    watch = Watch()
    logging.getLogger("gateway.checks").addHandler(watch)
    checks = runner(FakeResolver(ZONE), trusted_authserv_ids=["mx.example.org"])
    asyncio.run(inspect(checks, content, path, Client("192.0.2.3", helo=helo)))
    asyncio.run(inspect(checks, b"From: " + content + b"\r\nDKIM-Signature: " + content + b"\r\n\r\n", path))
    logging.getLogger("gateway.checks").removeHandler(watch)
    checks.close()
    assert watch.faults == []


async def test_every_mail_of_the_corpus_is_inspected_without_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    checks = runner(FakeResolver(ZONE), trusted_authserv_ids=["mx.example.org"])
    for sample in samples():
        await inspect(checks, sample.content)
        found = await inspect(checks, signed(MAIL + sample.content))
        assert found.dkim[0].result is Result.PASS, sample.path
    checks.close()
    assert caplog.records == []
