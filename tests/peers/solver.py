"""A client for the challenge page written from docs/challenge-page.md alone: it answers by the proof of work."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass(frozen=True, slots=True)
class Page:
    """What a URL answered."""

    status: int
    location: str
    """Where it sends us on, absolute; "" for nowhere."""
    body: bytes

    @property
    def data(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def fetch(url: str, method: str = "GET", fields: dict[str, str] | None = None, *, accept: str = "*/*") -> Page:
    """Make one request and follow nothing."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        headers = {"Accept": accept}
        body = None
        if fields is not None:
            body = urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        location = answer.headers.get("Location", "")
        return Page(answer.status, urljoin(url, location) if location else "", answer.read())
    finally:
        connection.close()


def solve(link: str) -> Page:
    """Answer a challenge by the proof of work, and return its status page as data."""
    shown = fetch(link, accept="application/json")
    assert shown.status == 200, shown
    facts = shown.data
    (puzzle,) = [puzzle for puzzle in facts["puzzles"] if puzzle["kind"] == "proof-of-work"]
    answer = work(puzzle["puzzle"], puzzle["bits"], puzzle["iterations"])
    done = fetch(
        urljoin(link, facts["answer_url"]), "POST", {"puzzle": puzzle["puzzle"], "answer": answer},
        accept="application/json",
    )  # fmt: skip
    assert done.status == 303, done
    status = fetch(done.location, accept="application/json")
    assert status.status == 200, status
    return status


def work(puzzle: str, bits: int, iterations: int) -> str:
    """Return the first counter whose PBKDF2-HMAC-SHA256 with the puzzle as salt begins with so many zero bits."""
    for counter in itertools.count():
        digest = hashlib.pbkdf2_hmac("sha256", str(counter).encode(), puzzle.encode(), iterations, 32)
        if int.from_bytes(digest, "big") >> (256 - bits) == 0:
            return str(counter)
    raise AssertionError("unreachable")
