"""oidc-provider-mock with the one thing it leaves out: a code is given back only to who shows its PKCE verifier.

Run as a program of its own: `python openid_provider.py PORT`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import make_server

Environ = dict[str, Any]
Start = Callable[..., Any]


class WithPkce:
    """RFC 7636 §4.6, around an application that knows nothing of it."""

    def __init__(self, app: Callable[[Environ, Start], Iterable[bytes]]) -> None:
        self._app = app
        self._challenges: dict[str, str] = {}

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], parse_qs(environ.get("QUERY_STRING", ""))
        if path == "/oauth2/authorize":
            if query.get("code_challenge_method") != ["S256"]:
                return _refuse(start, b'{"error": "invalid_request"}')

            def remember(status: str, headers: list[tuple[str, str]], *rest: object) -> object:
                answer = parse_qs(urlsplit(dict(headers).get("Location", "")).query)
                if "code" in answer:
                    self._challenges[answer["code"][0]] = query["code_challenge"][0]
                return start(status, headers, *rest)

            return self._app(environ, remember)
        if path == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            form = parse_qs(body.decode())
            verifier = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
            shown = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
            if shown != self._challenges.get(form.get("code", [""])[0]):
                return _refuse(start, b'{"error": "invalid_grant"}')
            environ["wsgi.input"] = io.BytesIO(body)
        return self._app(environ, start)


def _refuse(start: Start, body: bytes) -> Iterable[bytes]:
    start("400 BAD REQUEST", [("Content-Type", "application/json")])
    return [body]


def _main() -> None:
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    import oidc_provider_mock

    app = oidc_provider_mock.app(require_nonce=True)
    make_server("127.0.0.1", int(sys.argv[1]), WithPkce(app)).serve_forever()


if __name__ == "__main__":
    _main()
