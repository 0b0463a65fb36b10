"""Other systems that know who people are, each started by a test in a folder of its own: Dovecot, slapd, a provider."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from benchmarks.places import HOST, PATIENCE, free_port, wait_until

JOE, JOES_PASSWORD = "joe@example.org", 'grüße "an\\alle'
MIA, MIAS_PASSWORD = "mia@example.org", "mias password"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that signs itself and names 127.0.0.1."""

    file: Path
    key: Path

    @property
    def context(self) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def make_certificate(folder: Path, name: str = "server") -> Certificate:
    """Make one by the openssl command."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}.example", "-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(made.key),
         "-out", str(made.file)],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


@contextlib.contextmanager
def _running(command: Sequence[str], ports: Sequence[int], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        wait_until(lambda: process.poll() is not None or all(map(_listens, ports)), f"{command[0]} listens")
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=20):
        return True
    return False


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a server is."""

    clear: int
    """With STARTTLS."""
    tls: int


@contextlib.contextmanager
def dovecot(folder: Path, certificate: Certificate) -> Iterator[Ports]:
    """An IMAP server with two mailboxes."""
    ports = Ports(free_port(), free_port())
    me, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    # As root it takes the users of its package, and opens no mailbox as root; else all is one's own.
    root = os.getuid() == 0
    user, users_group = (65534, 65534) if root else (os.getuid(), os.getgid())
    as_me = f"default_internal_user = {me}\ndefault_internal_group = {group}\ndefault_login_user = {me}\n"
    home = folder / "mail"
    home.mkdir()
    os.chown(home, user, users_group)
    passwords = folder / "passwords"
    passwords.write_text(f"{JOE}:{{PLAIN}}{JOES_PASSWORD}\n{MIA}:{{PLAIN}}{MIAS_PASSWORD}\n")
    chroots = "\n".join(f"service {name} {{\n chroot =\n}}" for name in ("anvil", "stats", "imap-login"))
    config = folder / "dovecot.conf"
    config.write_text(f"""\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap
listen = {HOST}
{"" if root else as_me}
first_valid_uid = 1
first_valid_gid = 1
ssl = required
ssl_cert = <{certificate.file}
ssl_key = <{certificate.key}
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{home}/%u
passdb {{
  driver = passwd-file
  args = username_format=%u {passwords}
}}
userdb {{
  driver = static
  args = uid={user} gid={users_group} home={home}/%u
}}
{chroots}
# Who fails waits ever longer there; so he does with us.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {ports.clear}
  }}
  inet_listener imaps {{
    port = {ports.tls}
  }}
}}
""")
    with _running(["dovecot", "-F", "-c", str(config)], (ports.clear, ports.tls), folder / "dovecot.out"):
        yield ports


def _knows(server: SMTP, session: object, envelope: object, mechanism: str, given: object) -> AuthResult:
    assert isinstance(given, LoginPassword)
    pair = (given.login.decode(), given.password.decode())
    if pair[0] == "down@example.org":
        return AuthResult(success=False, handled=False, message="454 4.7.0 Try later")
    return AuthResult(success=pair in ((JOE, JOES_PASSWORD), (MIA, MIAS_PASSWORD)), handled=False)


@contextlib.contextmanager
def submission(certificate: Certificate) -> Iterator[Ports]:
    """A submission server of the same two mailboxes, with TLS from the first octet and with STARTTLS."""
    ports = Ports(free_port(), free_port())
    told: dict[str, Any] = {
        "hostname": HOST, "authenticator": _knows, "auth_required": True, "ready_timeout": PATIENCE
    }  # fmt: skip
    clear = Controller(object(), port=ports.clear, tls_context=certificate.context, require_starttls=True, **told)
    tls = Controller(object(), port=ports.tls, ssl_context=certificate.context, **told)
    # Clients that turn away are what the tests want; they need not be told of.
    clear.loop.set_exception_handler(lambda loop, context: None)
    # To it a session without STARTTLS is in the clear.
    tls.SMTP_kwargs["auth_require_tls"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        clear.start()
        tls.start()
        try:
            yield ports
        finally:
            clear.stop()
            tls.stop()


SUFFIX = "dc=example,dc=org"
SERVICE_DN, SERVICE_PASSWORD = f"cn=gateway,{SUFFIX}", "service password"
_PEOPLE = f"""\
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: {SERVICE_DN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: gateway
userPassword: {SERVICE_PASSWORD}

dn: ou=people,{SUFFIX}
objectClass: organizationalUnit
ou: people

dn: uid=joe,ou=people,{SUFFIX}
objectClass: inetOrgPerson
uid: joe
cn: Joe Roe
sn: Roe
mail: Joe@Example.org
mail: joseph@example.org
userPassword: joes password

dn: uid=twin1,ou=people,{SUFFIX}
objectClass: inetOrgPerson
uid: twin1
cn: Twin
sn: Twin
mail: twins@example.org
userPassword: same

dn: uid=twin2,ou=people,{SUFFIX}
objectClass: inetOrgPerson
uid: twin2
cn: Twin
sn: Twin
mail: twins@example.org
userPassword: same
"""


@contextlib.contextmanager
def slapd(folder: Path, certificate: Certificate) -> Iterator[Ports]:
    """A directory of a few people, who may be looked up by the service user only.

    As others do, it answers a bind without a password with success (RFC 4513 §5.1.2).
    """
    ports = Ports(free_port(), free_port())
    data = folder / "data"
    data.mkdir()
    config = folder / "slapd.conf"
    config.write_text(f"""\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {certificate.file}
TLSCertificateKeyFile {certificate.key}
security simple_bind=128
allow bind_anon_cred
database mdb
suffix "{SUFFIX}"
directory {data}
maxsize 10485760
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{SERVICE_DN}" read by * none
""")
    people = folder / "people.ldif"
    people.write_text(_PEOPLE)
    subprocess.run(["slapadd", "-f", str(config), "-l", str(people)], check=True, capture_output=True)
    urls = f"ldap://{HOST}:{ports.clear} ldaps://{HOST}:{ports.tls}"
    command = ["slapd", "-d", "0", "-f", str(config), "-h", urls]
    with _running(command, (ports.clear, ports.tls), folder / "slapd.out"):
        yield ports


@contextlib.contextmanager
def provider(folder: Path) -> Iterator[str]:
    """An identity provider; yields its address."""
    port = free_port()
    script = Path(__file__).with_name("openid_provider.py")
    with _running([sys.executable, str(script), str(port)], (port,), folder / "provider.out"):
        yield f"http://{HOST}:{port}"
