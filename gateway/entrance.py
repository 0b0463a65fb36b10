"""The entrance put together: accounts, sessions, ways to sign in, and the mail that bears links."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from challenge_web.console.fetch import JsonFetch
from challenge_web.site import Admission
from gateway.domain.address import normal_domain
from gateway.domain.durations import DAY, HOUR, MINUTE
from gateway.domain.public_url import pages_of
from gateway.flow.accounts import Accounts
from gateway.flow.courier import Courier
from gateway.flow.kept_answers import KeptAnswers
from gateway.flow.mailbox_name import MailboxNames, MailServer
from gateway.flow.own_account import OwnAccount
from gateway.flow.ports import Hop
from gateway.flow.proof import FreshProof
from gateway.flow.second_factor import SecondFactor
from gateway.flow.sessions import Lifetimes, Sessions
from gateway.flow.sign_in import SignIn, SignInRules
from gateway.flow.sign_in_mail import Compose, LinkMail
from gateway.flow.sign_in_ports import PasswordCheck
from gateway.flow.tokens import Tokens
from gateway.relay.mailbox_auth import SmtpPassword
from gateway.settings import Endpoint, Settings, SignInLdap
from gateway.sign_in_methods.codes import TimeCodes
from gateway.sign_in_methods.directory import DirectoryPassword, DirectoryRules
from gateway.sign_in_methods.mailbox_imap import ImapPassword
from gateway.sign_in_methods.openid import OpenidProvider, OpenidRules
from gateway.sign_in_methods.passkeys import Passkeys
from gateway.sign_in_methods.password import Hashes, LocalPassword
from gateway.store.store import Store


def sign_in_rules(settings: Settings) -> SignInRules:
    """Return what holds for signing in."""
    return SignInRules(
        domains=frozenset(normal_domain(name) for name in settings.domains.names),
        delimiter=settings.domains.recipient_delimiter,
        links=settings.sign_in.links,
    )


def make_sessions(settings: Settings, store: Store, now: Callable[[], float]) -> Sessions:
    """Return what knows sessions."""
    return Sessions(
        store,
        Lifetimes(
            settings.console.idle_hours * HOUR,
            settings.console.session_days * DAY,
            settings.sign_in.proof_minutes * MINUTE,
        ),
        now=now,
        random_octets=secrets.token_bytes,
        admins_need_second_factor=settings.sign_in.second_factor_for_admins,
    )


def make_accounts(settings: Settings, store: Store, sessions: Sessions, now: Callable[[], float]) -> Accounts:
    """Return what manages accounts."""
    return Accounts(
        sign_in_rules(settings),
        store,
        sessions,
        Hashes(),
        now=now,
        random_octets=secrets.token_bytes,
        least_password=settings.sign_in.password_characters,
    )


def make_own_account(settings: Settings, store: Store, sessions: Sessions, now: Callable[[], float]) -> OwnAccount:
    """Return what changes one's own account."""
    return OwnAccount(store, sessions, Hashes(), now=now, least_password=settings.sign_in.password_characters)


def make_tokens(
    settings: Settings, store: Store, now: Callable[[], float], random_octets: Callable[[int], bytes]
) -> Tokens:
    """Return what knows the tokens of programs."""
    return Tokens(store, settings.api.token_days, now=now, random_octets=random_octets)


def password_checks(settings: Settings, store: Store) -> list[PasswordCheck]:
    """Return the ways to sign in by name and password, in the order they are asked. More are added here."""
    checks: list[PasswordCheck] = [LocalPassword(store, Hashes())] if settings.sign_in.passwords else []
    mailbox = settings.sign_in_mailbox
    if mailbox.server is not None:
        server = MailServer(
            mailbox.server.host,
            mailbox.server.port,
            mailbox.tls == "starttls",
            mailbox.ca_file,
            mailbox.timeout_seconds,
        )
        names = mailbox_names(settings, mailbox.domain, local_part=mailbox.names == "local-part")
        if mailbox.protocol == "imap":
            checks.append(ImapPassword(server, names))
        else:
            checks.append(SmtpPassword(server, names, settings.smtp.hostname))
    ldap = settings.sign_in_ldap
    if ldap.server is not None:
        checks.append(DirectoryPassword(_directory_rules(ldap, ldap.server)))
    return checks


def _directory_rules(ldap: SignInLdap, server: Endpoint) -> DirectoryRules:
    return DirectoryRules(
        server.host,
        server.port,
        ldap.search_base,
        starttls=ldap.tls == "starttls",
        ca_file=ldap.ca_file,
        bind_dn=ldap.bind_dn,
        password_file=ldap.bind_password_file,
        search_filter=ldap.search_filter,
        mail_attributes=ldap.mail_attributes,
        name_attribute=ldap.name_attribute,
        id_attribute=ldap.id_attribute,
        seconds=ldap.timeout_seconds,
    )


def mailbox_names(settings: Settings, domain: str, *, local_part: bool = False) -> MailboxNames:
    """Return how names become addresses. domain: for names without one."""
    domains = frozenset(normal_domain(name) for name in settings.domains.names)
    return MailboxNames(domains, domain, local_part, settings.domains.recipient_delimiter)


def openid_provider(settings: Settings, now: Callable[[], float]) -> OpenidProvider | None:
    """Return the identity provider; None where there is none."""
    told = settings.sign_in_openid
    if not told.issuer:
        return None
    rules = OpenidRules(told.issuer, told.client_id, told.client_secret_file, told.scopes, told.second_factor)
    fetch = JsonFetch(told.ca_file, told.timeout_seconds)
    return OpenidProvider(rules, fetch, now=now, random_octets=secrets.token_bytes)


class Entrance:
    """What the console's gate and its sign-in pages stand on."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        compose: Compose,
        hop_for: Callable[[str], Hop],
        courier: Courier,
        *,
        now: Callable[[], float],
        wake_mail: Callable[[], None],
    ) -> None:
        rules = sign_in_rules(settings)
        self.origins = public_origins(settings)
        self.sessions = make_sessions(settings, store, now)
        self.accounts = make_accounts(settings, store, self.sessions, now)
        self.own_account = make_own_account(settings, store, self.sessions, now)
        self.tokens = make_tokens(settings, store, now, secrets.token_bytes)
        self.kept_answers = KeptAnswers(store, now=now)
        self.sign_in = SignIn(
            rules,
            store,
            self.sessions,
            password_checks(settings, store),
            now=now,
            random_octets=secrets.token_bytes,
            wake_mail=wake_mail,
        )
        organisation = settings.challenge.organisation or settings.domains.names[0]
        codes = TimeCodes(organisation, secrets.token_bytes)
        keys = Passkeys(self.origins, organisation)
        self.second_factor = SecondFactor(
            store, self.sessions, codes, keys, now=now, random_octets=secrets.token_bytes
        )  # fmt: skip
        self.proof = FreshProof(
            store, self.sessions, self.sign_in, codes, keys, now=now, random_octets=secrets.token_bytes
        )
        self.mail = LinkMail(
            rules,
            store,
            settings.web.public_url,
            compose,
            hop_for,
            courier,
            now=now,
            random_octets=secrets.token_bytes,
        )
        self.openid = openid_provider(settings, now)
        self.hosts = [urlsplit(origin).netloc for origin in self.origins]

    async def sweep(self) -> None:
        """Drop what is over."""
        await self.sessions.sweep()
        await self.tokens.sweep()
        await self.kept_answers.sweep()


def public_urls(settings: Settings) -> Sequence[str]:
    """Return each address under which browsers reach the pages, the main one first."""
    names = [normal_domain(domain) for domain in settings.domains.names]
    urls = [pages_of(settings.web.public_url, name) for name in names]
    return tuple(dict.fromkeys(urls))


def public_origins(settings: Settings) -> Sequence[str]:
    """Return scheme and host of each address under which browsers reach the pages."""
    origins = []
    for url in public_urls(settings):
        parts = urlsplit(url)
        origins.append(f"{parts.scheme}://{parts.netloc}")
    return tuple(dict.fromkeys(origins))


def web_hosts(settings: Settings) -> frozenset[str]:
    """Return the names that requests for pages may be for."""
    named = {urlsplit(url).hostname or "" for url in public_urls(settings)}
    listening = {place.host.lower() for place in settings.web.listen}
    return frozenset({*named, *listening, *settings.web.hosts})


def admission(settings: Settings) -> Admission:
    """Return which requests the pages take."""
    return Admission(hosts=web_hosts(settings), trusted_proxies=settings.web.trusted_proxies)


def link_url(settings: Settings, token: str) -> str:
    """Return where a link leads that is not bound to an address."""
    return f"{public_urls(settings)[0]}/sign-in/link/{token}"
