"""A browser of few words: cookies, forms, and the fields that a real one sends with them."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def csrf(self) -> str:
        """The token of its forms; "" where they have none."""
        found = re.search(r'name="csrf" value="([^"]*)"', self.text)
        return unescape(found[1]) if found else ""

    @property
    def location(self) -> str:
        """Where it leads, whole."""
        return urljoin(self.url, self.headers.get("Location", ""))


@dataclass
class Browser:
    """Keeps cookies for one site."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, *, follow: bool = False, headers: Mapping[str, str] = {}) -> Page:
        """GET a path, or a whole address."""
        page = self._ask("GET", path, None, headers)
        return self.get(page.location, follow=True) if follow and page.status == 303 else page

    def post(
        self,
        path: str,
        fields: Mapping[str, str],
        *,
        headers: Mapping[str, str] = {},
        csrf: str | None = None,
        follow: bool = False,
    ) -> Page:
        """POST a form as a page of ours does. csrf: None takes the token of the page at this path's room."""
        told = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", **headers}
        body = dict(fields) if csrf is None else {**fields, "csrf": csrf}
        page = self._ask("POST", path, urlencode(body), told)
        return self.get(page.location, follow=True) if follow and page.status == 303 else page

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Page:
        url = urljoin(self.url + "/", path)
        parts = urlsplit(url)
        sent = {"User-Agent": FIREFOX, "Accept": "text/html", **self.headers, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return Page(url, answer.status, answer.headers, text)
