"""Signing in with what other systems know: each method against a real peer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from benchmarks.gateway_process import GatewayProcess
from benchmarks.places import HOST, PATIENCE, answers, free_port, open_folder, wait_until
from gateway.flow.mailbox_name import MailboxNames, MailServer
from gateway.flow.sign_in_ports import CheckDown, Identity
from gateway.relay.mailbox_auth import SmtpPassword
from gateway.sign_in_methods.directory import DirectoryPassword, DirectoryRules
from gateway.sign_in_methods.mailbox_imap import ImapPassword
from tests.peers.sign_in_servers import (
    JOE,
    JOES_PASSWORD,
    MIAS_PASSWORD,
    SERVICE_DN,
    SERVICE_PASSWORD,
    SUFFIX,
    Certificate,
    Ports,
    dovecot,
    make_certificate,
    provider,
    slapd,
    submission,
)
from tests.system.browser import Browser, Page

NAMES = MailboxNames(frozenset({"example.org"}), "example.org")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with open_folder("sign-in") as folder:
        yield folder


@pytest.fixture(scope="module")
def certificate(place: Path) -> Certificate:
    return make_certificate(place)


@pytest.fixture(scope="module")
def imap(place: Path, certificate: Certificate) -> Iterator[Ports]:
    with dovecot(place, certificate) as ports:
        yield ports


# --- Dovecot ---


@pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "starttls"])
async def test_imap_signs_in_with_the_mailbox_password_only(
    imap: Ports, certificate: Certificate, starttls: bool
) -> None:
    port = imap.clear if starttls else imap.tls
    way = ImapPassword(MailServer(HOST, port, starttls, certificate.file, PATIENCE), NAMES)
    assert await way.check("joe", JOES_PASSWORD) == Identity(JOE, (JOE,))
    assert await way.check("Joe+shop@Example.org", JOES_PASSWORD) == Identity(JOE, (JOE,))
    assert await way.check("joe", MIAS_PASSWORD) is None
    assert await way.check("nobody", JOES_PASSWORD) is None
    assert await way.check("joe", "") is None


async def test_imap_server_that_cannot_be_trusted_or_reached_is_down(
    imap: Ports, place: Path, certificate: Certificate
) -> None:
    other = make_certificate(place, "other")
    for server in (
        MailServer(HOST, imap.tls, ca_file=other.file),
        MailServer(HOST, imap.clear, starttls=True, ca_file=other.file),
        MailServer("localhost", imap.tls, ca_file=certificate.file),  # The certificate names another host.
        MailServer(HOST, imap.clear, ca_file=certificate.file),  # No TLS there before STARTTLS.
        MailServer(HOST, free_port(), ca_file=certificate.file),
    ):
        with pytest.raises(CheckDown):
            await ImapPassword(server, NAMES).check("joe", JOES_PASSWORD)


# --- a submission server ---


@pytest.fixture(scope="module")
def smtp(certificate: Certificate) -> Iterator[Ports]:
    with submission(certificate) as ports:
        yield ports


@pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "starttls"])
async def test_smtp_signs_in_with_the_mailbox_password_only(
    smtp: Ports, certificate: Certificate, starttls: bool
) -> None:
    port = smtp.clear if starttls else smtp.tls
    way = SmtpPassword(MailServer(HOST, port, starttls, certificate.file, PATIENCE), NAMES, "gateway.example.org")
    assert await way.check("joe", JOES_PASSWORD) == Identity(JOE, (JOE,))
    assert await way.check("joe", MIAS_PASSWORD) is None
    assert await way.check("nobody", JOES_PASSWORD) is None
    with pytest.raises(CheckDown):
        await way.check("down", JOES_PASSWORD)


async def test_smtp_server_that_cannot_be_trusted_or_reached_is_down(
    smtp: Ports, place: Path, certificate: Certificate
) -> None:
    other = make_certificate(place, "other-submission")
    for server in (
        MailServer(HOST, smtp.tls, ca_file=other.file),
        MailServer(HOST, smtp.clear, starttls=True, ca_file=other.file),
        MailServer("localhost", smtp.tls, ca_file=certificate.file),
        MailServer(HOST, smtp.clear, ca_file=certificate.file),
        MailServer(HOST, free_port(), ca_file=certificate.file),
    ):
        with pytest.raises(CheckDown):
            await SmtpPassword(server, NAMES, "gateway.example.org").check("joe", JOES_PASSWORD)


# --- slapd ---


@pytest.fixture(scope="module")
def ldap(place: Path, certificate: Certificate) -> Iterator[Ports]:
    with slapd(place, certificate) as ports:
        yield ports


@pytest.fixture(scope="module")
def service_password(place: Path) -> Path:
    file = place / "service-password"
    file.write_text(f"{SERVICE_PASSWORD}\n")
    return file


@pytest.fixture
def directory(ldap: Ports, certificate: Certificate, service_password: Path) -> DirectoryRules:
    return DirectoryRules(
        HOST,
        ldap.tls,
        SUFFIX,
        ca_file=certificate.file,
        bind_dn=SERVICE_DN,
        password_file=service_password,
        search_filter="(|(uid={name})(mail={name}))",
        seconds=PATIENCE,
    )


@pytest.mark.parametrize("starttls", [False, True], ids=["implicit", "starttls"])
async def test_directory_signs_in_with_its_password_and_tells_the_addresses(
    ldap: Ports, directory: DirectoryRules, starttls: bool
) -> None:
    rules = replace(directory, starttls=starttls, port=ldap.clear if starttls else ldap.tls)
    way = DirectoryPassword(rules)
    joe = await way.check("joe", "joes password")
    assert joe is not None
    assert joe.addresses == ("Joe@Example.org", "joseph@example.org")
    assert (joe.full_name, len(joe.subject)) == ("Joe Roe", 36)
    assert await way.check("joe@example.org", "joes password") == joe
    assert await way.check("joe", "wrong") is None
    assert await way.check("nobody", "joes password") is None


async def test_directory_may_take_half_a_second_more(directory: DirectoryRules) -> None:
    way = DirectoryPassword(replace(directory, seconds=PATIENCE + 0.5))
    assert await way.check("joe", "joes password") is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("joe", ""),
        ("joe", "\N{SOFT HYPHEN}"),  # Nothing is left of it after SASLprep.
        ("*", "joes password"),
        ("j*", "joes password"),
        ("joe)(uid=*", "joes password"),
        ("nobody)(|(uid=joe)", "joes password"),
        ("\\6aoe", "joes password"),
        ("joe\0", "joes password"),
        ("twins@example.org", "same"),
    ],
)
async def test_directory_is_not_led_to_somebody_else(directory: DirectoryRules, name: str, password: str) -> None:
    assert await DirectoryPassword(directory).check(name, password) is None


async def test_directory_that_cannot_be_trusted_reached_or_searched_is_down(
    ldap: Ports, place: Path, directory: DirectoryRules
) -> None:
    other, wrong = make_certificate(place, "other-directory"), place / "wrong-password"
    wrong.write_text("wrong")
    for rules in (
        replace(directory, ca_file=other.file),
        replace(directory, ca_file=other.file, starttls=True, port=ldap.clear),
        replace(directory, host="localhost"),
        replace(directory, port=free_port()),
        replace(directory, password_file=wrong),
        replace(directory, bind_dn=""),
        replace(directory, search_base="dc=elsewhere"),
    ):
        with pytest.raises(CheckDown):
            await DirectoryPassword(rules).check("joe", "joes password")


# --- an identity provider ---


@pytest.fixture(scope="module")
def issuer(place: Path) -> Iterator[str]:
    with provider(place) as url:
        yield url


@pytest.fixture(scope="module")
def gateway(place: Path, certificate: Certificate, imap: Ports, issuer: str) -> Iterator[GatewayProcess]:
    """One with every way that needs its pages."""
    folder = place / "gateway"
    folder.mkdir()
    secret = folder / "client-secret"
    secret.write_text("our secret\n")
    settings = {
        "relay.next_hop": f"{HOST}:{free_port()}",
        "relay.smart_host": f"{HOST}:{free_port()}",
        "sign_in_mailbox.server": f"{HOST}:{imap.tls}",
        "sign_in_mailbox.ca_file": str(certificate.file),
        "sign_in_openid.issuer": issuer,
        "sign_in_openid.client_id": "gateway & co",
        "sign_in_openid.client_secret_file": str(secret),
        "sign_in_openid.label": "Example",
        "sign_in_proxy.header": "X-Remote-User",
        "sign_in_proxy.proxies": [HOST],
        "sign_in_proxy.domain": "example.org",
    }
    process = GatewayProcess(folder, settings | {"smtp.processes": 1})
    try:
        process.start(wait=False)
        wait_until(lambda: answers(process.smtp_port) or not process.runs, "the gateway greets")
        yield process
    finally:
        process.kill()


def user_at(issuer: str, subject: str, **claims: object) -> None:
    """Tell the provider who somebody is."""
    request = urllib.request.Request(
        f"{issuer}/users/{subject}", json.dumps(claims).encode(), {"Content-Type": "application/json"}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=PATIENCE).close()


def sign_in_at(browser: Browser, subject: str, wanted: str = "") -> str:
    """Sign in at the provider, and return where it sends the browser back to."""
    there = browser.get(f"/sign-in/openid?next={wanted}")
    assert there.status == 303
    assert dict(parse_qsl(urlsplit(there.location).query))["redirect_uri"] == f"{browser.url}/sign-in/openid/back"
    back = Browser(there.location).post(there.location, {"sub": subject})
    assert back.status in (302, 303), back.text
    return back.location


def name_shown(page: Page) -> str:
    """Return the account that a page of the console is shown to."""
    for name in (JOE, "mia@example.org", "eve@elsewhere.example"):
        if name in page.text:
            return name
    return ""


def test_openid_signs_in_who_has_a_verified_address_of_ours(gateway: GatewayProcess, issuer: str) -> None:
    user_at(issuer, "4711", email="Joe@Example.org", email_verified=True, name="Joe Roe")
    browser = Browser(gateway.url)
    assert "Sign in with Example" in browser.get("/sign-in").text
    back = sign_in_at(browser, "4711", "/console/account")
    page = browser.get(back)
    assert (page.status, page.location) == (303, f"{gateway.url}/console/account")
    assert set(browser.cookies) == {"form", "session"}
    assert name_shown(browser.get("/console/account")) == JOE
    # The same answer once more, in this browser and in another, which has brought no cookie.
    assert browser.get(back).status == 403
    assert Browser(gateway.url).get(back).status == 403
    # From then on the provider's own name for him counts, whatever his address is.
    user_at(issuer, "4711", email="joe@elsewhere.example", email_verified=True)
    later = Browser(gateway.url)
    assert later.get(sign_in_at(later, "4711")).status == 303
    assert name_shown(later.get("/console/account")) == JOE


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "mia@example.org"},
        {"email": "mia@example.org", "email_verified": False},
        {"email": "mia@example.org", "email_verified": "true"},
        {"email": "eve@elsewhere.example", "email_verified": True},
        {},
    ],
)
def test_openid_address_that_is_not_verified_or_not_ours_opens_nothing(
    gateway: GatewayProcess, issuer: str, claims: dict[str, object]
) -> None:
    subject = f"eve-{len(claims)}-{claims.get('email_verified')}"
    user_at(issuer, subject, **claims)
    browser = Browser(gateway.url)
    page = browser.get(sign_in_at(browser, subject))
    assert (page.status, browser.cookies) == (403, {})
    assert "no account for you here" in page.text


def test_openid_answer_that_is_not_this_browsers_or_this_providers_is_refused(
    gateway: GatewayProcess, issuer: str
) -> None:
    user_at(issuer, "4711", email=JOE, email_verified=True)
    mine, evils = Browser(gateway.url), Browser(gateway.url)
    back, evils_back = sign_in_at(mine, "4711"), sign_in_at(evils, "evil")
    code, evils_code = (dict(parse_qsl(urlsplit(url).query))["code"] for url in (back, evils_back))
    # Mixed up: another's whole answer, another's code, another provider's name, a second state, an error.
    for url in (
        evils_back,
        back.replace(code, evils_code),
        f"{back}&iss=https://evil.example",
        f"{back}&state=x",
        back.replace(f"code={code}", "error=access_denied"),
        f"{gateway.url}/sign-in/openid/back",
    ):
        tried = Browser(gateway.url, cookies=dict(mine.cookies))
        page = tried.get(url)
        assert (page.status, "session" in tried.cookies) == (403, False)
    assert mine.get(back).status == 303
    assert code not in gateway.log()


# --- in the gateway: a mailbox's password, a proxy's word ---


def test_mailbox_password_signs_in_at_the_form(gateway: GatewayProcess) -> None:
    browser = Browser(gateway.url)
    assert browser.post("/sign-in/password", {"name": JOE, "password": MIAS_PASSWORD}).status == 403
    assert browser.post("/sign-in/password", {"name": JOE, "password": JOES_PASSWORD}).status == 303
    assert name_shown(browser.get("/console/account")) == JOE
    assert "an\\alle" not in gateway.log()


def test_proxy_is_believed_by_its_address_and_for_one_name(gateway: GatewayProcess) -> None:
    proxied = Browser(gateway.url, headers={"X-Remote-User": "mia"})
    assert "Go on as mia@example.org" in proxied.get("/sign-in").text
    assert (
        proxied.post(
            "/sign-in/proxy", {}, headers={"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        ).status
        == 403
    )
    page = proxied.post("/sign-in/proxy", {"next": "/console/account"})
    assert (page.status, page.location) == (303, f"{gateway.url}/console/account")
    assert name_shown(proxied.get("/console/account")) == "mia@example.org"
    for name in ("", "mia, joe", "eve@elsewhere.example", "mia@example.org@example.org"):
        other = Browser(gateway.url, headers={"X-Remote-User": name})
        assert other.post("/sign-in/proxy", {}).status == 403
        assert "Go on as" not in other.get("/sign-in").text
