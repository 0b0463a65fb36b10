"""Sign-in at an identity provider, as the pages see it: where to send a browser, and who it is that comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.flow.sign_in_ports import Identity

WAY = "openid"
"""Its name in log lines, sessions and the store."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a web server said."""

    status: int
    body: Mapping[str, object]
    """The JSON object; empty where it was none."""


class Fetch(Protocol):
    """Asks web servers."""

    async def __call__(
        self, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET an address, or POST a form to it. Follows no redirection. Raises CheckDown."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody is to be sent to the provider."""

    url: str
    """Where to."""
    secret: str
    """For a cookie of this browser; without it nobody can come back."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody came back, and the provider says who it is."""

    identity: Identity
    wanted: str
    """Path to go on to; "" is the first page."""


class NotShown(Exception):
    """Who came back is not let in. The text is for the log: it holds nothing that a stranger wrote."""


class Provider(Protocol):
    """An identity provider; `gateway.sign_in_methods.openid.OpenidProvider`."""

    async def begin(self, return_to: str, wanted: str) -> Asking:
        """Return where to send a browser. return_to: our address for those who come back. Raises CheckDown."""

    async def finish(self, return_to: str, secret: str, query: Mapping[str, str]) -> Shown:
        """Return who came back. secret: from the browser's cookie. Raises NotShown, CheckDown."""
