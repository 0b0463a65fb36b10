"""Pages of people who are signed in to the demo by its buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

BUTTON = {who: f"Open {'Joe’s' if who == 'joe' else f'the {who}’s'} console" for who in ("joe", "auditor", "admin")} | {
    "domain-admin": "Open the domain admin’s console"
}


@contextmanager
def signed_in(
    browser: Browser, demo: str, who: str, *, width: int = 1280, script: bool = True, touch: bool = False
) -> Iterator[Page]:
    """A page of somebody who pressed a button of the demo; at the end nothing was complained of or asked elsewhere."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=script, has_touch=touch, is_mobile=touch
    )
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
        page.wait_for_load_state()  # Before, no script hears keys and clicks.
        yield page
        assert complaints == []
        assert hosts == {urlsplit(demo).netloc}
    finally:
        context.close()
