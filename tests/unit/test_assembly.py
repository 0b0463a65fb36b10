"""What parts are told by the settings."""

from __future__ import annotations

from ipaddress import ip_network

from gateway import assembly
from gateway.domain.envelope import Client
from gateway.flow.receive_rules import comes_from_near
from gateway.relay.opening import TlsPolicy
from gateway.settings import load


def test_mail_to_the_outside_goes_to_the_smart_host_unless_it_has_a_server_of_its_own() -> None:
    told = {
        "GATEWAY_RELAY_SMART_HOST": "out.example.org:25",
        "GATEWAY_RELAY_SMART_HOST_TLS": "verify",
        "GATEWAY_OUTGOING_LISTEN": "127.0.0.1:2526",
        "GATEWAY_OUTGOING_CLIENTS": "192.0.2.1",
    }
    settings = load(None, told)
    hop = assembly.outgoing_hop_settings(settings)
    assert (hop.host, hop.tls, hop.connections) == ("out.example.org", TlsPolicy.VERIFY, 10)
    door = assembly.outgoing_door_settings(settings)
    assert (door.only_trusted, door.trusted_clients) == (True, (ip_network("192.0.2.1/32"),))
    assert door.max_memory_octets == 67_108_864
    assert assembly.receive_rules(settings, bytes(32)).reply_days == 60
    own = load(None, {**told, "GATEWAY_OUTGOING_NEXT_HOP": "127.0.0.1:10028", "GATEWAY_OUTGOING_NEXT_HOP_TLS": "none"})
    hop = assembly.outgoing_hop_settings(own)
    assert (hop.host, hop.port, hop.tls) == ("127.0.0.1", 10028, TlsPolicy.NONE)
    assert assembly.receive_rules(load(None, {}), bytes(32)).reply_days == 0


def test_pages_offer_the_usual_puzzles_where_nobody_is_asked_and_none_is_named() -> None:
    settings = load(None, {"GATEWAY_CHALLENGE_MODE": "off", "GATEWAY_CHALLENGE_CAPTCHA": ""})
    assert settings.challenge.captcha == ()
    assert assembly.site(settings).captcha == ("image", "proof-of-work")


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


def test_bare_line_ends_after_a_queue_are_made_crlf_whatever_is_set() -> None:
    ends = {
        stage: assembly.door_settings(
            load(None, {"GATEWAY_SMTP_STAGE": stage, "GATEWAY_SMTP_BARE_LINE_ENDS": "refuse"})
        ).bare_line_ends
        for stage in ("before-queue", "after-queue", "edge")
    }
    assert ends == {"before-queue": "refuse", "after-queue": "normalise", "edge": "refuse"}
