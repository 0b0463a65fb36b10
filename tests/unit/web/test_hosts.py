from __future__ import annotations

import asyncio

import pytest

from challenge_web.site import Admission
from gateway.entrance import web_hosts
from gateway.settings import Endpoint, Settings
from gateway.settings.schema import Domains, Web
from tests.unit.web.conftest import Client, MakeClient

OURS = ("mail.example.org", "xn--mller-kva.example")


async def status(client: Client, host: str) -> int:
    return (await client.get("/", headers={"Host": host})).status


@pytest.mark.parametrize(
    "host",
    ["mail.example.org", "MAIL.Example.ORG", "mail.example.org.", "mail.example.org:8443", "mail.example.org:",
     "xn--mller-kva.example", "127.0.0.1", "127.0.0.1:1", "localhost", "localhost:8080", "[::ffff:127.0.0.1]:80"],
)  # fmt: skip
async def test_host_of_ours_is_answered(make_client: MakeClient, host: str) -> None:
    client = await make_client(admission=Admission(OURS))
    assert await status(client, host) == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "mail.example.org.evil.example", "evil-mail.example.org", "127.0.0.1.evil.example", "192.0.2.1",
     "[::1]", "127.0.0.2", "2130706433", "localhost.evil.example", "müller.example"],
)  # fmt: skip
async def test_host_of_strangers_gets_421_and_nothing_of_ours(make_client: MakeClient, host: str) -> None:
    client = await make_client(admission=Admission(OURS))
    for path in ("/", "/robots.txt", "/console/x", "/nowhere"):
        answer = await client.get(path, headers={"Host": host.encode().decode("latin-1")})
        assert answer.status == 421, path
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert host not in await answer.text()
    data = await (
        await client.get("/", headers={"Host": host.encode().decode("latin-1"), "Accept": "application/json"})
    ).json()
    assert data["error"] == "host"


@pytest.mark.parametrize("host", ["", ":80", "a b", "mail.example.org:x", "mail.example.org:80:80", "[::1", "[x]:80",
                                  "user@mail.example.org", "a" * 300])  # fmt: skip
async def test_host_that_is_none_opens_nothing(make_client: MakeClient, host: str) -> None:
    assert await status(await make_client(admission=Admission(OURS)), host) in (400, 421)


@pytest.mark.parametrize("fields", [b"", b"Host: mail.example.org\r\nHost: evil.example\r\n"])
async def test_request_without_one_host_is_no_request(make_client: MakeClient, fields: bytes) -> None:
    client = await make_client(admission=Admission(OURS))
    for version in (b"1.0", b"1.1"):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"GET / HTTP/" + version + b"\r\n" + fields + b"Connection: close\r\n\r\n")
        assert b" 400 " in (await reader.read()).partition(b"\r\n")[0]
        writer.close()
        await writer.wait_closed()


async def test_forwarded_host_changes_nothing(make_client: MakeClient) -> None:
    client = await make_client(admission=Admission(OURS))
    answer = await client.get("/", headers={"Host": "evil.example", "X-Forwarded-Host": "mail.example.org"})
    assert answer.status == 421


def test_hosts_are_those_of_the_public_url_for_each_domain_and_of_the_listeners() -> None:
    settings = Settings(
        domains=Domains(names=("example.org", "müller.example")),
        web=Web(
            public_url="https://ask.{recipient_domain}:8443/mail",
            listen=(Endpoint("0.0.0.0", 80), Endpoint("gw.Example.net", 80)),
            hosts=("gateway",),
        ),
    )
    assert web_hosts(settings) == {
        "ask.example.org", "ask.xn--mller-kva.example", "0.0.0.0", "gw.example.net", "gateway",
    }  # fmt: skip
