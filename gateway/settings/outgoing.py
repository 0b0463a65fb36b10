"""Settings of mail to the outside."""

from __future__ import annotations

import ipaddress
from typing import Literal

from gateway.settings.value_kinds import (
    Count,
    Days,
    DaysOrNone,
    File,
    Line,
    Listener,
    Net,
    OptionalServer,
    Section,
    Tls,
)


class Outgoing(Section, frozen=True):
    """Mail of our users to the outside: whom they write to is let in."""

    listen: tuple[Listener, ...] = ()
    """Where our own mail server brings it; [] switches it off."""
    clients: tuple[Net, ...] = (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128"))
    """Peers that may bring it, and tell us by XFORWARD whose it is; all others are turned away."""
    tls_required: bool = False
    """Refuse mail that comes without STARTTLS; certificate and key are those of [smtp]."""
    next_hop: OptionalServer = None
    """Takes this mail on; "" is relay.smart_host, with all that is set for it."""
    next_hop_tls: Tls = "opportunistic"
    """Towards next_hop: none, opportunistic, or verify."""
    next_hop_user: Line = ""
    """Name to sign in with there; "" is none."""
    next_hop_password_file: File = None
    """File with the password for next_hop_user."""
    next_hop_connections: Count = 10
    """Connections to it at one time."""
    learn: bool = True
    """Let in whom our users write to, and replies to their mail; the site, domains and users can choose otherwise."""
    scope: Literal["recipient", "domain", "site"] = "recipient"
    """Who is opened to somebody one of ours wrote to: the writer, the writer's domain, or all domains."""
    days: Days = 180
    """How long somebody is let in after the last mail to him, or from him."""
    most_recipients: Count = 50
    """A mail to more recipients than this is a mailing, and teaches nothing."""
    reply_days: DaysOrNone = 60
    """How long a mail is known by the replies to it, which pass from any address of where it went; 0: not at all."""
    max_message_ids: Count = 1_000_000
    """Mails that are known so, each counted for everybody it may be answered to and each domain it went to."""
