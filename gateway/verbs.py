"""The verbs that people call, made ready with the rules that settings give them; for the service and for commands."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Protocol
from zoneinfo import available_timezones

from gateway import assembly
from gateway.domain.address import normal_domain
from gateway.flow.ask_again import AskAgain, AskStore
from gateway.flow.courier import Courier, Outside
from gateway.flow.digest_choices import DigestChoices
from gateway.flow.digest_ports import DigestLetter
from gateway.flow.digests import Digests
from gateway.flow.expecting import Expecting, ExpectingStore
from gateway.flow.history import History, HistoryStore
from gateway.flow.letter_book import LetterBook, LettersStore
from gateway.flow.own_mail import OwnMail
from gateway.flow.policies import Policies
from gateway.flow.policy_ports import PoliciesStore
from gateway.flow.ports import Hop
from gateway.flow.receive_rules import own_domains
from gateway.flow.redate import Redater, RedateStore
from gateway.settings import Settings
from gateway.store.store import Store


def make_ask_again(
    settings: Settings, store: AskStore, now: Callable[[], float], wake_challenges: Callable[[], None] = lambda: None
) -> AskAgain:
    """Make what asks senders once more, by hand."""
    return AskAgain(store, assembly.policy(settings), assembly.caps(settings), now=now, wake_challenges=wake_challenges)


def make_policies(
    settings: Settings,
    store: PoliciesStore,
    languages: Sequence[str],
    now: Callable[[], float],
    wake: Callable[[], None] = lambda: None,
) -> Policies:
    """Make the service of policies.

    languages: those that there are texts of challenges in. wake: tells the worker of orders that there is one.
    """
    return Policies(
        store, assembly.policy(settings), own_domains(settings.domains.names), languages, now=now, wake=wake
    )


def make_redater(settings: Settings, store: RedateStore, now: Callable[[], float]) -> Redater:
    """Make what applies policies to mail that waits."""
    return Redater(store, assembly.policy(settings), now=now)


class DigestWriter(Protocol):
    """Writes digests."""

    async def digest(self, letter: DigestLetter, now: float) -> OwnMail:
        """Write the mail that tells somebody what waits."""

    def languages(self) -> Sequence[str]:
        """Return the languages that there are shipped texts in."""


def make_courier(
    settings: Settings,
    hop_for: Callable[[str], Hop],
    outside: Outside,
    now: Callable[[], float],
    mark_key: bytes,
    store: LettersStore,
) -> Courier:
    """Make what brings our letters to people."""
    return Courier(
        own_domains(settings.domains.names),
        hop_for,
        outside,
        now=now,
        mark_key=mark_key,
        book=LetterBook(store, now=now),
    )


def make_digests(
    settings: Settings,
    store: Store,
    writer: DigestWriter,
    courier: Courier,
    now: Callable[[], float],
    trusted: Callable[[], bool],
) -> Digests:
    """Make the service of digests. trusted: False while the clock is not to be believed."""
    return Digests(
        assembly.digest_rules(settings),
        store,
        make_policies(settings, store, writer.languages(), now),
        writer.digest,
        courier,
        now=now,
        trusted=trusted,
        random_octets=secrets.token_bytes,
    )


def make_digest_choices(
    settings: Settings, store: Store, languages: Sequence[str], now: Callable[[], float]
) -> DigestChoices:
    """Make the service of what is chosen for digests. languages: those that there are texts in."""
    return DigestChoices(assembly.digest_rules(settings), store, languages, available_timezones, now=now)


def make_history(settings: Settings, store: HistoryStore, now: Callable[[], float]) -> History:
    """Make the service of what became of each mail."""
    own = {normal_domain(name): days for name, days in settings.history.domains.items()}
    # What a person may still read, and whom we must not ask again, is not forgotten before.
    least = max(settings.store.retention_days, settings.challenge.max_per_sender_days)
    return History(store, settings.history.days, own, held_days=least, now=now)


def make_expecting(settings: Settings, store: ExpectingStore, now: Callable[[], float]) -> Expecting:
    """Make the service of "I am expecting mail"."""
    return Expecting(
        store,
        assembly.policy(settings),
        own_domains(settings.domains.names),
        settings.domains.recipient_delimiter,
        now=now,
        random_octets=secrets.token_bytes,
    )
