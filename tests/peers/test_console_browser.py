"""Chromium in the console of the demo: in each account, every room, on a phone, without script, and by keyboard."""

from __future__ import annotations

import os
import re
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.peers.demo_console import signed_in
from tests.peers.fingers import SMALL, fingers
from tests.unit.web.console.markup import faults

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The address of a running demo, and the port of its door for mail."""
    state = tmp_path_factory.mktemp("demo")
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "demo", "--state", str(state)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(3)]
            found = re.search(r"http://[\d.]+:\d+", said[1])
            door = re.search(r"127\.0\.0\.1:(\d+) -f", said[2])
            assert found is not None, said
            assert door is not None, said
            yield found[0], int(door[1])
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def demo(running: tuple[str, int]) -> str:
    """The address of a running demo."""
    return running[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert os.path.exists(CHROMIUM), f"install the Debian package chromium: {CHROMIUM} not found"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def rooms(page: Page) -> list[str]:
    """Return where the menu leads."""
    links = page.locator(".menu--folded a")
    return [str(link.evaluate("link => link.href")) for link in links.all()]


@pytest.mark.parametrize(("who", "count"), [("joe", 7), ("admin", 14)])
def test_every_room_of_the_menu_is_sound_and_fits_a_narrow_phone(
    browser: Browser, demo: str, who: str, count: int
) -> None:
    with signed_in(browser, demo, who, width=320) as page:
        addresses = rooms(page)
        assert len(addresses) == count
        for address in addresses:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200, address
            assert faults(answer.text()) == [], address
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
            expect(page.locator(".menu--folded a[aria-current=page]")).to_have_count(1)
            assert page.evaluate(SMALL) == [], address


def test_menu_opens_without_script_on_a_phone(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "joe", width=390, script=False) as page:
        page.locator(".menu--folded > summary").click()
        page.locator(".menu--folded").get_by_role("link", name="My account").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("My account")


def test_first_key_leads_past_the_menu(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "joe") as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="To the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()


def test_box_on_top_ticks_all_and_tells_how_many(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "joe") as page:
        boxes = page.locator("input[name=id]")
        page.locator("[data-tick-all]").check()
        expect(page.locator("[data-tick-count]").first).to_have_text(str(boxes.count()))
        boxes.first.uncheck()
        assert page.locator("[data-tick-all]").evaluate("box => box.indeterminate")
        page.locator("[data-tick-all]").check()
        page.locator("[data-tick-all]").uncheck()
        # With Shift: all rows from the last one on.
        boxes.nth(1).check()
        boxes.nth(4).click(modifiers=["Shift"])
        assert [box.is_checked() for box in boxes.all()[:6]] == [False, True, True, True, True, False]


_KEY_BEFORE_THE_PAGE_IS_DRAWN_AGAIN = """() => {
    const dialog = document.querySelector("[data-keys]");
    document.activeElement.blur();
    dialog.showModal();
    dialog.close();
    document.dispatchEvent(new KeyboardEvent("keydown", {key: "/", cancelable: true}));
}"""


def test_mail_is_found_read_delivered_and_brought_back_by_keys_alone(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "joe") as page:
        rows = listed(page)
        here = "document.activeElement.closest('.list__row')?.dataset.id"
        ids = [row.get_attribute("data-id") for row in rows.all()]
        for key in "jjk":
            page.keyboard.press(key)
        assert page.evaluate(here) == ids[0]
        page.keyboard.press("x")
        expect(page.locator("input[name=id]:checked")).to_have_count(1)
        expect(page.get_by_role("group", name="Do with all that are ticked")).to_be_visible()
        page.keyboard.press("x")
        page.keyboard.press("Enter")
        expect(page.locator("#preview")).to_have_attribute("data-id", str(ids[0]))
        page.keyboard.press("d")
        expect(page.locator("main").get_by_text("Delivered: 1 mail.")).to_be_visible()
        expect(page.locator("#preview")).to_have_attribute("data-id", str(ids[1]))  # The next one takes its place.
        page.keyboard.press("u")
        expect(page.locator(f".list__row[data-id='{ids[0]}']")).to_be_visible()
        page.wait_for_load_state()  # The address names a row: the browser goes there at the very end, and takes the focus.
        page.wait_for_function(f"{here} === '{ids[0]}'")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys and swipes")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name="Keys and swipes")).to_be_hidden()
        page.keyboard.press("/")
        expect(page.locator("#q")).to_be_focused()
        page.evaluate(_KEY_BEFORE_THE_PAGE_IS_DRAWN_AGAIN)
        expect(page.locator("#q")).to_be_focused()
        page.keyboard.type("nobody-at-all")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Nothing found")).to_be_visible()


def listed(page: Page) -> Locator:
    """The rows of the list, once the demo has described its mail."""
    rows = page.locator(".list__row")
    while rows.count() < 3:
        page.reload()
    return rows


def place_of(row: Locator) -> tuple[float, float]:
    """Return the middle of a row's head, above what sticks to the lower edge."""
    row.evaluate("row => row.scrollIntoView({ block: 'center' })")
    box = row.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + 40


def test_swipe_presses_the_button_only_where_the_finger_is_lifted_far_enough_to_the_side(
    browser: Browser, demo: str
) -> None:
    with signed_in(browser, demo, "joe", width=320, touch=True) as page:
        touch, rows, swipe = fingers(page), listed(page), page.locator(".swipe")
        count = rows.count()
        x, y = place_of(rows.nth(1))

        def drag(to: float, down: float = 0) -> None:
            for step in range(1, 6):
                touch("touchMove", (x + to * step / 5, y + down * step / 5))

        def nothing_happens() -> None:
            touch("touchEnd")
            expect(swipe).to_have_count(0)
            assert page.get_by_text("Delivered: 1 mail.").count() == 0
            assert rows.count() == count
            assert rows.nth(1).evaluate("row => row.style.transform") == ""

        touch("touchStart", (x, y))  # Too short.
        drag(60)
        expect(swipe).to_have_text("Deliver once")
        nothing_happens()
        touch("touchStart", (x, y))  # Far enough, and back.
        drag(-130)
        expect(swipe).to_have_text("Let go: Delete")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        drag(-20)
        expect(swipe).to_have_text("Delete")
        nothing_happens()
        touch("touchStart", (x, y))  # Far enough, but then down.
        drag(120)
        expect(swipe).to_have_text("Let go: Deliver once")
        drag(120, 100)
        nothing_happens()
        touch("touchStart", (x, y))  # A second finger.
        drag(120)
        expect(swipe).to_have_text("Let go: Deliver once")
        touch("touchStart", (x + 120, y), (x - 60, y + 60))
        nothing_happens()
        touch("touchStart", (x, y))  # Up: that is the browser's, who scrolls.
        drag(10, -90)
        nothing_happens()

        named = rows.nth(1).get_attribute("data-id")
        x, y = place_of(rows.nth(1))
        touch("touchStart", (x, y))
        drag(120)
        expect(swipe).to_have_text("Let go: Deliver once")
        touch("touchEnd")
        expect(page.locator("main").get_by_text("Delivered: 1 mail.")).to_be_visible()
        expect(page.locator(f"[data-id='{named}']")).to_have_count(0)
        page.get_by_role("button", name="Undo").tap()
        expect(page.locator(f"[data-id='{named}']")).to_have_count(1)


def test_each_swipe_is_a_button_for_a_finger_and_can_be_switched_off(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "joe", width=320, touch=True) as page:
        row = listed(page).first
        row.locator("summary").tap()
        for way, words in (("right", "Deliver once"), ("left", "Delete")):
            button = row.locator(f"[data-swipe={way}]")
            expect(button).to_have_text(words)
            box = button.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 44
        expect(page.get_by_text("Swipe a mail:")).to_be_visible()
        page.get_by_role("button", name="Keys and swipes").tap()
        page.get_by_label("Do not use swipes").check()
        page.reload()
        expect(page.get_by_text("Swipe a mail:")).to_be_hidden()
        touch, (x, y) = fingers(page), place_of(row)
        touch("touchStart", (x, y))
        for step in (30, 60, 120):
            touch("touchMove", (x + step, y))
        assert page.locator(".swipe").count() == 0
        touch("touchEnd")


@pytest.mark.parametrize("tag", ["de", "fr"])
def test_buttons_of_a_mail_stand_in_one_line_on_a_narrow_phone(browser: Browser, demo: str, tag: str) -> None:
    with signed_in(browser, demo, "joe", width=320, touch=True) as page:
        page.set_extra_http_headers({"Accept-Language": tag})
        page.reload()
        row = listed(page).first
        tops = row.locator(".row-actions > *").evaluate_all("them => them.map(one => one.getBoundingClientRect().top)")
        assert len(tops) == 3
        assert len(set(tops)) == 1
        clipped = "them => them.filter(one => one.scrollWidth > one.clientWidth).length"
        assert row.locator(".row-actions > button").evaluate_all(clipped) == 0


def test_usual_addresses_stand_in_one_line_of_the_lists(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "admin") as page:
        page.set_extra_http_headers({"Accept-Language": "de"})
        page.goto(f"{demo}/console/lists")
        cell = page.locator("td:nth-child(3)", has_text="joe@example.org").first
        lines = "cell => { const all = document.createRange(); all.selectNodeContents(cell); return all.getClientRects().length; }"
        assert cell.evaluate(lines) == 1


def test_swipe_moves_nothing_for_who_wants_no_motion(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "joe", width=320, touch=True) as page:
        page.emulate_media(reduced_motion="reduce")
        touch, row = fingers(page), listed(page).first
        x, y = place_of(row)
        touch("touchStart", (x, y))
        for step in (30, 60, 120):
            touch("touchMove", (x + step, y))
        expect(page.locator(".swipe")).to_have_text("Let go: Deliver once")
        assert row.evaluate("row => row.style.transform") == ""
        touch("touchCancel")
        expect(page.locator(".swipe")).to_have_count(0)


def test_mail_that_waits_is_marked_for_its_reader_only(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "joe") as page:
        assert page.locator("input[name=id]").count() > 15
        expect(page.get_by_text("Artwork for the new door sign")).to_have_count(0)  # That is Mia's.
    with signed_in(browser, demo, "admin") as page:
        expect(page.get_by_text("Artwork for the new door sign").first).to_be_visible()


def test_who_signs_out_is_asked_to_sign_in_again(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "joe") as page:
        page.get_by_role("button", name="Sign out").click()
        page.goto(f"{demo}/console/pending")
        expect(page).to_have_url(re.compile("/sign-in"))


def test_what_a_long_file_would_do_comes_by_itself(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "admin") as page:
        page.goto(f"{demo}/console/lists/import")
        lines = "\n".join(f"u{number}@oak.example" for number in range(9_000)).encode()
        page.locator("input[type=file]").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": lines})
        page.get_by_label("What it is").select_option("allow")
        page.get_by_role("button", name="Show what would change").click()
        expect(page.get_by_role("button", name="Save 9,000 entries")).to_be_visible()


def test_preview_of_a_challenge_looks_as_the_mail_and_runs_nothing(browser: Browser, demo: str) -> None:
    with signed_in(browser, demo, "admin") as page:
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


HOSTILE = (
    "</title></textarea></style><script>window.ran=1</script>",
    "\"'><img src=//evil.example/x onerror=window.ran=1>{{7*7}}",
    "\u202egnp.exe\u2066" + "W" * 400,
    "\u0647" * 80 + "a\u0300" * 80 + "javascript:window.ran=1",
)
HTML = (
    "<body onload=window.ran=1><h1>{0}</h1><base href=//evil.example/><meta http-equiv=refresh content='0;url=//evil.example'>"
    "<style>@import '//evil.example/i';body{{background:url(//evil.example/s)}}</style><img src=//evil.example/p.png>"
    "<svg onload=window.ran=1></svg><iframe srcdoc='<script>parent.ran=1</script>'></iframe><form action=//evil.example/f>"
    "<input name=csrf></form><a href='java&#10;script:window.ran=1'>x</a><div style='position:fixed;width:9999px'>over</div>"
)


def hostile(place: int, words: str) -> bytes:
    """A mail with the same words in each of its fields."""
    letter = EmailMessage(policy=default.clone(linesep="\r\n"))
    letter["From"] = Address(words.replace("\u2066", ""), f"h{place}", "stranger.example")
    letter["To"] = Address(words.replace("\u2066", ""), "joe", "example.org")
    letter["Subject"], letter["X-Mailer"], letter["Message-ID"] = words, words, f"<h{place}@stranger.example>"
    if place % 2:
        letter["List-Id"] = f"{words} <h{place}.stranger.example>"
    letter.set_content(words)
    letter.add_alternative(HTML.format(words), subtype="html")
    letter.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=f"{words}.html")
    return letter.as_bytes()


@pytest.mark.parametrize("width", [320, 1280])
def test_hostile_words_in_each_field_of_a_mail_run_nothing_and_break_no_page(
    browser: Browser, running: tuple[str, int], width: int
) -> None:
    url, port = running
    with smtplib.SMTP("127.0.0.1", port, local_hostname="stranger.example") as door:
        for place, words in enumerate(HOSTILE, width):
            door.sendmail(f"h{place}@stranger.example", ["joe@example.org"], hostile(place, words))
    with signed_in(browser, url, "joe", width=width) as page:
        rows = page.locator(".list__row")
        page.goto(f"{url}/console/pending?q=from:stranger&sort=arrival")
        while rows.count() < len(HOSTILE):
            page.reload()
        ids = [str(row.get_attribute("data-id")) for row in rows.all()][: len(HOSTILE)]
        parts = ("", "/html", "/files", "/headers", "/source") if width == 320 else ("",)
        mails = [f"message/{id_}{part}" for id_ in ids for part in parts]
        lists = ["pending?q=from:stranger", "pending/machine", "history", f"pending?q=from:stranger&mail={ids[0]}"]
        for path in [*lists, *mails]:
            answer = page.goto(f"{url}/console/{path}")
            assert answer is not None
            assert answer.status == 200, path
            assert faults(answer.text()) == [], path
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
            assert [frame.evaluate("window.ran") for frame in page.frames[:1]] == [None], path
            assert page.url == f"{url}/console/{path}"
