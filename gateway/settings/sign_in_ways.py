"""Settings of the ways to sign in that ask another system. Written as those in `schema`, and told with them."""

from __future__ import annotations

from typing import Literal

from gateway.settings.value_kinds import (
    File,
    Filter,
    HeaderName,
    Issuer,
    Line,
    Net,
    OptionalDomain,
    OptionalServer,
    Seconds,
    Section,
)


class SignInMailbox(Section, frozen=True):
    """Sign-in with name and password of the mailbox: they are tried at the site's mail server, always by TLS."""

    server: OptionalServer = None
    """Server that knows the passwords; "" switches it off."""
    protocol: Literal["imap", "smtp"] = "imap"
    """How it is asked: IMAP, or AUTH of a submission server."""
    tls: Literal["implicit", "starttls"] = "implicit"
    """TLS from the first octet (ports 993 and 465), or by STARTTLS (ports 143 and 587)."""
    ca_file: File = None
    """PEM file with the authorities its certificate must come from; "" is the system's."""
    domain: OptionalDomain = ""
    """Domain of who signs in without one; "" asks for whole addresses."""
    names: Literal["address", "local-part"] = "address"
    """What the server knows users by; local-part needs `domain`, and takes no other domain's addresses."""
    timeout_seconds: Seconds = 10
    """How long one try may take."""


class SignInLdap(Section, frozen=True):
    """Sign-in with a directory's name and password, always by TLS; needs the extra `ldap` to be installed."""

    server: OptionalServer = None
    """Server of the directory; "" switches it off."""
    tls: Literal["implicit", "starttls"] = "implicit"
    """TLS from the first octet (port 636), or by StartTLS (port 389)."""
    ca_file: File = None
    """PEM file with the authorities its certificate must come from; "" is the system's."""
    bind_dn: Line = ""
    """Who looks for users; "" looks anonymously."""
    bind_password_file: File = None
    """File with the password for bind_dn."""
    search_base: Line = ""
    """Where users are, as "ou=people,dc=example,dc=org"."""
    search_filter: Filter = "(|(uid={name})(mail={name}))"
    """What finds one user by the name he gives; it is escaped."""
    mail_attributes: tuple[Line, ...] = ("mail",)
    """Attributes that hold a user's own addresses, the main one first."""
    name_attribute: Line = "cn"
    """Attribute with the user's name in full; "" is none."""
    id_attribute: Line = "entryUUID"
    """Attribute that stays the same when a user is renamed, as objectGUID in Active Directory; "" is none."""
    timeout_seconds: Seconds = 10
    """How long one answer may take."""


class SignInOpenid(Section, frozen=True):
    """Sign-in at an identity provider by OpenID Connect."""

    issuer: Issuer = ""
    """The provider, as it names itself; "" switches it off."""
    client_id: Line = ""
    """Our name there."""
    client_secret_file: File = None
    """File with our secret there; "" is none, for a public client."""
    scopes: tuple[Line, ...] = ("openid", "email", "profile")
    """What we ask to be told."""
    label: Line = "your organisation"
    """The button says "Sign in with …"."""
    second_factor: bool = False
    """Ask for no second factor here where the provider says that it has (amr: mfa)."""
    ca_file: File = None
    """PEM file with the authorities its certificate must come from; "" is the system's."""
    timeout_seconds: Seconds = 10
    """How long one answer of the provider may take."""


class SignInProxy(Section, frozen=True):
    """Sign-in by a reverse proxy that has asked already, and says in a header field who it is."""

    header: HeaderName = ""
    """The field, as X-Remote-User; "" switches it off. The proxy must remove it from what browsers send."""
    proxies: tuple[Net, ...] = ()
    """Who is believed: the address that connects to us, whatever X-Forwarded-For says."""
    domain: OptionalDomain = ""
    """Domain of a name without one; "" takes whole addresses only."""
