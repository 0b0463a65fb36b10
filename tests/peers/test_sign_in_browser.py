"""Chromium signs in: by link and passkey, by keyboard, and on a page without script."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.gateway_process import GatewayProcess
from benchmarks.places import HOST, free_port, wait_until

# By plain http, browsers tell another machine nothing of where a form was: no Sec-Fetch-Site, and `Origin: null`.
FAR = "far.example.org"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    folder: Path = tmp_path_factory.mktemp("sign-in")
    port = free_port()
    # Passkeys belong to a name, and browsers take no address for one.
    settings = {"web.listen": [f"{HOST}:{port}"], "web.public_url": f"http://localhost:{port}", "web.hosts": [FAR]}
    made = GatewayProcess(folder, {"smtp.processes": 1, **settings})
    try:
        made.start(wait=False)
        wait_until(lambda: "/sign-in/link/" in made.word_file.read_text(), "the pages are served")
        yield made
    finally:
        made.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        args = ["--no-sandbox", f"--host-resolver-rules=MAP {FAR} {HOST}"]
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield started
        started.close()


def enter(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button", name="Sign in", exact=True).press("Enter")
    expect(page).not_to_have_url(link)
    page.wait_for_load_state()


def test_passkey_is_made_and_asked_for(gateway: GatewayProcess, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True,
                     "isUserVerified": True, "hasResidentKey": True}},
    )  # fmt: skip
    link = gateway.data("account", "add", "root", "--role", "site-admin")["url"]
    root = link.partition("/sign-in")[0]
    enter(page, link)
    page.goto(f"{root}/console/account/passkeys")
    page.get_by_label("A name for it").fill("My telephone")
    page.get_by_role("button", name="Add").press("Enter")
    expect(page.get_by_role("heading", name="Recovery codes", exact=True)).to_be_visible()
    page.goto(f"{root}/console/account")
    expect(page.get_by_text("My telephone")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.locator("main").get_by_text("You are signed out.")).to_be_visible()
    enter(page, gateway.command("account", "link", "root").strip())
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").press("Enter")
    expect(page.get_by_text("Signed in as")).to_be_visible()
    assert faults == []
    context.close()


def far(link: str) -> str:
    """Return the same place under a name that is not this machine's own to a browser."""
    return link.replace("//localhost:", f"//{FAR}:")


def test_app_is_set_up_without_script_by_plain_http(gateway: GatewayProcess, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    told: list[tuple[str | None, str | None]] = []
    page.on(
        "request",
        lambda request: told.append((request.header_value("Origin"), request.header_value("Sec-Fetch-Site")))
        if request.method == "POST" else None,
    )  # fmt: skip
    link = far(gateway.data("account", "add", "mia@example.org")["url"])
    root = link.partition("/sign-in")[0]
    enter(page, link)
    page.goto(f"{root}/console/account/app")
    secret = re.search(r'id="totp-key">([A-Z2-7]+)<', page.content())
    assert secret is not None
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret[1]).now())
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Recovery codes", exact=True)).to_be_visible()
    code = page.locator("li").filter(has_text=re.compile(r"^\s*\w{4}(-\w{4}){3}\s*$")).first.inner_text()
    page.goto(f"{root}/sign-out")
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.locator("main").get_by_text("You are signed out.")).to_be_visible()
    enter(page, far(gateway.command("account", "link", "mia@example.org").strip()))
    page.get_by_label(re.compile("Code of your app")).fill(code)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Signed in as")).to_be_visible()
    assert set(told) == {("null", None)}
    context.close()


def test_what_is_wrong_gets_the_focus_and_what_was_done_is_read_out(gateway: GatewayProcess, browser: Browser) -> None:
    page = browser.new_context().new_page()
    enter(page, gateway.data("account", "add", "kim@example.org")["url"])
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.locator("body > [role=status]")).to_have_text("You are signed out.")
    page.get_by_label("Name or mail address").fill("kim@example.org")
    page.locator("#f-password").fill("not this one")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("#f-password")).to_be_focused()
    page.context.close()
