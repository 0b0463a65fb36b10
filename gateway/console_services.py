"""The services behind the console and the API, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway import assembly, verbs
from gateway.domain.address import normal_domain
from gateway.domain.roles import Role
from gateway.entrance import Entrance
from gateway.flow.ask_again import AskAgain
from gateway.flow.courier import Courier
from gateway.flow.digest_choices import DigestChoices
from gateway.flow.expecting import Expecting
from gateway.flow.forward import Forwarder
from gateway.flow.held_links import HeldLinks
from gateway.flow.history import History
from gateway.flow.journal import Journal
from gateway.flow.moderate import Moderator
from gateway.flow.orders import Orders
from gateway.flow.overview import Overview
from gateway.flow.overview_ports import HopWatch
from gateway.flow.policies import Policies
from gateway.flow.queue import Queue
from gateway.flow.read import Reading
from gateway.flow.receive_rules import own_domains
from gateway.flow.releases import Releases
from gateway.flow.sample_mail import SampleMail
from gateway.flow.sources import Sources
from gateway.flow.text_ports import TextKind
from gateway.flow.texts import TextDesk, TextEditor
from gateway.flow.webhook import Webhook
from gateway.letters import LetterWriter
from gateway.reading.reader import Reader
from gateway.relay.notice_letter import NOTICE_VARIABLES
from gateway.relay.templates import VARIABLES
from gateway.requests_and_notices import make_forwarder
from gateway.settings import Settings
from gateway.store.store import Store


@dataclass(frozen=True, slots=True)
class Shared:
    """Services that the console and the API have in common with the rest of the process."""

    entrance: Entrance
    letters: LetterWriter
    hops: HopWatch
    courier: Courier
    queue: Queue
    orders: Orders
    releases: Releases
    webhook: Webhook


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rooms are made of."""

    settings: Settings
    store: Store
    entrance: Entrance
    moderator: Moderator
    asker: AskAgain
    overview: Overview
    texts: Mapping[TextKind, TextDesk]
    journal: Journal
    history: History
    policies: Policies
    expecting: Expecting
    queue: Queue
    orders: Orders
    sources: Sources
    reader: Reader
    reading: Reading
    forwarder: Forwarder
    releases: Releases
    digest_choices: DigestChoices
    links: HeldLinks
    webhook: Webhook
    now: Callable[[], float]


def make_parts(
    settings: Settings,
    store: Store,
    shared: Shared,
    *,
    now: Callable[[], float],
    wake_deliveries: Callable[[], None],
    wake_challenges: Callable[[], None],
) -> Parts:
    """Make the services that only the console and the API have, and put the shared ones beside them."""
    orders, letters = shared.orders, shared.letters
    reader = Reader()
    reading = Reading(store, reader, [Role(name) for name in settings.console.attachments])
    policies = verbs.make_policies(settings, store, letters.languages(), now, orders.wake)
    return Parts(
        settings=settings,
        store=store,
        entrance=shared.entrance,
        moderator=Moderator(store, now=now, wake_deliveries=wake_deliveries),
        asker=verbs.make_ask_again(settings, store, now, wake_challenges),
        overview=Overview(
            store,
            shared.hops,
            domains=own_domains(settings.domains.names),
            max_per_hour=settings.challenge.max_per_hour,
            now=now,
            wake_challenges=wake_challenges,
        ),
        texts=_text_desks(settings, store, letters, shared.courier, now),
        journal=Journal(store, now=now),
        history=verbs.make_history(settings, store, now),
        policies=policies,
        expecting=verbs.make_expecting(settings, store, now),
        queue=shared.queue,
        orders=orders,
        sources=Sources(store, now=now, wake_deliveries=wake_deliveries),
        reader=reader,
        reading=reading,
        forwarder=make_forwarder(settings, store, reading, shared.courier, now),
        releases=shared.releases,
        digest_choices=verbs.make_digest_choices(settings, store, letters.languages(), now),
        links=HeldLinks(assembly.digest_rules(settings), store, policies, now=now, wake_deliveries=wake_deliveries),
        webhook=shared.webhook,
        now=now,
    )


def _text_desks(
    settings: Settings, store: Store, letters: LetterWriter, courier: Courier, now: Callable[[], float]
) -> Mapping[TextKind, TextDesk]:
    domains = [normal_domain(name) for name in settings.domains.names]

    def desk(kind: TextKind, variables: Mapping[str, str]) -> TextDesk:
        workshop = letters.workshop(kind)
        editor = TextEditor(store, workshop, assembly.policy(settings), domains=domains, now=now, kind=kind)
        return TextDesk(editor, SampleMail(workshop.sample_mail, courier).send, tuple(variables.items()))

    return {kind: desk(kind, words) for kind, words in zip(TextKind, (VARIABLES, NOTICE_VARIABLES), strict=True)}
