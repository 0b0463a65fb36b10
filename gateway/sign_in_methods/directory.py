"""Sign-in with a directory's password (LDAP, RFC 4511): look for the user, then bind as him.

The library is an optional extra and is imported at the first try; nothing else of the gateway knows it.
"""

from __future__ import annotations

import contextlib
import math
import ssl
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.flow.sign_in_ports import CheckDown, Identity
from gateway.sign_in_methods.threads import Threads

# RFC 4511 appendix A.
_SUCCESS = 0
_SIZE_LIMIT = 4
# Not this password, none at all, or one that may not be used any more.
_NO = frozenset({19, 48, 49, 53})
_TURNS = 4
"""Answers that one try waits for: TLS, our bind, the search, his bind."""
_importing = threading.Lock()


@dataclass(frozen=True, slots=True)
class DirectoryRules:
    """Which directory, and where people are in it. There is no way without TLS and a certificate that fits."""

    host: str
    port: int
    search_base: str
    starttls: bool = False
    ca_file: Path | None = None
    """PEM; None trusts whom the system trusts."""
    bind_dn: str = ""
    """Who searches; "" is anonymous."""
    password_file: Path | None = None
    """Read anew for each try."""
    search_filter: str = "(uid={name})"
    mail_attributes: Sequence[str] = ("mail",)
    name_attribute: str = "cn"
    id_attribute: str = "entryUUID"
    seconds: float = 10.0
    """For one answer."""


class DirectoryPassword:
    """Signs in who is in the directory; implements `flow.sign_in_ports.PasswordCheck`."""

    name = "ldap"

    def __init__(self, rules: DirectoryRules) -> None:
        self._rules = rules
        self._threads = Threads("ldap", _TURNS * rules.seconds)

    async def check(self, name: str, password: str) -> Identity | None:
        """Return who it is; None where name and password are not right. Raises CheckDown."""
        # RFC 4513 §5.1.2: a bind with a name and no password succeeds, and proves nothing.
        if not name or not password or "\0" in name + password:
            return None
        return await self._threads.run(lambda: self._ask(name, password))

    def _ask(self, name: str, password: str) -> Identity | None:
        ldap3 = _library()
        try:
            connection = self._connection(ldap3)
            try:
                self._open(connection)
                entry = self._find(ldap3, connection, name)
                # Who is not there is asked for as well, so that it takes about as long.
                dn = str(entry["dn"]) if entry is not None else f"cn=nobody,{self._rules.search_base}"
                # As octets: of text the library strips characters, and would bind without a password where none is left.
                connection.rebind(dn, password.encode(), ldap3.SIMPLE, read_server_info=False)
                right = self._judged(connection.result["result"], known=entry is not None)
            finally:
                with contextlib.suppress(OSError, ldap3.core.exceptions.LDAPException):
                    connection.unbind()
                if connection.socket is not None:
                    connection.socket.close()
        except (ldap3.core.exceptions.LDAPException, OSError, ValueError) as fault:
            raise CheckDown(f"the directory cannot be asked safely: {type(fault).__name__}") from fault
        return self._identity(name, entry) if right and entry is not None else None

    def _connection(self, ldap3: Any) -> Any:
        rules = self._rules
        server = ldap3.Server(
            rules.host, rules.port, use_ssl=not rules.starttls, get_info=ldap3.NONE, connect_timeout=rules.seconds,
            tls=_verified_tls(ldap3, rules.ca_file),
        )  # fmt: skip
        bound = {
            "user": rules.bind_dn,
            "password": _read_password(rules.password_file),
            "authentication": ldap3.SIMPLE,
        }
        # A part of a second is nothing to it.
        receive_timeout = math.ceil(rules.seconds)
        return ldap3.Connection(
            server, **(bound if rules.bind_dn else {"authentication": ldap3.ANONYMOUS}), read_only=True,
            auto_bind=ldap3.AUTO_BIND_NONE, auto_referrals=False, check_names=False, receive_timeout=receive_timeout,
        )  # fmt: skip

    def _open(self, connection: Any) -> None:
        """Connect by TLS, and bind as who may search. Raises CheckDown, LDAPException, OSError."""
        connection.open(read_server_info=False)
        if self._rules.starttls:
            connection.start_tls(read_server_info=False)
        if not isinstance(connection.socket, ssl.SSLSocket):
            raise CheckDown("the directory speaks in the clear")
        if not connection.bind(read_server_info=False):
            raise CheckDown(f"the directory does not let us in: {connection.result['result']}")

    def _find(self, ldap3: Any, connection: Any, name: str) -> dict[str, Any] | None:
        """Return the one entry of this name; None where there is none, or more than one."""
        rules = self._rules
        wanted = [*rules.mail_attributes, rules.name_attribute, rules.id_attribute]
        connection.search(
            rules.search_base,
            rules.search_filter.replace("{name}", escaped(name)),
            ldap3.SUBTREE,
            ldap3.DEREF_NEVER,
            attributes=[attribute for attribute in dict.fromkeys(wanted) if attribute],
            size_limit=2,
        )
        code = connection.result["result"]
        if code not in (_SUCCESS, _SIZE_LIMIT):
            raise CheckDown(f"the directory does not search: {code}")
        entries = [one for one in connection.response or () if one.get("type") == "searchResEntry" and one.get("dn")]
        return entries[0] if len(entries) == 1 else None

    def _judged(self, code: int, *, known: bool) -> bool:
        if code not in _NO and code != _SUCCESS and known:
            raise CheckDown(f"the directory cannot check passwords now: {code}")
        return code == _SUCCESS

    def _identity(self, name: str, entry: dict[str, Any]) -> Identity:
        found = {str(key).lower(): values for key, values in entry["raw_attributes"].items()}
        texts = [_text(octets) for key in self._rules.mail_attributes for octets in found.get(key.lower(), ())]
        ids = found.get(self._rules.id_attribute.lower(), ())
        full_names = found.get(self._rules.name_attribute.lower(), ())
        addresses = tuple(dict.fromkeys(text for text in texts if text))
        return Identity(
            name=addresses[0] if addresses else name,
            addresses=addresses,
            subject=(_text(ids[0]) or ids[0].hex())[:255] if len(ids) == 1 and ids[0] else "",
            full_name=_text(full_names[0])[:200] if full_names else "",
        )


def escaped(text: str) -> str:
    """Return text as a value in a filter (RFC 4515 §3): all but plain letters, digits and blanks as \\xx."""
    return "".join(
        chr(octet) if chr(octet).isalnum() and octet < 128 else f"\\{octet:02x}" for octet in text.encode("utf-8")
    )


def _text(octets: bytes) -> str:
    """Return a value as text; "" where it is none that may be shown."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def _read_password(file: Path | None) -> bytes:
    try:
        return b"" if file is None else file.read_bytes().strip()
    except OSError as fault:
        raise CheckDown("sign_in_ldap.bind_password_file cannot be read") from fault


def _library() -> Any:
    with _importing, warnings.catch_warnings():
        # It uses old names of another library; that is nothing an operator could change.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import ldap3
            import ldap3.core.exceptions
        except ImportError as fault:
            raise CheckDown("the extra `ldap` is not installed") from fault
    return ldap3


def _verified_tls(ldap3: Any, ca_file: Path | None) -> Any:
    """Return the library's TLS, with the system's own check of the server's name in place of the library's."""
    context = ssl.create_default_context(cafile=ca_file)

    class Verified(ldap3.Tls):  # type: ignore[misc]  # The library has no types.
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)

    return Verified(validate=ssl.CERT_REQUIRED)
