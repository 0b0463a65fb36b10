"""Chromium on the challenge page: by the button, by keyboard, without script, after scanners followed every link."""

from __future__ import annotations

import itertools
import os
import re
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from benchmarks.gateway_process import GatewayProcess
from benchmarks.places import HOST, open_folder, wait_until
from benchmarks.surroundings import Surroundings, sender_zones
from tests.peers.letters import letter, link_in, trace_above
from tests.peers.solver import fetch

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
RECIPIENT = "joe@example.org"

_senders = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Desk:
    """A gateway with mailboxes on both sides, and a browser for its pages."""

    around: Surroundings
    gateway: GatewayProcess
    browser: Browser

    def challenged(self, recipient: str = RECIPIENT) -> Challenged:
        """Let a new stranger write, and return what came of it."""
        sender = f"stranger{next(_senders)}@stranger.example"
        content = letter(sender, recipient)
        with smtplib.SMTP(HOST, self.gateway.smtp_port, "client.example", timeout=30) as door:
            door.sendmail(sender, [recipient], content, ["BODY=8BITMIME"])
        (mail,) = self.around.outside.wait(sender)
        return Challenged(sender, content, mail.content, link_in(mail.content))

    def delivered(self, challenged: Challenged) -> bytes:
        """Wait for the stranger's mail in the recipient's mailbox, and return it."""

        def mine() -> list[bytes]:
            mails = self.around.inside.mails(RECIPIENT)
            return [mail.content for mail in mails if mail.reverse_path == challenged.sender]

        count = len(self.around.inside.mails(RECIPIENT))
        while not mine():
            self.around.inside.wait(RECIPIENT, count + 1)
            count += 1
        (content,) = mine()
        return content

    def settle(self) -> None:
        """Wait until all is noted: a mail is there before it is written down that it was sent or delivered."""
        wait_until(
            lambda: (
                all(row["state"] != "queued" for row in self.gateway.data("challenges", "list", "--most", "1000"))
                and not self.gateway.data("pending", "list", "--state", "released")
            ),
            "what was sent and delivered is noted",
        )

    def state(self) -> tuple[Any, Any]:
        """Return everything an operator can see of the store."""
        rows = self.gateway.data("pending", "list", "--state", "all", "--most", "1000")
        shown = [self.gateway.data("pending", "show", str(row["id"])) for row in rows[:1]]
        return (rows, shown), self.gateway.data("challenges", "list", "--most", "1000")


@dataclass(frozen=True, slots=True)
class Challenged:
    """A stranger who was asked."""

    sender: str
    content: bytes
    """His mail."""
    challenge: bytes
    link: str


@dataclass(slots=True)
class Watched:
    """What a page asked for and complained about."""

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("console", lambda message: self._complain(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _complain(self, kind: str, text: str) -> None:
        # A page that says "wrong" comes with status 422, which Chromium calls an error.
        if kind == "error" and "422" not in text:
            self.complaints.append(text)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    assert os.path.exists(CHROMIUM), f"install the Debian package chromium: {CHROMIUM} not found"
    with (
        open_folder("gateway-browser") as folder,
        Surroundings(sender_zones(["stranger.example"], HOST)) as around,
        GatewayProcess(
            folder,
            {
                "smtp.stage": "edge",
                "smtp.processes": 1,
                "relay.next_hop": f"{HOST}:{around.inside.port}",
                "relay.smart_host": f"{HOST}:{around.outside.port}",
                "dns.servers": [f"{HOST}:{around.dns_port}"],
                "challenge.work_bits": 8,
            },
        ) as gateway,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield Desk(around, gateway, browser)
        finally:
            browser.close()


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def page(desk: Desk, watched: Watched) -> Iterator[Page]:
    with _context(desk) as context:
        page = context.new_page()
        watched.watch(page)
        yield page


def test_stranger_lets_his_device_answer_and_his_mail_arrives(desk: Desk, page: Page, watched: Watched) -> None:
    challenged = desk.challenged()
    page.goto(challenged.link)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text(challenged.sender)).to_be_visible()

    page.get_by_role("button", name="Let my device do it").click()

    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    assert "/status/" in page.url
    trace_above(desk.delivered(challenged), challenged.content)
    assert watched.hosts == {urlsplit(desk.gateway.url).netloc}
    assert watched.complaints == []


def test_stranger_answers_with_keys_alone(desk: Desk, page: Page) -> None:
    challenged = desk.challenged()
    page.goto(challenged.link)
    button = page.get_by_role("button", name="Let my device do it")
    expect(button).to_be_visible()

    for _ in range(30):
        page.keyboard.press("Tab")
        if button.evaluate("element => element === document.activeElement"):
            break
    outline = button.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline != "none", "the focus cannot be seen"
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    trace_above(desk.delivered(challenged), challenged.content)


def test_page_without_script_takes_letters(desk: Desk) -> None:
    challenged = desk.challenged()
    with _context(desk, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(challenged.link)
        picture = page.get_by_role("img", name=re.compile("Picture with"))
        expect(picture).to_be_visible()
        first = picture.get_attribute("src")
        expect(page.get_by_role("button", name="Let my device do it")).to_be_hidden()

        page.get_by_role("textbox").fill("2 2 2 2 2 2")
        page.get_by_role("button", name="Send my mail on").click()

        expect(page.get_by_role("alert")).to_contain_text("not quite right")
        expect(page.get_by_role("textbox")).to_be_focused()
        second = page.get_by_role("img", name=re.compile("Picture with")).get_attribute("src")
        assert first != second
        assert second is not None
        shown = fetch(urljoin(challenged.link, second))
        assert shown.status == 200
        assert shown.body.startswith(b"\x89PNG")


def test_new_picture_is_another_one_and_costs_no_attempt(desk: Desk, page: Page) -> None:
    challenged = desk.challenged()
    page.goto(challenged.link)
    picture = page.get_by_role("img", name=re.compile("Picture with"))
    seen = {picture.get_attribute("src")}

    for _ in range(8):
        before = picture.get_attribute("src") or ""
        page.get_by_role("link", name="New picture").click()
        expect(picture).not_to_have_attribute("src", before)
        seen.add(picture.get_attribute("src"))

    assert len(seen) == 9
    (challenge,) = [row for row in desk.gateway.data("challenges", "list") if row["sender"] == challenged.sender]
    assert challenge["wrong_answers"] == 0


def test_links_that_machines_followed_still_serve_the_person(desk: Desk, page: Page) -> None:
    challenged = desk.challenged()
    links = _links_of(challenged)
    desk.settle()
    before = desk.state()

    _follow(desk, links)

    assert desk.state() == before
    page.goto(challenged.link)
    page.get_by_role("button", name="Let my device do it").click()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    trace_above(desk.delivered(challenged), challenged.content)


def test_links_of_our_letters_that_machines_followed_still_serve_the_person(desk: Desk, page: Page) -> None:
    reader, told, boss = "reader@example.org", "told@example.org", "boss@example.org"
    desk.gateway.command("policy", "set", "notices", "on", told)
    invitation = desk.gateway.command("account", "add", "boss", "--role", "site-admin", "--address", boss)
    senders = {mailbox: desk.challenged(mailbox).sender for mailbox in (reader, told, "asker@example.org")}
    desk.gateway.command("digest", "send", reader)
    number = {row["sender"]: str(row["id"]) for row in desk.gateway.data("pending", "list")}[
        senders["asker@example.org"]
    ]
    desk.gateway.command("requests", "ask", number)
    letters = {mailbox: _links_in(desk.around.inside.wait(mailbox)[0].content) for mailbox in (reader, told, boss)}

    def state() -> tuple[Any, Any]:
        return desk.state(), desk.gateway.data("requests", "list")

    desk.settle()
    wait_until(
        lambda: {mail["state"] for case in state()[1] for mail in case["mails"]} == {"sent"},
        "the request is noted as sent",
    )
    before = state()
    _follow(desk, sorted({link for links in letters.values() for link in links}))
    assert state() == before

    for mailbox in (reader, told):
        (link,) = [link for link in letters[mailbox] if re.search(r"/held/\w+$", link)]
        page.goto(link)
        page.get_by_role("button", name="Deliver", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Delivered")
    (link,) = [link for link in letters[boss] if re.search(r"/requests/\d+$", link)]
    page.goto(re.findall(r"https?://\S+", invitation)[0])
    page.get_by_role("button").first.click()
    expect(page).to_have_url(re.compile("/console"))
    page.goto(link)
    page.get_by_role("button", name="Deliver to its recipient").click()
    for mailbox, sender in senders.items():

        def came(box: str = mailbox, by: str = sender) -> bool:
            return any(mail.reverse_path == by for mail in desk.around.inside.mails(box))

        wait_until(came, f"{mailbox} has the mail")


def test_somebody_whose_address_was_forged_says_so(desk: Desk, page: Page) -> None:
    challenged = desk.challenged()
    page.goto(challenged.link)

    page.get_by_role("link", name="I did not write this mail").click()
    page.get_by_role("button", name="No, I did not write it").click()

    expect(page.get_by_role("heading", name="Thank you for telling us")).to_be_visible()
    rows = desk.gateway.data("pending", "list", "--state", "all", "--from", challenged.sender)
    assert [row["state"] for row in rows] == ["disowned"]
    assert fetch(challenged.link).status == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_on_a_small_telephone_needs_no_sideways_scroll(desk: Desk, scheme: Any) -> None:
    challenged = desk.challenged()
    with _context(desk, viewport={"width": 320, "height": 640}, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(challenged.link)

        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        size = page.get_by_role("button", name="Send my mail on").bounding_box()
        assert size is not None
        assert size["height"] >= 44
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in re.findall(r"\d+", light)[:3]) / 3
        assert (brightness > 127) is (scheme == "light")


def _context(desk: Desk, **options: Any) -> BrowserContext:
    return desk.browser.new_context(**options)


def _follow(desk: Desk, links: list[str]) -> None:
    """Ask for each link as scanners do: ten times by GET and HEAD, and by a browser with script, which fetches ahead."""
    for link in links:
        for _ in range(10):
            assert fetch(link).status in (200, 303), link
            assert fetch(link, "HEAD").status in (200, 303), link
        assert fetch(link, "OPTIONS").status < 500
    with _context(desk, bypass_csp=True) as scanner:
        robot = scanner.new_page()
        for link in links:
            robot.goto(link, wait_until="load")
            robot.evaluate(_TEN_TIMES, link)


_TEN_TIMES = """async link => {
    const more = [...document.querySelectorAll("a[href], link[href]")].map(one => one.href);
    for (const address of [link, ...more.filter(one => one.startsWith(location.origin))]) {
        const ahead = document.createElement("link");
        Object.assign(ahead, {rel: "prefetch", href: address});
        (document.head ?? document.documentElement).append(ahead);
    }
    for (let turn = 0; turn < 10; turn += 1) {
        await Promise.all([fetch(link, {cache: "no-store"}), fetch(link, {method: "HEAD", cache: "no-store"})]);
    }
}"""


def _links_in(content: bytes) -> list[str]:
    """Return every link in a letter, text and HTML."""
    message = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
    texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return sorted({link for text in texts for link in re.findall(r"https?://[^\s<>\"']+", text)})


def _links_of(challenged: Challenged) -> list[str]:
    """Return every link in the challenge, and every one on the page it leads to."""
    found = set(_links_in(challenged.challenge))
    shown = fetch(challenged.link).body.decode()
    found |= {urljoin(challenged.link, place) for place in re.findall(r"(?:href|src)=\"([^\"]+)\"", shown)}
    return sorted(found)
