"""The webhook from end to end: a receiver that is down, a service that is killed, and each event comes all the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from standardwebhooks import Webhook

from benchmarks.places import wait_until
from tests.peers.letters import letter
from tests.system.conftest import FORGER, MakeSite

ADA, JOE = "ada@stranger.example", "joe@example.org"
SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"


@contextmanager
def receiver(heard: list[tuple[str, str]]) -> Iterator[int]:
    """Listen, and keep what is signed as it has to be; the first answer is a refusal."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            event = Webhook(SECRET).verify(body, dict(self.headers))
            self.send_response(204 if heard else 503)
            self.end_headers()
            heard.append((self.headers["webhook-id"], json.dumps(event)))

        def log_message(self, format: str, *args: object) -> None:
            """Keep still."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_event_survives_a_receiver_that_is_down_and_a_service_that_is_killed(
    make_site: MakeSite, tmp_path: Path
) -> None:
    heard: list[tuple[str, str]] = []
    (tmp_path / "secret").write_text(SECRET)
    with receiver(heard) as port:
        settings = {"webhook.url": f"http://127.0.0.1:{port}/mail", "webhook.secret_file": str(tmp_path / "secret")}
        site = make_site(settings)
        site.send(ADA, JOE, letter(ADA, JOE), client=FORGER)
        wait_until(lambda: len(heard) == 1, "the event came")
        wait_until(lambda: site.gateway.data("webhook", "show")["failing_since"] is not None, "its refusal is kept")
        site.gateway.kill()
        site.gateway.start()
        site.gateway.data("webhook", "retry")  # It would come by itself, some seconds later.
        wait_until(lambda: len(heard) == 2, "the event came again")
        site.gateway.data("pending", "deliver", "1")
        wait_until(lambda: len(heard) == 3, "the next event came")
    refused, held, released = ((number, json.loads(event)) for number, event in heard)
    assert refused == held
    assert (held[1]["type"], held[1]["data"]["recipient"]) == ("message.held", JOE)
    assert (released[1]["type"], released[1]["data"]["id"]) == ("message.released", 1)
    assert released[0] != held[0]
