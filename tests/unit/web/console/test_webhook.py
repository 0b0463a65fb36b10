"""The page of the webhook."""

from __future__ import annotations

import re

import pytest

from challenge_web.console.webhook import WebhookPages
from gateway.domain.webhook import Kind
from gateway.flow.webhook import Webhook, WebhookRules
from gateway.flow.webhook_ports import Answer
from gateway.store.store import Store
from tests.store.letters import keep
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.desk import Desk, open_desk

AT = "/console/webhook"


class Place:
    """A page, what is behind it, and a receiver that says what it is told to say."""

    def __init__(self, store: Store, url: str = "https://hook.example/") -> None:
        self.fault = ""
        rules = WebhookRules(url, tuple(Kind), 3, "mx.example.org", "http://x")
        self.time = 1_700_000_000.0
        self.webhook = Webhook(rules, store, self._post, now=lambda: self.time, chance=lambda: 0.5, random_octets=bytes)

    async def _post(self, event_id: str, body: bytes, now: float) -> Answer:
        return Answer(self.fault)

    async def desk(self, make_client: MakeClient, store: Store) -> Desk:
        return await open_desk(make_client, store, lambda pages, now: [WebhookPages(self.webhook, pages)])


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


async def test_webhook_that_fails_is_shown_with_what_waits_and_tried_again(
    make_client: MakeClient, store: Store
) -> None:
    place = Place(store)
    desk = await place.desk(make_client, store)
    assert "nothing was sent yet" in words(await desk.get("root", AT))
    await place.webhook.run_once()
    await keep(store)
    place.fault = "503"
    while await place.webhook.run_once():
        pass
    page = words(await desk.get("root", AT))
    for told in ("It answered 503.", "fails since", "held, released, expired", "1 try", "msg_"):
        assert told in page
    german = words(await desk.get("root", f"{AT}?lang=de"))
    for told in ("zurückgehalten, freigegeben, abgelaufen", "Der Empfänger hat mit 503 geantwortet."):
        assert told in german
    await desk.get("root", f"{AT}?lang=en")
    assert "The test event was not taken. It answered 503." in words(await desk.post("root", AT, 502, do="test"))
    place.fault = ""
    assert (await desk.post("root", AT, do="test")).endswith("said=webhook-taken")
    assert (await desk.post("root", AT, do="retry")).endswith("said=webhook-retried")
    while await place.webhook.run_once():
        pass
    page = words(await desk.get("root", AT))
    assert "Nothing waits" in page
    assert "works" in page


async def test_site_without_a_webhook_is_told_so(make_client: MakeClient, store: Store) -> None:
    desk = await Place(store, url="").desk(make_client, store)
    assert "There is no webhook" in await desk.get("root", AT)
    for do in ("test", "retry"):
        assert (await desk.post("root", AT, do=do)).endswith("said=webhook-none")


@pytest.mark.parametrize("who", ["joe", "dora", "audit"])
async def test_webhook_is_nobody_else_s_business(make_client: MakeClient, store: Store, who: str) -> None:
    desk = await Place(store).desk(make_client, store)
    await desk.get(who, AT, 403)
    await desk.post(who, AT, 403, do="test")
