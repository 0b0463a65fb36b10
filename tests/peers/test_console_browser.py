"""Chromium in the console of the demo: both desks, every room, on a phone, without script, and by keyboard."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.unit.web.console.markup import faults

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ROOT = Path(__file__).parents[2]
BUTTON = {"joe": "Open Joe’s console", "admin": "Open the admin’s console"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running demo."""
    state = tmp_path_factory.mktemp("demo")
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", "--state", str(state)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(2)]
            found = re.search(r"http://[\d.]+:\d+", said[1])
            assert found is not None, said
            yield found[0]
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert os.path.exists(CHROMIUM), f"install the Debian package chromium: {CHROMIUM} not found"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def sitting(browser: Browser, demo: str, who: str, *, width: int = 1280, script: bool = True) -> Iterator[Page]:
    """A page of somebody who pressed a button of the demo; at the end nothing was complained of or asked elsewhere."""
    context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=script)
    complaints: list[str] = []
    hosts: set[str] = set()
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    try:
        page.goto(f"{demo}/demo/")
        page.get_by_role("button", name=BUTTON[who]).click()
        expect(page).to_have_url(re.compile("/console/pending"))
        yield page
        assert complaints == []
        assert hosts == {urlsplit(demo).netloc}
    finally:
        context.close()


def rooms(page: Page) -> list[str]:
    """Return where the menu leads."""
    links = page.locator(".menu--folded a")
    return [str(link.evaluate("link => link.href")) for link in links.all()]


@pytest.mark.parametrize(("who", "count"), [("joe", 7), ("admin", 14)])
def test_every_room_of_the_menu_is_sound_and_fits_a_narrow_phone(
    browser: Browser, demo: str, who: str, count: int
) -> None:
    with sitting(browser, demo, who, width=320) as page:
        addresses = rooms(page)
        assert len(addresses) == count
        for address in addresses:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200, address
            assert faults(answer.text()) == [], address
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
            expect(page.locator(".menu--folded a[aria-current=page]")).to_have_count(1)


def test_menu_opens_without_script_on_a_phone(browser: Browser, demo: str) -> None:
    with sitting(browser, demo, "joe", width=390, script=False) as page:
        page.locator(".menu--folded > summary").click()
        page.locator(".menu--folded").get_by_role("link", name="My account").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("My account")


def test_first_key_leads_past_the_menu(browser: Browser, demo: str) -> None:
    with sitting(browser, demo, "joe") as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="To the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()


def test_box_on_top_ticks_all_and_tells_how_many(browser: Browser, demo: str) -> None:
    with sitting(browser, demo, "joe") as page:
        boxes = page.locator("input[name=id]")
        page.locator("[data-tick-all]").check()
        expect(page.locator("[data-tick-count]").first).to_have_text(str(boxes.count()))
        boxes.first.uncheck()
        assert page.locator("[data-tick-all]").evaluate("box => box.indeterminate")


def test_mail_that_waits_is_marked_for_its_reader_only(browser: Browser, demo: str) -> None:
    with sitting(browser, demo, "joe") as page:
        assert page.locator("input[name=id]").count() > 15
        expect(page.get_by_text("Artwork for the new door sign")).to_have_count(0)  # That is Mia's.
    with sitting(browser, demo, "admin") as page:
        expect(page.get_by_text("Artwork for the new door sign").first).to_be_visible()


def test_who_signs_out_is_asked_to_sign_in_again(browser: Browser, demo: str) -> None:
    with sitting(browser, demo, "joe") as page:
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{demo}/console/pending")
        expect(page).to_have_url(re.compile("/sign-in"))


def test_preview_of_a_challenge_looks_as_the_mail_and_runs_nothing(browser: Browser, demo: str) -> None:
    with sitting(browser, demo, "admin") as page:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{demo}/console/templates/site")
        mail = page.frame_locator("iframe[name=sample]")
        link = mail.get_by_role("link").first
        expect(link).to_be_visible()
        assert link.locator("xpath=..").evaluate("p => getComputedStyle(p).wordBreak") == "break-all"
        assert link.evaluate("a => getComputedStyle(a.closest('[data-s]').parentElement).maxWidth") == "576px"
        page.get_by_label("HTML").fill(
            '<p id="x" style="color:rgb(1,2,3)"><a href="{{ url }}">{{ url }}</a></p><style>#x{color:red}p{margin:7px;background:url(//evil.example/a)}</style>'
            "<img src=//evil.example/b alt=Logo onerror=alert(1)><script>alert(2)</script>"
            '<p style="background:url(//evil.example/c)">hostile</p><iframe src="//evil.example/d"></iframe>'
        )
        expect(mail.get_by_text("hostile")).to_be_visible()
        expect(mail.get_by_text("Logo")).to_be_visible()
        words = mail.locator("#x")
        assert words.evaluate("p => getComputedStyle(p).color + getComputedStyle(p).margin") == "rgb(1, 2, 3)7px"
        page.get_by_label("HTML").fill("{{ nonsense }}")
        expect(mail.get_by_text("nonsense")).to_be_visible()
        assert said == []
