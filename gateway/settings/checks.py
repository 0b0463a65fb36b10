"""Faults that no setting has alone: what does not fit together, and files that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gateway.domain.language import AUTO
from gateway.languages.language import known
from gateway.settings.schema import Settings
from gateway.settings.values import Endpoint, read_secret, webhook_secrets


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not fit."""

    keys: tuple[str, ...]
    """Dotted keys it is about, the first is the one to change."""
    text: str


def between_settings(settings: Settings) -> Iterator[Fault]:
    """Yield what does not fit together."""
    yield from _smtp(settings)
    yield from _listeners(settings)
    yield from _relay(settings)
    yield from _outgoing(settings)
    yield from _challenge(settings)
    yield from _sign_in(settings)
    if settings.webhook.url and settings.webhook.secret_file is None:
        yield Fault(("webhook.secret_file", "webhook.url"), "is missing; webhook.url needs it")
    if settings.pending.spam_plus_address and not settings.domains.recipient_delimiter:
        yield Fault(
            ("pending.spam_plus_address", "domains.recipient_delimiter"),
            "needs a delimiter; set domains.recipient_delimiter",
        )


def _smtp(settings: Settings) -> Iterator[Fault]:
    smtp = settings.smtp
    if not smtp.listen:
        yield Fault(("smtp.listen",), 'is empty; write at least one, as ["127.0.0.1:2525"]')
    if smtp.tls_certificate and not smtp.tls_key:
        yield Fault(("smtp.tls_key", "smtp.tls_certificate"), "is missing; smtp.tls_certificate needs its key")
    if smtp.tls_key and not smtp.tls_certificate:
        yield Fault(("smtp.tls_certificate", "smtp.tls_key"), "is missing; smtp.tls_key needs its certificate")
    if smtp.tls_required and not (smtp.tls_certificate or smtp.tls_key):
        yield Fault(
            ("smtp.tls_required", "smtp.tls_certificate"), "needs smtp.tls_certificate and smtp.tls_key to be set"
        )
    if smtp.max_memory_octets < smtp.max_message_octets:
        yield Fault(
            ("smtp.max_memory_octets", "smtp.max_message_octets"),
            f"is less than one message; write at least {smtp.max_message_octets} (smtp.max_message_octets)",
        )


def _listeners(settings: Settings) -> Iterator[Fault]:
    if not settings.web.listen:
        yield Fault(("web.listen",), 'is empty; write at least one, as ["127.0.0.1:8080"]')
    taken: dict[Endpoint, str] = {}
    for key, endpoints in (
        ("smtp.listen", settings.smtp.listen),
        ("outgoing.listen", settings.outgoing.listen),
        ("web.listen", settings.web.listen),
        ("monitor.listen", settings.monitor.listen),
    ):
        for endpoint in endpoints:
            if endpoint.port and endpoint in taken:
                yield Fault((key, taken[endpoint]), f"{endpoint} is taken by {taken[endpoint]}; use another port")
            taken[endpoint] = key


def _relay(settings: Settings) -> Iterator[Fault]:
    relay = settings.relay
    for domain in sorted(set(relay.domains) - set(settings.domains.names)):
        yield Fault(("relay.domains", "domains.names"), f"{domain} is not one of ours; add it to domains.names")
    hops = {"relay.next_hop": relay.next_hop, "relay.smart_host": relay.smart_host}
    for key, hop in [*hops.items(), *(("relay.domains", hop) for hop in relay.domains.values())]:
        if hop in settings.smtp.listen:
            yield Fault((key, "smtp.listen"), f"{hop} is smtp.listen, so mail would loop; name the server behind")
    for key, user, password in (
        ("relay.next_hop", relay.next_hop_user, relay.next_hop_password_file),
        ("relay.smart_host", relay.smart_host_user, relay.smart_host_password_file),
    ):
        if user and not password:
            yield Fault((f"{key}_password_file", f"{key}_user"), f"is missing; {key}_user needs it")
        if password and not user:
            yield Fault((f"{key}_user", f"{key}_password_file"), f"is missing; {key}_password_file needs it")


def _outgoing(settings: Settings) -> Iterator[Fault]:
    told, smtp, relay = settings.outgoing, settings.smtp, settings.relay
    doors = {"outgoing.listen": told.listen, "smtp.listen": smtp.listen}
    behind = {"outgoing.next_hop": told.next_hop, "relay.smart_host": relay.smart_host}
    for key, hop in behind.items():
        for door, places in doors.items():
            if hop in places and (key, door) != ("relay.smart_host", "smtp.listen"):
                yield Fault((key, door), f"{hop} is {door}, so mail would loop; name the server behind")
    if relay.next_hop in told.listen:
        yield Fault(
            ("relay.next_hop", "outgoing.listen"), f"{relay.next_hop} is outgoing.listen; name the server behind"
        )
    if told.listen and not told.clients:
        yield Fault(("outgoing.clients", "outgoing.listen"), 'is empty; name our mail server, as ["127.0.0.1/32"]')
    if told.tls_required and not (smtp.tls_certificate or smtp.tls_key):
        yield Fault(
            ("outgoing.tls_required", "smtp.tls_certificate"), "needs smtp.tls_certificate and smtp.tls_key to be set"
        )
    user, password = told.next_hop_user, told.next_hop_password_file
    if (user or password) and told.next_hop is None:
        yield Fault(("outgoing.next_hop", "outgoing.next_hop_user"), "is missing; outgoing.next_hop_user needs it")
    elif user and not password:
        yield Fault(
            ("outgoing.next_hop_password_file", "outgoing.next_hop_user"), "is missing; outgoing.next_hop_user needs it"
        )
    elif password and not user:
        yield Fault(
            ("outgoing.next_hop_user", "outgoing.next_hop_password_file"),
            "is missing; outgoing.next_hop_password_file needs it",
        )


def _challenge(settings: Settings) -> Iterator[Fault]:
    challenge = settings.challenge
    if len(set(challenge.captcha)) < len(challenge.captcha):
        yield Fault(("challenge.captcha",), "names one kind twice; write each once")
    if challenge.mode != "off" and not challenge.captcha:
        yield Fault(("challenge.captcha", "challenge.mode"), 'is empty; name a kind, or set challenge.mode = "off"')
    if challenge.language not in (AUTO, *known()):
        yield Fault(("challenge.language",), f"is none of {', '.join((AUTO, *known()))}")
    signing = {
        "challenge.dkim_domain": challenge.dkim_domain,
        "challenge.dkim_selector": challenge.dkim_selector,
        "challenge.dkim_key_file": challenge.dkim_key_file,
    }
    missing = [key for key, value in signing.items() if not value]
    if 0 < len(missing) < len(signing):
        for key in missing:
            others = " and ".join(other for other in signing if other not in missing)
            yield Fault((key, *(other for other in signing if other != key)), f"is missing; {others} needs it")


def _sign_in(settings: Settings) -> Iterator[Fault]:
    mailbox, ldap = settings.sign_in_mailbox, settings.sign_in_ldap
    openid, proxy = settings.sign_in_openid, settings.sign_in_proxy
    for key, domain in (("sign_in_mailbox.domain", mailbox.domain), ("sign_in_proxy.domain", proxy.domain)):
        if domain and domain not in settings.domains.names:
            yield Fault((key, "domains.names"), f"{domain} is not one of ours; add it to domains.names")
    if mailbox.names == "local-part" and not mailbox.domain:
        yield Fault(("sign_in_mailbox.domain", "sign_in_mailbox.names"), 'is missing; names = "local-part" needs it')
    if ldap.server is not None and not ldap.search_base:
        yield Fault(("sign_in_ldap.search_base", "sign_in_ldap.server"), "is missing; sign_in_ldap.server needs it")
    if ldap.server is not None and not any(ldap.mail_attributes):
        yield Fault(("sign_in_ldap.mail_attributes",), 'is empty; write at least one, as ["mail"]')
    if bool(ldap.bind_dn) != (ldap.bind_password_file is not None):
        missing, given = "bind_password_file", "bind_dn"
        if not ldap.bind_dn:
            missing, given = given, missing
        yield Fault((f"sign_in_ldap.{missing}", f"sign_in_ldap.{given}"), f"is missing; sign_in_ldap.{given} needs it")
    if openid.issuer and not openid.client_id:
        yield Fault(("sign_in_openid.client_id", "sign_in_openid.issuer"), "is missing; sign_in_openid.issuer needs it")
    if openid.issuer and "openid" not in openid.scopes:
        yield Fault(("sign_in_openid.scopes",), 'lacks "openid", without which nobody is told who it is')
    if proxy.header and not proxy.proxies:
        yield Fault(("sign_in_proxy.proxies", "sign_in_proxy.header"), 'is empty; name the proxy, as ["127.0.0.1/32"]')


def files_to_serve_with(settings: Settings) -> Iterator[Fault]:
    """Yield what the service itself would stumble over when it starts."""
    if not settings.domains.names:
        yield Fault(("domains.names",), 'is empty, so no mail would be taken; write our domains, as ["example.org"]')
    for key, file in (
        ("smtp.tls_certificate", settings.smtp.tls_certificate),
        ("smtp.tls_key", settings.smtp.tls_key),
        ("relay.next_hop_password_file", settings.relay.next_hop_password_file),
        ("relay.smart_host_password_file", settings.relay.smart_host_password_file),
        ("outgoing.next_hop_password_file", settings.outgoing.next_hop_password_file),
        ("challenge.dkim_key_file", settings.challenge.dkim_key_file),
        ("sign_in_mailbox.ca_file", settings.sign_in_mailbox.ca_file),
        ("sign_in_ldap.ca_file", settings.sign_in_ldap.ca_file),
        ("sign_in_ldap.bind_password_file", settings.sign_in_ldap.bind_password_file),
        ("sign_in_openid.ca_file", settings.sign_in_openid.ca_file),
        ("sign_in_openid.client_secret_file", settings.sign_in_openid.client_secret_file),
        ("webhook.ca_file", settings.webhook.ca_file),
    ):
        if file is not None and (wrong := _unreadable(file)):
            yield Fault((key,), wrong)
    if settings.webhook.secret_file is not None and (wrong := _no_webhook_secret(settings.webhook.secret_file)):
        yield Fault(("webhook.secret_file",), wrong)
    if settings.sign_in_ldap.server is not None and find_spec("ldap3") is None:
        yield Fault(("sign_in_ldap.server",), "needs the extra `ldap`: pip install 'challenge-gateway[ldap]'")
    templates = settings.challenge.templates
    if templates is not None and not templates.is_dir():
        yield Fault(("challenge.templates",), f"{templates} is not a folder")


def _no_webhook_secret(file: Path) -> str:
    wrong = _unreadable(file)
    if not wrong:
        try:
            webhook_secrets(read_secret(file))
        except ValueError as fault:
            wrong = f"{file}: {fault}"
    return wrong


def _unreadable(file: Path) -> str:
    try:
        text = read_secret(file)
    except OSError as fault:
        return f"{file} cannot be read ({fault.strerror}); the service's user must be able to"
    except ValueError:
        return f"{file} is not text"
    return "" if text else f"{file} is empty"
