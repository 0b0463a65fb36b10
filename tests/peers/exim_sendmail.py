"""Exim and sendmail of our own, set up as docs/install-exim.md and docs/install-sendmail.md say, on free ports of 127.0.0.1.

Both conflict with Postfix as Debian packages: tests/install-peers unpacks them into .cache/peers.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.gateway_process import ROOT
from benchmarks.places import HOST, PATIENCE, answers, wait_until

UNPACKED = ROOT / ".cache/peers"
EXIM = UNPACKED / "usr/sbin/exim4"
SENDMAIL = UNPACKED / "usr/libexec/sendmail/sendmail"
_EXAMPLE = UNPACKED / "usr/share/doc/exim4-base/examples/example.conf"
"""Exim's default configuration, as it comes."""
_CF = UNPACKED / "usr/share/sendmail/cf"

EXIM_PLACES = {
    "main": "begin acl\n",  # Above it is the main section.
    "acl-rcpt": "acl_check_rcpt:\n",
    "acl-data": "acl_check_data:\n",
    "router": "begin routers\n",
    "transport": "begin transports\n",
}
"""A fragment of config/exim, and the line of the configuration it stands at."""

_EXIM_SITE = {
    "domainlist relay_to_domains =": "domainlist relay_to_domains = example.org",
    "host_lookup = *": "",  # No names are looked up.
    "begin routers\n": """begin routers
{router}
inside:
  driver = manualroute
  domains = +relay_to_domains
  local_parts = joe : mia : postmaster
  transport = plain
  route_list = * 127.0.0.1::{inside} byname
  self = send
unknown:
  driver = redirect
  domains = +relay_to_domains
  allow_fail
  data = :fail: no such mailbox
outside:
  driver = manualroute
  domains = ! +local_domains
  transport = plain
  route_list = * 127.0.0.1::{outside} byname
  self = send
""",
    "begin transports\n": """begin transports
{transport}
plain:
  driver = smtp
  hosts_avoid_tls = *
""",
}
"""What the site had before: where its mailboxes are, and its way out."""


class Exim:
    """A daemon in a folder of its own; use as `with Exim(folder, way, ports, inside, outside).runs():`."""

    def __init__(self, folder: Path, way: Path, ports: Mapping[str, int], inside: int, outside: int) -> None:
        """way: the folder of the fragments. ports: what stands in place of the ports that are written there."""
        self.folder, self.ports = folder, ports
        self._work = folder / "work"
        self._work.mkdir()
        shutil.chown(self._work, "Debian-exim")
        included = {}
        for name in EXIM_PLACES:
            included[name] = ""
            if (way / f"{name}.conf").exists():
                text = (way / f"{name}.conf").read_text()
                # Both inner doors in one pattern.
                text = text.replace("1002[67]", "(?:10026|10027)").replace("0.0.0.0", HOST)
                text = _moved(text, ports)
                (folder / f"{name}.conf").write_text(text)
                included[name] = f".include {folder / f'{name}.conf'}\n"
        text = _EXAMPLE.read_text()
        for before, after in _EXIM_SITE.items():
            text = text.replace(before, after.format(inside=inside, outside=outside, **included), 1)
        for name in ("acl-rcpt", "acl-data"):
            text = text.replace(EXIM_PLACES[name], EXIM_PLACES[name] + included[name], 1)
        own = {
            "spool_directory": self._work,
            "log_file_path": self._work / "%slog",
            "pid_file_path": self._work / "pid",
            "exim_path": EXIM,
            "primary_hostname": "mx.example.org",
            "deliver_drop_privilege": "true",
            "keep_environment": "",
        }
        lines = "".join(f"{name} = {value}\n" for name, value in own.items())
        self._config = folder / "exim.conf"
        self._config.write_text(text.replace("begin acl\n", f"{lines}{included['main']}begin acl\n", 1))

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Ask it something about its configuration, as `-bV`."""
        command = [str(EXIM), "-C", str(self._config), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def log(self) -> str:
        """Return everything it logged so far."""
        return "".join(file.read_text("utf-8", "replace") for file in sorted(self._work.glob("*log")) if file.is_file())

    @contextmanager
    def runs(self) -> Iterator[None]:
        """Let the daemon run."""
        with _daemon([str(EXIM), "-C", str(self._config), "-bdf", "-q30m"], self.folder, self.ports["10026"]):
            yield


class Sendmail:
    """A daemon in a folder of its own; all that is not local goes to one server, however busy the machine is."""

    def __init__(self, folder: Path, way: Path, ports: Mapping[str, int], behind: int) -> None:
        """way: the folder with gateway.m4. behind: the port of the server that takes everything."""
        self.folder, self.ports = folder, ports
        (folder / "queue").mkdir(mode=0o700)
        (folder / "aliases").touch()
        (folder / "gateway.m4").write_text(_moved((way / "gateway.m4").read_text(), ports))
        (folder / "sendmail.mc").write_text(
            f"""OSTYPE(`linux')
define(`confDOMAIN_NAME', `mail.example.org')
define(`QUEUE_DIR', `{folder}/queue')
define(`STATUS_FILE', `{folder}/statistics')
define(`confPID_FILE', `{folder}/pid')
define(`HELP_FILE', `')
define(`ALIAS_FILE', `{folder}/aliases')
define(`confSERVICE_SWITCH_FILE', `{folder}/switch')
define(`SMART_HOST', `mailboxes.example.org')
define(`confQUEUE_LA', `100000')
define(`confREFUSE_LA', `100000')
define(`RELAY_MAILER_ARGS', `TCP [{HOST}] {behind}')
include(`{folder}/gateway.m4')
FEATURE(`no_default_msa')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
MAILER(`local')
MAILER(`smtp')
"""
        )
        (folder / "switch").write_text("hosts files\naliases files\n")  # No names are looked up.
        made = ["m4", f"-D_CF_DIR_={_CF}/", str(_CF / "m4/cf.m4"), str(folder / "sendmail.mc")]
        self._config = folder / "sendmail.cf"
        self._config.write_text(
            subprocess.run(made, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        )

    @contextmanager
    def runs(self) -> Iterator[None]:
        """Let the daemon run."""
        with _daemon(
            [*_named(), str(SENDMAIL), "-C", str(self._config), "-bD", "-q30m"], self.folder, self.ports["10026"]
        ):
            yield


def _moved(text: str, ports: Mapping[str, int]) -> str:
    """Put other ports in place of those that are written."""
    return re.sub(r"(?<!\d)\d{2,}(?!\d)", lambda found: str(ports.get(found[0], found[0])), text)


def _named() -> list[str]:
    """Return what gives a program a host name with a dot: without one, sendmail waits a minute before it reads anything.

    Where we may not, it waits.
    """
    words = ["unshare", "--uts", "sh", "-c", 'hostname mail.example.org && exec "$@"', "sh"]
    may = subprocess.run([*words, "true"], capture_output=True, timeout=PATIENCE, check=False).returncode == 0
    return words if may else []


@contextmanager
def _daemon(command: list[str], folder: Path, port: int) -> Iterator[None]:
    with (folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until(lambda: process.poll() is not None or answers(port), f"{command} answers", 60 + PATIENCE)
        assert process.poll() is None, (folder / "daemon.log").read_text()
        yield
    finally:
        # The session is ours: the daemon and its children, and nothing else.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)
