"""Every setting once: name, type, unit, default, and one sentence.

The sample configuration and the reference are printed from this file, so the words below a setting are what an
operator reads. Values are plain and checked when they come from `load()`; relative paths are absolute then.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.settings.outgoing import Outgoing
from gateway.settings.sign_in_ways import SignInLdap, SignInMailbox, SignInOpenid, SignInProxy
from gateway.settings.value_kinds import (
    Bits,
    Count,
    Days,
    DaysOrNone,
    Delimiter,
    DigestSubject,
    DnsServer,
    Domain,
    File,
    HeaderName,
    Hours,
    Line,
    Listener,
    Mailbox,
    Minutes,
    Net,
    Octets,
    OctetsPerSecond,
    OptionalDomain,
    Processes,
    Schedule,
    Seconds,
    Section,
    Server,
    StoreUrl,
    SubAddress,
    TimeZone,
    Tls,
    Url,
)
from gateway.settings.values import Endpoint, Network
from gateway.settings.webhook import Webhook


def _net(text: str) -> Network:
    return ipaddress.ip_network(text)


class Smtp(Section, frozen=True):
    """The door for incoming mail."""

    listen: tuple[Listener, ...] = (Endpoint("127.0.0.1", 2525),)
    """Where mail comes in."""
    stage: Literal["before-queue", "after-queue", "edge"] = "before-queue"
    """Where we stand: before an MTA's queue, after it (then policy refuses nothing), or at the edge as the MX itself."""
    hostname: Domain = "gateway.example.org"
    """Our name in the greeting, in Received and in Authentication-Results."""
    trusted_clients: tuple[Net, ...] = (_net("127.0.0.1/32"), _net("::1/128"))
    """Peers that may tell us by XFORWARD or XCLIENT whose mail they bring."""
    max_message_octets: Octets = 52_428_800
    """A larger message is refused with 552."""
    max_recipients: Count = 1000
    """Recipients of one transaction; the next one gets 452."""
    tls_certificate: File = None
    """PEM file with the chain; with tls_key, STARTTLS is offered."""
    tls_key: File = None
    """PEM file with the private key, without a pass phrase."""
    tls_required: bool = False
    """Refuse mail that comes without STARTTLS."""
    max_connections: Count = 1000
    """Sessions at one time; the next one gets 421."""
    max_connections_per_client: Count = 50
    """Sessions at one time from one address, or one IPv6 /64; trusted clients are not counted."""
    command_timeout_seconds: Seconds = 300
    """How long we wait for the next command."""
    data_timeout_seconds: Seconds = 600
    """How long we wait for the next octets of a message."""
    min_data_octets_per_second: OctetsPerSecond = 500
    """A message that comes in more slowly than this on average is cut off; 0 allows any."""
    bare_line_ends: Literal["refuse", "normalise"] = "refuse"
    """What to do with a message that has a bare CR or LF: refuse it, or make each one CRLF, as after-queue always does."""
    max_hops: Count = 50
    """A message with more Received fields than this is refused as looping."""
    max_errors: Count = 20
    """Errors in one session before it is closed with 421."""
    max_memory_octets: Octets = 268_435_456
    """Content of all sessions held in memory together; more waits with 452."""
    recipient_check: bool = True
    """Ask the next hop at RCPT whether it takes the recipient."""
    processes: Processes = 0
    """How many processes take mail side by side; 0: one for each processor, four at most. Never more than relay.next_hop_connections."""


class Domains(Section, frozen=True):
    """Whose mail we take."""

    names: tuple[Domain, ...] = ("example.org",)
    """Our domains; mail for others is refused with 550 5.7.1 at RCPT."""
    recipient_delimiter: Delimiter = "+"
    """What starts a sub-address: user+tag is user's mailbox."""


class Relay(Section, frozen=True):
    """The doors out."""

    next_hop: Server = Endpoint("127.0.0.1", 10026)
    """Takes accepted mail."""
    domains: dict[Domain, Server] = {}  # noqa: RUF012  # A Struct copies it.
    """Routes of single domains: "example.org" = "host:port"; all others go to next_hop."""
    next_hop_tls: Tls = "opportunistic"
    """Towards next hops: none, opportunistic (unverified), or verify (no mail without a valid certificate)."""
    next_hop_user: Line = ""
    """Name to sign in with there; "" is none."""
    next_hop_password_file: File = None
    """File with the password for next_hop_user."""
    next_hop_connections: Count = 20
    """Connections to one next hop at one time."""
    smart_host: Server = Endpoint("127.0.0.1", 10027)
    """Takes challenges and other mail to the outside."""
    smart_host_tls: Tls = "opportunistic"
    """Towards the smart host: none, opportunistic, or verify."""
    smart_host_user: Line = ""
    """Name to sign in with there; "" is none."""
    smart_host_password_file: File = None
    """File with the password for smart_host_user."""
    smart_host_connections: Count = 5
    """Connections to the smart host at one time."""
    recipient_cache_seconds: Seconds = 300
    """How long a next hop's yes to a recipient is remembered."""
    refusal_cache_seconds: Seconds = 60
    """How long its no is remembered."""
    idle_seconds: Seconds = 60
    """How long an unused connection is kept."""
    timeout_seconds: Seconds = 300
    """How long we wait for a reply."""


class Web(Section, frozen=True):
    """The pages a sender sees."""

    listen: tuple[Listener, ...] = (Endpoint("127.0.0.1", 8080),)
    """Where the pages are served."""
    public_url: Url = "http://127.0.0.1:8080"
    """Their address in mails, whatever the browser asks for; may contain {recipient_domain}."""
    trusted_proxies: tuple[Net, ...] = ()
    """Peers whose X-Forwarded-For is believed."""
    hosts: tuple[Domain, ...] = ()
    """Further names that requests may be for, besides that of public_url and the address they came to."""


class Monitor(Section, frozen=True):
    """What operators and their machines look at: /healthz, /readyz, /metrics."""

    listen: tuple[Listener, ...] = (Endpoint("127.0.0.1", 9090),)
    """Where it is served; [] switches it off."""


class Store(Section, frozen=True):
    """Where everything is kept."""

    url: StoreUrl = "sqlite:///var/gateway.db"
    """The database; a file on a local disk, never on a network share."""
    retention_days: DaysOrNone = 30
    """How long the content of mail that no longer waits is kept; 0 removes it at the next purge."""


class Dns(Section, frozen=True):
    """How names are looked up."""

    servers: tuple[DnsServer, ...] = ()
    """Resolvers, as "127.0.0.1:53"; empty: the system's."""
    timeout_seconds: Seconds = 5
    """How long one look-up may take."""
    cache_entries: Count = 10_000
    """Answers remembered, each for as long as it says."""


class Evidence(Section, frozen=True):
    """How a sender's proof is looked for."""

    deadline_seconds: Seconds = 10
    """All checks of a message together; what is not found by then is not known."""
    trusted_authserv_ids: tuple[Line, ...] = ()
    """Servers in front of us whose Authentication-Results are believed instead of our own checks."""
    max_dkim_signatures: Count = 5
    """Signatures looked at in one message."""
    score_field: HeaderName = ""
    """Field in which a filter in front of us says how spam-like a mail is, as "X-Spam-Status": shown with what waits."""


class Challenge(Section, frozen=True):
    """Whom we ask, and how."""

    mode: Literal["off", "authenticated", "all"] = "authenticated"
    """Who is asked: nobody, only senders proven by SPF or DKIM aligned with From, or all (makes backscatter)."""
    sender: Mailbox = ""
    """Envelope sender of challenges; "" is the null reverse-path."""
    scope: Literal["recipient", "domain", "site"] = "domain"
    """Who is opened to a sender by one answer."""
    attempts: Count = 5
    """Wrong answers to one challenge before it pauses."""
    pause_minutes: Minutes = 15
    """How long it pauses then."""
    max_per_sender_days: Days = 7
    """One challenge to an address in this time."""
    captcha: tuple[Literal["image", "proof-of-work", "audio"], ...] = ("image", "proof-of-work")
    """What the page offers; "audio" is weaker than the others."""
    work_bits: Bits = 13
    """Difficulty of the proof of work: each bit more doubles it."""
    language: Line = "auto"
    """Of challenges: auto (that of the mail they answer), or the tag of a language we have, as de."""
    from_address: Mailbox = ""
    """From of challenges; "" is postmaster at the recipient's domain."""
    organisation: Line = ""
    """Who asks, as shown to senders; "" is the recipient's domain."""
    contact: Line = ""
    """Where a sender finds help, as shown on the page: an address, a telephone number, a URL."""
    max_per_hour: Count = 1000
    """Challenges in an hour; at this number asking pauses until the hour is over."""
    max_per_domain_hour: Count = 60
    """Challenges to one sender domain in an hour."""
    max_per_recipient_hour: Count = 60
    """Challenges on behalf of one recipient in an hour."""
    disowned_days: Days = 90
    """How long an address is not asked after it said "I did not send this"."""
    templates: File = None
    """Folder laid out as the shipped templates/, with mail/ and web/; each file in it is used instead of the shipped one."""
    dkim_domain: OptionalDomain = ""
    """Domain that signs challenges; with dkim_selector and dkim_key_file."""
    dkim_selector: OptionalDomain = ""
    """Selector of the signature."""
    dkim_key_file: File = None
    """PEM file with its private key."""


class Pending(Section, frozen=True):
    """Mail that waits."""

    days: Days = 14
    """How long it waits for an answer or a person."""
    on_expiry: Literal["delete", "deliver-as-spam"] = "delete"
    """What happens then."""
    spam_subject_tag: Line = ""
    """Put before the Subject of mail delivered as spam, as "[SPAM]"; "" is none."""
    spam_plus_address: SubAddress = ""
    """Sub-address that mail delivered as spam goes to, as "spam" for user+spam; "" is none."""
    settle_minutes: Minutes = 60
    """After a jump of the clock nothing expires until it was steady for this long."""


class Digest(Section, frozen=True):
    """The mail that tells people what waits for them. Site, domains and users can choose otherwise on the page Digests."""

    schedule: Schedule = "off"
    """When it goes, where something new waits: off, hourly, every-4h, daily@18, or days as mon,thu@7."""
    time_zone: TimeZone = "UTC"
    """Zone of these hours, as Europe/Prague, for whoever has chosen none."""
    kinds: tuple[Literal["people", "newsletters", "spam"], ...] = ("people", "newsletters", "spam")
    """Which mail is in it: what people wrote, what machines send, likely spam."""
    subject: DigestSubject = ""
    """Its subject, as "{total} mails for {mailbox}"; "" is the shipped one."""


class Console(Section, frozen=True):
    """The pages of users and admins."""

    idle_hours: Hours = 24
    """A session that is not used for this long ends."""
    session_days: Days = 14
    """A session ends after this long, used or not."""
    undo_seconds: Annotated[float, Meta(ge=0, le=3600, extra={"unit": "seconds"})] = 10
    """How long an action on the pending page can be undone; nothing leaves before."""
    forward_to: tuple[Mailbox, ...] = ()
    """Addresses to which held mail may be sent on for inspection; no others can be chosen."""
    attachments: tuple[Literal["user", "domain-admin", "site-admin"], ...] = ("user", "domain-admin", "site-admin")
    """Roles that may download files and source of held mail."""


class SignIn(Section, frozen=True):
    """How users and admins come in."""

    links: bool = True
    """Mail a one-time link to who asks for one with an address of ours."""
    passwords: bool = True
    """Let accounts come in that have a password here."""
    password_characters: Annotated[int, Meta(ge=8, le=100)] = 12
    """The least a password has; which characters is nobody's business."""
    second_factor_for_admins: bool = False
    """Ask every admin and auditor for a second factor, and make those set one up who have none."""
    proof_minutes: Annotated[float, Meta(gt=0, le=1440, extra={"unit": "minutes"})] = 10
    """Who changes how people sign in proves anew who he is, where he last did so longer ago than this."""


class Api(Section, frozen=True):
    """The interface for programs, at /api/v1/ of the public pages."""

    enabled: bool = True
    """Serve it."""
    requests_per_minute: Count = 300
    """What one token may ask; a program that has been silent for a minute may ask all of it at once."""
    token_days: Days = 365
    """The longest that a token can be made for."""


class History(Section, frozen=True):
    """What became of each mail, without what was in it."""

    relayed: bool = True
    """Keep the facts of mail that goes through at once, or is refused at once; of held mail and our own letters they are kept anyway."""
    days: Days = 90
    """For how long; of held mail since its end, and as long as its content (store.retention_days) and challenge.max_per_sender_days."""
    domains: dict[Domain, Days] = {}  # noqa: RUF012  # A Struct copies it.
    """Days of single domains: "example.org" = 30."""


class Log(Section, frozen=True):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important line that is written."""
    format: Literal["json", "text"] = "json"
    """One JSON object on each line, or words for people."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one service."""

    smtp: Smtp = Smtp()
    domains: Domains = Domains()
    relay: Relay = Relay()
    outgoing: Outgoing = Outgoing()
    web: Web = Web()
    monitor: Monitor = Monitor()
    store: Store = Store()
    dns: Dns = Dns()
    evidence: Evidence = Evidence()
    challenge: Challenge = Challenge()
    pending: Pending = Pending()
    digest: Digest = Digest()
    console: Console = Console()
    sign_in: SignIn = SignIn()
    sign_in_mailbox: SignInMailbox = SignInMailbox()
    sign_in_ldap: SignInLdap = SignInLdap()
    sign_in_openid: SignInOpenid = SignInOpenid()
    sign_in_proxy: SignInProxy = SignInProxy()
    api: Api = Api()
    history: History = History()
    webhook: Webhook = Webhook()
    log: Log = Log()
