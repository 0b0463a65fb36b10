from __future__ import annotations

from dataclasses import fields

from gateway.domain.address import Address
from gateway.domain.envelope import Client, Envelope, Recipient, Transaction

JOE, ANNA = Address.of("joe@example.org"), Address.of("anna@oak.example")


def test_envelope_of_a_transaction_is_what_the_client_said() -> None:
    transaction = Transaction(
        Client("192.0.2.7"), ANNA, [Recipient(JOE, "NEVER")], size=7, body_8bit=True, smtputf8=True, ret="HDRS",
        envid="one",
    )  # fmt: skip
    envelope = Envelope.of(transaction)
    assert envelope.recipients == (Recipient(JOE, "NEVER"),)
    for name in {field.name for field in fields(Envelope)} - {"recipients"}:
        assert getattr(envelope, name) == getattr(transaction, name), name
