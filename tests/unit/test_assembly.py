"""What parts are told by the settings."""

from __future__ import annotations

from gateway import assembly
from gateway.domain.envelope import Client
from gateway.flow.receive_rules import comes_from_near
from gateway.settings import load


def test_release_marks_are_believed_from_trusted_clients_and_next_hops_alone() -> None:
    settings = load(
        None,
        {
            "GATEWAY_SMTP_TRUSTED_CLIENTS": "192.0.2.0/28",
            "GATEWAY_RELAY_NEXT_HOP": "198.51.100.25:25",
            "GATEWAY_RELAY_DOMAINS": '{ "example.org" = "mail.oak.example:25" }',
        },
    )
    near = assembly.receive_rules(settings, bytes(32)).near
    assert comes_from_near(near, Client("192.0.2.3"))
    assert comes_from_near(near, Client("198.51.100.25"))
    assert comes_from_near(near, Client("", source="LOCAL"))
    assert not comes_from_near(near, Client("198.51.100.26"))
    assert not comes_from_near(near, Client("", source="REMOTE"))
    assert not comes_from_near(near, Client("127.0.0.1"))
