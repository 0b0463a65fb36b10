"""From settings to what each part is told: conversions only, nothing runs."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from challenge_web.site import IMAGE, WORK, Site
from gateway import resources
from gateway.checks.resolver import Resolver
from gateway.checks.runner import EvidenceRunner
from gateway.domain.address import Address, normal_domain
from gateway.domain.challenge import Asking, Caps
from gateway.domain.durations import DAY
from gateway.domain.policy import Expiry, Policy, Scope
from gateway.flow.answer import AnswerRules
from gateway.flow.bounces import Bounces
from gateway.flow.deliver import DeliverRules
from gateway.flow.digest_ports import DigestRules, Wanted
from gateway.flow.forward import ForwardRules
from gateway.flow.outgoing import OutgoingRules
from gateway.flow.ports import Store as MailStore
from gateway.flow.receive_rules import ReceiveRules, Stage, own_domains
from gateway.relay.opening import HopSettings, TlsPolicy
from gateway.settings import Endpoint, Network, Settings
from gateway.smtp.door import DoorSettings
from gateway.smtp.listener import TlsFiles


def policy(settings: Settings) -> Policy:
    """Return what holds for every recipient of the site."""
    return Policy(
        asking=Asking(settings.challenge.mode),
        scope=Scope(settings.challenge.scope),
        days=settings.pending.days,
        on_expiry=Expiry(settings.pending.on_expiry),
        language=settings.challenge.language,
        written_to=settings.outgoing.learn,
    )


def receive_rules(settings: Settings, mark_key: bytes) -> ReceiveRules:
    """Return what the receiver is told."""
    return ReceiveRules(
        stage=Stage(settings.smtp.stage),
        hostname=settings.smtp.hostname,
        domains=own_domains(settings.domains.names),
        policy=policy(settings),
        caps=caps(settings),
        mark_key=mark_key,
        near=_own_servers(settings),
        max_hops=settings.smtp.max_hops,
        check_recipients=settings.smtp.recipient_check,
        # Nothing is known of mail that does not come through here.
        reply_days=settings.outgoing.reply_days if settings.outgoing.listen else 0,
        score_field=settings.evidence.score_field,
    )


def make_bounces(settings: Settings, store: MailStore, now: Callable[[], float]) -> Bounces | None:
    """Return what counts challenges that come back; None where none can, for they have the null reverse-path."""
    sender = settings.challenge.sender
    return Bounces(store, Address.of(sender), now=now) if sender else None


def outgoing_rules(settings: Settings) -> OutgoingRules:
    """Return what the way of mail to the outside is told."""
    outgoing = settings.outgoing
    return OutgoingRules(
        hostname=settings.smtp.hostname,
        domains=own_domains(settings.domains.names),
        policy=policy(settings),
        scope=Scope(outgoing.scope),
        days=outgoing.days,
        most_recipients=outgoing.most_recipients,
        reply_days=outgoing.reply_days,
        max_hops=settings.smtp.max_hops,
        history=settings.history.relayed,
    )


def caps(settings: Settings) -> Caps:
    """Return how many challenges may go out."""
    challenge = settings.challenge
    return Caps(
        per_sender_days=challenge.max_per_sender_days,
        per_domain_hour=challenge.max_per_domain_hour,
        per_recipient_hour=challenge.max_per_recipient_hour,
        per_hour=challenge.max_per_hour,
    )


def digest_rules(settings: Settings) -> DigestRules:
    """Return what digests are told."""
    digest = settings.digest
    base = Wanted(
        schedule=digest.schedule,
        kinds=",".join(dict.fromkeys(digest.kinds)),
        time_zone=digest.time_zone,
        language="en",
        subject=digest.subject,
    )
    return DigestRules(base, own_domains(settings.domains.names), settings.web.public_url)


def forward_rules(settings: Settings) -> ForwardRules:
    """Return what forwarding is told."""
    return ForwardRules(
        addresses=tuple(dict.fromkeys(filter(None, settings.console.forward_to))),
        from_address=settings.challenge.from_address,
    )


def _own_servers(settings: Settings) -> tuple[Network, ...]:
    """Peers trusted with XFORWARD, and the next hops that are named by address."""
    networks = list(settings.smtp.trusted_clients)
    for place in (settings.relay.next_hop, *settings.relay.domains.values()):
        try:
            networks.append(ipaddress.ip_network(place.host))
        except ValueError:
            continue
    return tuple(dict.fromkeys(networks))


def answer_rules(settings: Settings, key: bytes) -> AnswerRules:
    """Return what the challenge page's services are told."""
    challenge = settings.challenge
    return AnswerRules(
        attempts=challenge.attempts,
        pause_minutes=challenge.pause_minutes,
        disowned_days=challenge.disowned_days,
        key=key,
    )


def deliver_rules(settings: Settings, mark_key: bytes) -> DeliverRules:
    """Return what the delivery worker is told."""
    return DeliverRules(
        mark_key=mark_key,
        spam_subject_tag=settings.pending.spam_subject_tag,
        spam_plus_address=settings.pending.spam_plus_address,
        delimiter=settings.domains.recipient_delimiter,
    )


def door_settings(settings: Settings) -> DoorSettings:
    """Return what the door is told."""
    smtp = settings.smtp
    return DoorSettings(
        hostname=smtp.hostname,
        postmaster_domain=normal_domain(settings.domains.names[0]),
        trusted_clients=smtp.trusted_clients,
        max_message_octets=smtp.max_message_octets,
        max_recipients=smtp.max_recipients,
        tls_required=smtp.tls_required,
        # A queue in front has taken the mail: a refusal would bounce to whomever it names.
        bare_line_ends="normalise" if smtp.stage == "after-queue" else smtp.bare_line_ends,
        command_timeout=smtp.command_timeout_seconds,
        data_timeout=smtp.data_timeout_seconds,
        min_data_rate=smtp.min_data_octets_per_second,
        max_connections=smtp.max_connections,
        max_connections_per_client=smtp.max_connections_per_client,
        max_errors=smtp.max_errors,
        max_memory_octets=smtp.max_memory_octets,
    )


def outgoing_door_settings(settings: Settings) -> DoorSettings:
    """Return what the door for mail to the outside is told: as the other one, but for our own mail servers only."""
    smtp = settings.smtp
    return replace(
        door_settings(settings),
        trusted_clients=settings.outgoing.clients,
        only_trusted=True,
        tls_required=settings.outgoing.tls_required,
        max_memory_octets=max(smtp.max_message_octets, smtp.max_memory_octets // 4),
    )


def tls_files(settings: Settings) -> TlsFiles | None:
    """Return where the door's certificate is, if there is one."""
    certificate, key = settings.smtp.tls_certificate, settings.smtp.tls_key
    return TlsFiles(certificate, key) if certificate is not None and key is not None else None


def next_hop_settings(settings: Settings, place: Endpoint, processes: int = 1) -> HopSettings:
    """Return what the relay to one next hop is told. processes: that share its connections out among them."""
    relay = settings.relay
    return replace(
        _hop_settings(settings, place),
        tls=TlsPolicy(relay.next_hop_tls),
        user=relay.next_hop_user,
        password_file=_text(relay.next_hop_password_file),
        connections=max(1, relay.next_hop_connections // processes),
    )


def smart_host_settings(settings: Settings) -> HopSettings:
    """Return what the way to the outside is told."""
    relay = settings.relay
    return replace(
        _hop_settings(settings, relay.smart_host),
        tls=TlsPolicy(relay.smart_host_tls),
        user=relay.smart_host_user,
        password_file=_text(relay.smart_host_password_file),
        connections=relay.smart_host_connections,
    )


def outgoing_hop_settings(settings: Settings) -> HopSettings:
    """Return what the way on for mail of our users to the outside is told."""
    outgoing = settings.outgoing
    if outgoing.next_hop is None:
        return replace(smart_host_settings(settings), connections=outgoing.next_hop_connections)
    return replace(
        _hop_settings(settings, outgoing.next_hop),
        tls=TlsPolicy(outgoing.next_hop_tls),
        user=outgoing.next_hop_user,
        password_file=_text(outgoing.next_hop_password_file),
        connections=outgoing.next_hop_connections,
    )


def _hop_settings(settings: Settings, place: Endpoint) -> HopSettings:
    """What is the same for every server that takes our mail."""
    relay = settings.relay
    return HopSettings(
        host=place.host,
        port=place.port,
        hostname=settings.smtp.hostname,
        idle_seconds=relay.idle_seconds,
        command_seconds=relay.timeout_seconds,
        # RFC 5321 §4.5.3.2.6: the final dot gets twice the time of a command.
        data_seconds=2 * relay.timeout_seconds,
        recipient_cache_seconds=relay.recipient_cache_seconds,
        refusal_cache_seconds=relay.refusal_cache_seconds,
    )


def make_checks(settings: Settings) -> EvidenceRunner:
    """Make what gathers evidence, with its own resolver."""
    resolver = Resolver.over_network(
        [str(server) for server in settings.dns.servers],
        timeout_seconds=settings.dns.timeout_seconds,
        cache_entries=settings.dns.cache_entries,
        monotonic=time.monotonic,
    )
    return EvidenceRunner(
        resolver,
        now=time.time,
        monotonic=time.monotonic,
        deadline_seconds=settings.evidence.deadline_seconds,
        max_dkim_signatures=settings.evidence.max_dkim_signatures,
        trusted_authserv_ids=settings.evidence.trusted_authserv_ids,
        cache_entries=settings.dns.cache_entries,
    )


def site(settings: Settings) -> Site:
    """Return what the public pages show and offer."""
    challenge = settings.challenge
    shipped = resources.folder("templates") / "web"
    return Site(
        templates=[shipped] if challenge.templates is None else [challenge.templates / "web", shipped],
        organisation=challenge.organisation,
        contact=challenge.contact,
        pending_days=settings.pending.days,
        disowned_days=challenge.disowned_days,
        # Where nobody is asked, none need be named; who was asked before can still answer.
        captcha=challenge.captcha or (IMAGE, WORK),
    )


def retention_seconds(settings: Settings) -> float:
    """Return for how long the content of ended mail is kept."""
    return settings.store.retention_days * DAY


def _text(path: Path | None) -> str:
    return "" if path is None else str(path)
