"""The webhook put together: what sends, and what reads the audit trail for it."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable

from challenge_web.webhook_sender import WebhookSender
from gateway import __version__
from gateway.domain.webhook import Kind
from gateway.flow.webhook import Webhook, WebhookRules
from gateway.flow.webhook_ports import Post, WebhookStore
from gateway.settings import Settings, read_secret
from gateway.settings.values import webhook_secrets


def make_sender(settings: Settings) -> WebhookSender:
    """Make what sends; whoever makes it closes it."""
    webhook = settings.webhook
    return WebhookSender(
        webhook.url,
        lambda: webhook_secrets(read_secret(webhook.secret_file)),
        ca_file=webhook.ca_file,
        seconds=webhook.timeout_seconds,
        agent=f"challenge-gateway/{__version__}",
    )


def make_webhook(settings: Settings, store: WebhookStore, post: Post, now: Callable[[], float]) -> Webhook:
    """Make the service that tells another program what becomes of mail."""
    webhook = settings.webhook
    rules = WebhookRules(
        url=webhook.url,
        kinds=tuple(Kind(name) for name in dict.fromkeys(webhook.events)),
        days=webhook.retry_days,
        site=settings.smtp.hostname,
        public_url=settings.web.public_url,
    )
    return Webhook(rules, store, post, now=now, chance=random.random, random_octets=secrets.token_bytes)
