"""The demo's pages, with a gateway made of plain values."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from challenge_web.demo import Held, add_demo_routes
from challenge_web.demo.letter import Letter, send
from gateway.demo.mailboxes import MailboxServer
from gateway.demo.world import World
from gateway.domain.evidence import Dkim, Dmarc, Evidence, Result, Spf
from gateway.domain.lifecycle import ChallengeState, State
from gateway.settings import Endpoint

URL = "http://127.0.0.1:8080"
PROVEN = Evidence(spf=Spf(Result.PASS, "stranger.example"), dmarc=Dmarc(Result.PASS, "stranger.example", "reject"))
FORGED = Evidence(spf=Spf(Result.FAIL, "bank.example"), dkim=(Dkim(Result.FAIL, "bank.example", "s"),))


@dataclass
class Gateway:
    """What the page sees of a gateway; a test puts in what it shall see."""

    smtp: Endpoint
    public_url: str = URL
    rows: list[Held] = field(default_factory=list)
    entered: list[tuple[str, str]] = field(default_factory=list)

    async def enter(self, who: str, client: str, agent: str) -> str:
        self.entered.append((who, client))
        return "secretofasession"

    async def pending_for(self, sender: str) -> Sequence[Held]:
        return list(reversed(self.rows))


@dataclass
class Stage:
    world: World
    door: MailboxServer
    gateway: Gateway
    client: TestClient[web.Request, web.Application]

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status == status, path
        return await answer.text()

    async def post(self, headers: dict[str, str] | None = None, /, **fields: str) -> ClientResponse:
        form = {"person": "ada", "number": "0", "recipient": "joe@example.org", "subject": "Hi", "text": "Hello"}
        origin = str(self.client.make_url("/")).rstrip("/")
        chosen = {"Origin": origin} if headers is None else headers
        return await self.client.post("/demo/send", data=form | fields, headers=chosen, allow_redirects=False)

    async def write(self, **fields: str) -> str:
        """Send a mail from the page; return the address of its story."""
        answer = await self.post(**fields)
        assert answer.status == 303
        return answer.headers["Location"]

    def sent(self) -> bytes:
        """The newest mail that reached the gateway's door."""
        return self.door.all_mails()[-1].content

    def message_id(self) -> str:
        found = re.search(rb"^Message-ID: (.+)\r$", self.sent(), re.MULTILINE)
        assert found is not None
        return found[1].decode()

    def hold(self, state: State = State.PENDING, silence: str = "", evidence: Evidence = PROVEN) -> None:
        challenge = None if silence else ChallengeState.SENT
        reason = "unproven-sender" if silence == "unproven-sender" else "unknown-sender"
        row = Held(7, "joe@example.org", self.message_id(), state, reason, silence, challenge, evidence, 9e9)
        self.gateway.rows = [row]

    async def put(self, box: MailboxServer, content: bytes, recipient: str, sender: str = "") -> None:
        letter = Letter("", sender, recipient, "", "")
        done = await send(box.endpoint, letter, content, helo="g", timeout=5, monotonic=lambda: 0.0)
        assert done.accepted

    async def ask(self, sender: str = "ada@stranger.example") -> None:
        """What the gateway's challenge mail does."""
        content = (
            f"From: desk@example.org\r\nTo: {sender}\r\nSubject: Auto: Hi - one small step\r\n"
            f"X-Gateway-Challenge: 1\r\nIn-Reply-To: {self.message_id()}\r\n\r\n"
            f"Please open {URL}/c/tokentokentoken.\r\nNot this: http://evil.example/\r\n"
        )
        await self.put(self.world.outside, content.encode(), sender)

    async def deliver(self, changed: bool = False) -> None:
        content = b"Received: from x\r\n\tby gateway.example.org\r\n" + self.sent()
        await self.put(self.world.inside, content + b"P.S.\r\n" * changed, "joe@example.org", "ada@stranger.example")

    async def status(self, story: str) -> tuple[bool, dict[str, str], str]:
        """Return finished, step → progress, and all the text."""
        answer = await self.client.get(re.sub(r"/demo/\?story=(\w+)#story", r"/demo/story/\1.json", story))
        assert answer.status == 200
        told = await answer.json()
        steps = {step["key"]: step["progress"] for step in told["steps"]}
        return told["finished"], steps, "".join(step["html"] for step in told["steps"])


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with World() as world, MailboxServer() as door:
        app = web.Application()
        gateway = Gateway(door.endpoint)
        add_demo_routes(app, world, gateway)
        async with TestClient(TestServer(app, host="127.0.0.1")) as client:
            yield Stage(world, door, gateway, client)
