"""Ask other web servers, as an identity provider: with limits on time and size, and no way elsewhere."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec

from gateway.flow.openid import Answer
from gateway.flow.sign_in_ports import CheckDown

_LARGEST = 256 * 1024


class JsonFetch:
    """One connection for each question; implements `flow.openid.Fetch`."""

    def __init__(self, ca_file: Path | None, seconds: float) -> None:
        """ca_file: PEM; None trusts whom the system trusts. seconds: for one answer, to its last octet."""
        self._ca_file = ca_file
        self._time = aiohttp.ClientTimeout(total=seconds)
        self._trust: ssl.SSLContext | None = None

    async def __call__(
        self, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET an address, or POST a form to it. Follows no redirection. Raises CheckDown."""
        try:
            if self._trust is None:
                self._trust = await asyncio.to_thread(ssl.create_default_context, cafile=self._ca_file)
            async with (
                aiohttp.ClientSession(timeout=self._time, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.request(
                    "GET" if form is None else "POST",
                    url,
                    data=None if form is None else dict(form),
                    headers={"Accept": "application/json", **(headers or {})},
                    allow_redirects=False,
                    ssl=self._trust,
                ) as response,
            ):
                return Answer(response.status, _object(await _limited(response.content)))
        except (aiohttp.ClientError, OSError, ValueError) as fault:  # TimeoutError is an OSError.
            raise CheckDown(f"the provider cannot be asked: {type(fault).__name__}") from fault


async def _limited(content: aiohttp.StreamReader) -> bytes:
    octets = bytearray()
    async for piece in content.iter_chunked(65_536):
        octets += piece
        if len(octets) > _LARGEST:
            raise ValueError("the answer is too large")
    return bytes(octets)


def _object(octets: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(octets, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
