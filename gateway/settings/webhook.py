"""Where another program is told of what happens."""

from __future__ import annotations

from typing import Literal

from gateway.settings.value_kinds import Days, File, Seconds, Section, WebhookUrl


class Webhook(Section, frozen=True):
    """Tells a program of yours what becomes of mail, by signed requests; see docs/webhook.md."""

    url: WebhookUrl = ""
    """Where events are sent by POST; "" switches it off. By https, or by http on this machine alone."""
    secret_file: File = None
    """File with the secret that signs them, as `challenge-gateway webhook secret` prints one; while it is changed, the old one stands on a second line."""
    events: tuple[Literal["held", "released", "expired"], ...] = ("held", "released", "expired")
    """Of which ones it is told."""
    retry_days: Days = 3
    """For how long an event that was not taken is tried again; then it is dropped."""
    ca_file: File = None
    """PEM file with the authorities its certificate must come from; "" is the system's."""
    timeout_seconds: Seconds = 10
    """How long one request may take."""
