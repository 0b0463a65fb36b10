"""Fingers on a page in a browser, and what is too small for them."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

SMALL = """() => {
    document.querySelectorAll("details").forEach(one => { one.open = true; });
    const high = element => element.getBoundingClientRect().height;
    return [...document.querySelectorAll("a, button, input, select, textarea, summary")]
        .filter(element => high(element) > 1 && high(element) < 43.5)
        .filter(element => !(element.labels && element.labels.length && high(element.labels[0]) >= 43.5))
        .map(element => element.outerHTML);
}"""
"""Script that opens what folds and returns what is too small: below 44 px, its label too."""

Touch = Callable[..., None]


def fingers(page: Page) -> Touch:
    """Return what puts fingers on the page, moves them, and lifts them where there are none."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    return touch
