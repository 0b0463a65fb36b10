"""Plain values for the tests of the door out."""

from __future__ import annotations

from gateway.domain.address import Address
from gateway.domain.envelope import Client, Envelope, Recipient
from gateway.relay.opening import HopSettings, TlsPolicy

CONTENT = b"Subject: x\r\n\r\nHello\r\n.a line with a dot\r\n"
ON_THE_WIRE = b"Subject: x\r\n\r\nHello\r\n..a line with a dot\r\n.\r\n"
CLIENT = Client("2001:db8::1", 4321, "mx.oak.example", "mx.oak.example", "ESMTPS", True, "REMOTE", "4XyZ")


def settings(
    port: int,
    *,
    tls: TlsPolicy = TlsPolicy.NONE,
    connections: int = 20,
    ca_file: str = "",
    user: str = "",
    password_file: str = "",
    seconds: float = 20.0,
    max_uses: int = 1000,
    idle_seconds: float = 60.0,
    wait_seconds: float = 20.0,
    max_waiting: int = 1000,
) -> HopSettings:
    return HopSettings(
        host="127.0.0.1", port=port, hostname="gateway.example.org", tls=tls, ca_file=ca_file, user=user,
        password_file=password_file, connections=connections, max_uses=max_uses, idle_seconds=idle_seconds,
        wait_seconds=wait_seconds, max_waiting=max_waiting, connect_seconds=seconds, command_seconds=seconds,
        data_seconds=seconds,
    )  # fmt: skip


def to(*recipients: str, sender: str = "anna@oak.example", client: Client | None = None) -> Envelope:
    return Envelope(
        Address.of(sender), tuple(Recipient(Address.of(recipient)) for recipient in recipients), client=client
    )
