from __future__ import annotations

import pytest

from gateway.checks.mail_domain import MailDomainCheck
from tests.unit.checks.fake_resolver import FakeResolver, Fault, Records


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({"MX": ["10 mx.oak.example"]}, True),
        ({"MX": ["0 ."]}, False),
        ({"MX": ["0 ."], "A": ["192.0.2.1"]}, False),
        ({"A": ["192.0.2.1"]}, True),
        ({"AAAA": ["2001:db8::1"]}, True),
        ({"TXT": ["hello"]}, False),
        ({}, False),
        ({"MX": Fault.FAILS}, None),
        ({"A": Fault.FAILS}, None),
        ({"AAAA": Fault.FAILS}, None),
        (Fault.HANGS, None),
    ],
)
async def test_domain_takes_mail_as_its_records_say(records: Records, expected: bool | None) -> None:
    checks = MailDomainCheck(FakeResolver({"oak.example": records}), monotonic=lambda: 0.0)
    assert await checks.check("oak.example", 0 if records is Fault.HANGS else 5) is expected
    assert checks.known("oak.example") is expected


@pytest.mark.parametrize("name", ["oak.invalid", "oak.test", "nowhere.example"])
async def test_reserved_name_that_does_not_resolve_takes_no_mail_after_one_question(name: str) -> None:
    fake = FakeResolver({})
    assert await MailDomainCheck(fake, monotonic=lambda: 0.0).check(name, 5) is False
    assert fake.asked == [(name, "MX")]


@pytest.mark.parametrize("name", ["", "[192.0.2.1]", "localhost"])
async def test_what_is_no_domain_is_not_known(name: str) -> None:
    assert await MailDomainCheck(FakeResolver({}), monotonic=lambda: 0.0).check(name, 5) is None
