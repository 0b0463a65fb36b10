"""The desks that write to people about one mail: put together from settings, for the service and the command line."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from gateway import assembly
from gateway.flow.courier import Courier
from gateway.flow.forward import Forwarder, Outside
from gateway.flow.letter_book import LetterBook
from gateway.flow.ports import Hop
from gateway.flow.read import Reading
from gateway.flow.release_mail import ReleaseMail
from gateway.flow.releases import Releases
from gateway.letters import LetterWriter
from gateway.relay.copies import compose_copy
from gateway.settings import Settings
from gateway.store.store import Store


def make_releases(
    store: Store,
    site_key: bytes,
    now: Callable[[], float],
    *,
    wake_letters: Callable[[], None] = lambda: None,
    wake_deliveries: Callable[[], None] = lambda: None,
) -> Releases:
    """Make the service of requests of release."""
    return Releases(store, number_key=site_key, now=now, wake_letters=wake_letters, wake_deliveries=wake_deliveries)


def make_release_mail(
    settings: Settings,
    store: Store,
    releases: Releases,
    letters: LetterWriter,
    courier: Courier,
    now: Callable[[], float],
) -> ReleaseMail:
    """Make what sends the mails about them."""
    policies = assembly.make_policies(settings, store, letters.languages(), now)
    return ReleaseMail(assembly.digest_rules(settings), store, releases, policies, letters.release, courier, now=now)


def make_forwarder(
    settings: Settings,
    store: Store,
    reading: Reading,
    outside: Outside,
    hop_of: Callable[[str], Hop],
    now: Callable[[], float],
) -> Forwarder:
    """Make what sends copies on for inspection."""
    return Forwarder(
        assembly.forward_rules(settings),
        reading,
        store,
        compose_copy,
        outside,
        hop_of,
        now=now,
        random_octets=secrets.token_bytes,
        book=LetterBook(store, now=now),
    )
