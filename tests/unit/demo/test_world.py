"""The demo's world: names, settings, and the three lines."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from challenge_web.demo.people import PEOPLE, RECIPIENTS, person, somebody_new
from gateway.demo.mailboxes import MailboxServer
from gateway.demo.ports import free_place
from gateway.demo.world import (
    DOMAIN,
    SECOND_DOMAIN,
    USERS,
    ZONES,
    Places,
    World,
    banner,
    python_line,
    settings_for,
    swaks_line,
)
from gateway.settings import Endpoint, SettingsError, load

DOCS = Path(__file__).parents[3] / "docs" / "demo.md"
PLACES = Places(Endpoint("127.0.0.1", 2525), Endpoint("127.0.0.1", 8080), Endpoint("127.0.0.1", 9090))


async def test_world_settings_put_the_gateway_among_its_servers() -> None:
    async with World() as world:
        settings = settings_for(world, PLACES)
        assert settings.smtp.listen == (PLACES.smtp,)
        assert settings.web.public_url == "http://127.0.0.1:8080"
        assert settings.relay.next_hop == world.inside.endpoint
        assert settings.relay.smart_host == world.outside.endpoint
        assert settings.dns.servers == (world.dns.endpoint,)
        assert settings.domains.names == (DOMAIN, SECOND_DOMAIN)
        assert settings.store.url == f"sqlite:///{world.folder}/gateway.db"


async def test_world_settings_are_those_of_the_file_it_writes() -> None:
    async with World() as world:
        settings = settings_for(world, PLACES, {"challenge": {"work_bits": 1}, "pending": {"days": 3}})
        assert (settings.challenge.work_bits, settings.pending.days) == (1, 3)
        assert load(world.config_file, {}, serving=True) == settings
        with pytest.raises(SettingsError, match=r"pending\.dayz"):
            settings_for(world, PLACES, {"pending": {"dayz": 3}})


async def test_world_temporary_folder_goes_with_it_and_a_chosen_one_stays(tmp_path: Path) -> None:
    async with World() as world:
        settings_for(world, PLACES)
        temporary = world.folder
        assert temporary.is_dir()
    assert not temporary.exists()
    async with World(tmp_path / "a" / "b") as world:
        settings_for(world, PLACES)
    assert (tmp_path / "a" / "b" / "gateway.toml").is_file()


async def test_world_that_cannot_start_leaves_nothing_running() -> None:
    world = World()
    async with MailboxServer() as taken:
        world.outside = MailboxServer(port=taken.endpoint.port)
        with pytest.raises(OSError, match="in use"):
            await world.__aenter__()
    assert not world.folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex((world.inside.endpoint.host, world.inside.endpoint.port)) != 0


async def test_world_mailboxes_are_ours_inside_and_all_others_outside() -> None:
    world = World()
    assert world.mailboxes_of("Joe@Example.ORG") is world.inside
    assert world.mailboxes_of("postmaster") is world.inside
    assert world.mailboxes_of("lea@example.net") is world.inside
    assert world.mailboxes_of("ada@stranger.example") is world.outside


def test_world_has_a_zone_for_each_stranger_and_mailboxes_for_each_recipient() -> None:
    for one in (*PEOPLE, somebody_new(0)):
        assert one.address.rpartition("@")[2] in ZONES
    assert [address in USERS for address, _ in RECIPIENTS] == [True, True, False]


def test_people_somebody_new_is_another_one_each_time() -> None:
    assert len({somebody_new(number).address for number in range(500)}) == 500
    assert person("new", 7) == somebody_new(7)
    assert person("ada", 7) == PEOPLE[0]
    assert person("mallory", 7) is None


def test_free_place_is_the_preferred_one_or_another() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = free_place(Endpoint("127.0.0.1", port))
        assert (found.host, found.port != port) == ("127.0.0.1", True)
    assert free_place(found) == found
    with pytest.raises(OSError):
        free_place(Endpoint("192.0.2.1", 0))


def test_banner_is_three_lines_that_name_page_and_commands() -> None:
    what, page, by_hand = banner(PLACES.web, PLACES.smtp).split("\n")
    assert "taken" not in what
    assert "http://127.0.0.1:8080/demo/" in page
    assert swaks_line(PLACES.smtp) in by_hand
    assert python_line(PLACES.smtp) in by_hand


def test_banner_says_where_a_port_was_taken() -> None:
    what, page, _ = banner(Endpoint("127.0.0.1", 4711), PLACES.smtp).split("\n")
    assert "port 8080 is taken, so the page is on 4711" in what
    assert "SMTP" not in what
    assert "http://127.0.0.1:4711/demo/" in page


def test_documentation_shows_the_lines_that_are_printed() -> None:
    text = DOCS.read_text("utf-8")
    assert f"\n{swaks_line(PLACES.smtp)}\n" in text
    assert f"\n{python_line(PLACES.smtp)}\n" in text


async def test_python_line_sends_a_mail() -> None:
    async with MailboxServer() as server:
        line = python_line(server.endpoint).replace("python3", sys.executable, 1)
        process = await asyncio.create_subprocess_shell(line)
        assert await process.wait() == 0
        (mail,) = server.mails("joe@example.org")
    assert mail.reverse_path == "ada@stranger.example"
    assert mail.content.endswith(b"Subject: Hello\r\n\r\nHello Joe!\r\n")
