"""Send events to the webhook: signed as Standard Webhooks has it, with limits on time and size, and no way elsewhere."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from standardwebhooks import Webhook

from gateway.domain.durations import DAY
from gateway.flow.webhook import SIDE_BY_SIDE
from gateway.flow.webhook_ports import Answer

_MOST_ANSWER = 4096
"""Octets of an answer that are read, and thrown away; a connection with more is not used again."""
_LONGEST_WAIT = DAY


class WebhookSender:
    """Keeps its connections; implements `flow.webhook_ports.Post`."""

    def __init__(
        self, url: str, secrets: Callable[[], Sequence[str]], *, ca_file: Path | None, seconds: float, agent: str
    ) -> None:
        """secrets: read anew for each request, so that they can be changed meanwhile; raises OSError or ValueError.

        ca_file: PEM; None trusts whom the system trusts. seconds: for one request, to the end of its answer.
        """
        self._url = url
        self._secrets = secrets
        self._ca_file = ca_file
        self._time = aiohttp.ClientTimeout(total=seconds)
        self._agent = agent
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, event_id: str, body: bytes, now: float) -> Answer:
        """Send one event."""
        try:
            secrets = await asyncio.to_thread(self._secrets)
        except (OSError, ValueError):
            return Answer("secret")
        at = datetime.fromtimestamp(int(now), UTC)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._agent,
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now)),
            # Each secret signs: a receiver that knows one of them is content.
            "webhook-signature": " ".join(Webhook(secret).sign(event_id, at, body.decode()) for secret in secrets),
        }
        try:
            session = await self._opened()
            # Not elsewhere: the receiver that was named answers for what it gets, and cannot point us at our own net.
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                await response.content.read(_MOST_ANSWER)
                if 200 <= response.status < 300:
                    return Answer()
                return Answer(str(response.status), _seconds(response.headers.get("Retry-After", "")))
        except TimeoutError:
            return Answer("timeout")
        except (aiohttp.ClientSSLError, ssl.SSLError):
            return Answer("tls")
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer("connection")

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            trust = await asyncio.to_thread(ssl.create_default_context, cafile=self._ca_file)
            # Made meanwhile by another of the requests that began together.
            if self._session is None:
                connector = aiohttp.TCPConnector(limit=SIDE_BY_SIDE, ssl=trust)
                # No proxy from the environment, and no cookies: what is sent goes where the setting says.
                self._session = aiohttp.ClientSession(
                    connector=connector, timeout=self._time, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
                )
        return self._session


def _seconds(text: str) -> float:
    """Read Retry-After (RFC 9110 §10.2.3) where it is a number; a date is left aside."""
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() and len(text) < 9 else 0.0
