"""Requests of release, notices and copies: put together from settings, for the service and the command line."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from gateway import assembly, verbs
from gateway.flow.courier import Courier
from gateway.flow.forward import Forwarder
from gateway.flow.notices import Notices
from gateway.flow.read import Reading
from gateway.flow.release_mail import ReleaseMail
from gateway.flow.releases import Releases
from gateway.languages.language import language
from gateway.languages.marks import marks_in
from gateway.letters import LetterWriter
from gateway.reading.reader import Reader
from gateway.relay.copies import compose_copy
from gateway.settings import Settings
from gateway.store.store import Store
from gateway.workers.clock import Clock
from gateway.workers.loop import Loop

POLL = 1.0
"""Seconds between looks for work that another process, as the command line, has left."""


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
    policies = verbs.make_policies(settings, store, letters.languages(), now)
    return ReleaseMail(assembly.digest_rules(settings), store, releases, policies, letters.release, courier, now=now)


class RequestsAndNotices:
    """What writes to people in the running service: requests of release, and notices; with their workers."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        letters: LetterWriter,
        courier: Courier,
        site_key: bytes,
        clock: Clock,
        wake_deliveries: Callable[[], None],
    ) -> None:
        self.releases = make_releases(
            store, site_key, clock.now, wake_letters=self._wake_letters, wake_deliveries=wake_deliveries
        )
        # Of its own: what it takes apart for a mail holds up no page.
        self._reader = Reader()
        policies = verbs.make_policies(settings, store, letters.languages(), clock.now)
        notices = Notices(
            assembly.digest_rules(settings),
            store,
            policies,
            Reading(store, self._reader, []),
            letters.notice,
            courier,
            marks_in=lambda tag: marks_in(language(tag)),
            number_key=site_key,
            now=clock.now,
            trusted=clock.trusted,
            random_octets=secrets.token_bytes,
        )
        mail = make_release_mail(settings, store, self.releases, letters, courier, clock.now)
        self._release_mail = Loop("release mail", mail.run_once, POLL)
        self.loops = (self._release_mail, Loop("notices", notices.run_once, POLL))

    def _wake_letters(self) -> None:
        self._release_mail.wake()

    async def close(self) -> None:
        """End the process that takes mails apart, if there is one."""
        await self._reader.close()


def make_forwarder(
    settings: Settings, store: Store, reading: Reading, courier: Courier, now: Callable[[], float]
) -> Forwarder:
    """Make what sends copies on for inspection."""
    return Forwarder(
        assembly.forward_rules(settings),
        reading,
        store,
        compose_copy,
        courier,
        now=now,
        random_octets=secrets.token_bytes,
    )
