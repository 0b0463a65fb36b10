"""The shipped files themselves: Postfix and the gateway take them without a complaint, and the guide speaks of them."""

from __future__ import annotations

import re

import pytest

from benchmarks.gateway_process import ROOT
from benchmarks.peers import PrivatePostfix
from benchmarks.places import open_folder
from gateway.settings import load
from tests.peers.deployment import CONFIG, WAYS

GUIDE = (ROOT / "docs" / "postfix.md").read_text()


@pytest.mark.parametrize("way", WAYS)
def test_fragments_of_a_way_are_taken_by_postfix_without_warning(way: str) -> None:
    with open_folder("gateway-files") as folder:
        postfix = PrivatePostfix(folder, {})
        postfix.install(CONFIG / way)

        assert postfix.faults() == ""


@pytest.mark.parametrize("way", WAYS)
def test_gateway_file_of_a_way_is_taken_and_names_its_stage(way: str) -> None:
    assert load(CONFIG / way / "gateway.toml", {}).smtp.stage == way


@pytest.mark.parametrize("way", WAYS)
def test_gateway_file_and_fragments_name_the_same_doors(way: str) -> None:
    settings = load(CONFIG / way / "gateway.toml", {})
    services = (CONFIG / way / "master.cf").read_text()
    parameters = (CONFIG / way / "main.cf").read_text()

    assert re.search(rf"^{re.escape(str(settings.relay.next_hop))} +inet", services, re.MULTILINE)
    assert re.search(rf"^{re.escape(str(settings.relay.smart_host))} +inet", services, re.MULTILINE)
    if way != "edge":
        (door,) = settings.smtp.listen
        (told,) = re.findall(r"^gateway_smtp = (\S+)$", parameters, re.MULTILINE)
        assert told.replace("[", "").replace("]", "") == str(door)


def test_fragments_for_mail_to_the_outside_are_taken_on_top_without_warning_and_fit_the_gateway() -> None:
    outgoing = CONFIG / "outgoing"
    with open_folder("gateway-files") as folder:
        postfix = PrivatePostfix(folder, {})
        postfix.add_service("submission inet n - n - - smtpd")
        postfix.install(CONFIG / "edge")
        postfix.append(outgoing)
        postfix.option("submission/inet", "content_filter", "outgoing:$gateway_outgoing")

        assert postfix.faults() == ""

    told = load(outgoing / "gateway.toml", {}).outgoing
    (door,) = told.listen
    (named,) = re.findall(r"^gateway_outgoing = (\S+)$", (outgoing / "main.cf").read_text(), re.MULTILINE)
    assert named.replace("[", "").replace("]", "") == str(door)
    assert re.search(rf"^{re.escape(str(told.next_hop))} +inet", (outgoing / "master.cf").read_text(), re.MULTILINE)
    for command in re.findall(r"postconf -P \S+", (ROOT / "docs" / "outgoing.md").read_text()):
        assert command in (outgoing / "master.cf").read_text()


def test_before_queue_postfix_waits_longer_than_the_gateway() -> None:
    (told,) = re.findall(r"^gateway_timeout = (\d+)s$", (CONFIG / "before-queue" / "main.cf").read_text(), re.MULTILINE)

    assert int(told) > load(CONFIG / "before-queue" / "gateway.toml", {}).relay.timeout_seconds


def test_inner_doors_are_the_same_in_all_ways() -> None:
    doors = {way: _options((CONFIG / way / "master.cf").read_text()) for way in WAYS}

    assert doors["before-queue"] == doors["edge"]
    assert doors["after-queue"] == doors["edge"] | {
        ("127.0.0.1:10026", "receive_override_options=no_header_body_checks")
    }


@pytest.mark.parametrize("way", WAYS)
def test_guide_names_each_way_and_its_files(way: str) -> None:
    assert f"config/postfix/{way}/" in GUIDE
    assert re.search(rf"^## .*{way}", GUIDE, re.MULTILINE | re.IGNORECASE)


def test_guide_installs_by_the_commands_the_tests_use() -> None:
    for command in ("postconf -M# smtp/inet", "main.cf >> /etc/postfix/main.cf", "master.cf >> /etc/postfix/master.cf"):
        assert command in GUIDE


def _options(services: str) -> set[tuple[str, str]]:
    """Return (service, option) of the doors that the gateway uses."""
    found, service = set(), ""
    for line in services.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            service = line.split()[0]
        elif (option := line.strip()).startswith("-o ") and service not in ("smtp", "gateway"):
            found.add((service, option.removeprefix("-o ")))
    return found
