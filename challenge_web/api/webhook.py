"""The webhook: how it stands, try it out, and let what waits be sent now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, Nothing, Operation, when, when_or_none
from challenge_web.api.problems import Problem
from gateway.domain.roles import Right
from gateway.domain.webhook import fault_words
from gateway.flow.webhook import Webhook


class WebhookEvent(Struct, frozen=True):
    """An event that waits to be sent."""

    event_id: Annotated[str, Meta(description="Its `webhook-id`.")]
    kind: Annotated[str, Meta(description="`held`, `released` or `expired`.")]
    id: Annotated[int, Meta(description="Of the mail.")]
    at: datetime
    attempts: int
    due_at: datetime
    fault: Annotated[str, Meta(description='Why the last attempt failed; "" before the first.')]


class WebhookAnswer(Struct, frozen=True):
    """How the webhook stands."""

    url: Annotated[str, Meta(description='"" where there is none.')]
    events: tuple[str, ...]
    waiting: int
    oldest: datetime | None
    sent_at: datetime | None
    failing_since: datetime | None
    fault: Annotated[str, Meta(description="Of the last attempt that failed.")]
    dropped: Annotated[int, Meta(description="Events that were never taken.")]
    items: Annotated[tuple[WebhookEvent, ...], Meta(description="The eldest that wait, at most 50.")]


class TestAnswer(Struct, frozen=True):
    """What came of a test event."""

    taken: bool
    fault: str


class Retried(Struct, frozen=True):
    """How many events are sent now."""

    retried: int


class WebhookResource:
    """The operations on the webhook."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        right = Right.WEBHOOK
        return (
            Operation("getWebhook", "GET", "/webhook", right, self.show, "See how the webhook stands.", WebhookAnswer),
            Operation("testWebhook", "POST", "/webhook/test", right, self.test, "Send a test event.", TestAnswer,
                      problems=(409,)),
            Operation("retryWebhook", "POST", "/webhook/retry", right, self.retry, "Send what waits now.", Retried,
                      problems=(409,)),
        )  # fmt: skip

    async def show(self, call: Call[Nothing, None]) -> WebhookAnswer:
        """Return how the webhook stands, and what waits to be sent."""
        found = await self._webhook.show(call.viewer)
        if found is None:
            raise Problem("forbidden")
        now = found.standing
        return WebhookAnswer(
            url=found.url,
            events=tuple(kind.value for kind in found.kinds),
            waiting=now.waiting,
            oldest=when_or_none(now.oldest),
            sent_at=when_or_none(now.sent_at),
            failing_since=when_or_none(now.failing_since),
            fault=_words(now.fault),
            dropped=now.dropped,
            items=tuple(
                WebhookEvent(
                    one.event_id, one.kind.value, one.pending, when(one.at), one.attempts, when(one.due_at),
                    _words(one.fault),
                )
                for one in found.items
            ),
        )  # fmt: skip

    async def test(self, call: Call[Nothing, None]) -> TestAnswer:
        """Send a test event, and return what came of it."""
        answer = await self._webhook.test(call.viewer)
        if answer is None:
            raise _none()
        return TestAnswer(not answer.fault, _words(answer.fault))

    async def retry(self, call: Call[Nothing, None]) -> Retried:
        """Let all that waits be due."""
        count = await self._webhook.retry(call.viewer)
        if count is None:
            raise _none()
        return Retried(count)


def _words(fault: str) -> str:
    return str(fault_words(fault)) if fault else ""


def _none() -> Problem:
    return Problem("conflict", "There is no webhook: [webhook] url is empty.")
