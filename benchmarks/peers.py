"""The other side: a private Postfix, and Postfix's own sink, on free ports of 127.0.0.1.

A private Postfix has its own configuration, queue and data folders; the system's Postfix is never touched. It needs
root, as Postfix itself does, and the Debian package `postfix`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.measure import family
from benchmarks.places import HOST, answers, free_port, refuses, wait_until

STOCK_SERVICES = Path("/usr/share/postfix/master.cf.dist")
"""The services Postfix comes with; what the shipped fragments are added to."""

_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")


class PrivatePostfix:
    """One Postfix instance of our own; use as `with PrivatePostfix(folder) as postfix`, after it was configured.

    It starts as a site's Postfix does: the stock services, and a main.cf of a few lines. `install`, `move` and `set`
    are what an administrator does, by the same commands.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        """folder: one that user postfix may enter. settings: of main.cf, on top of what makes it private."""
        self.folder = folder
        self.log_file = folder / "mail.log"
        self._etc, self._queue, data = folder / "etc", folder / "queue", folder / "data"
        for made in (self._etc, self._queue, data):
            made.mkdir(mode=0o755)
        shutil.chown(data, "postfix")
        base = {
            "compatibility_level": "3.6",
            "queue_directory": str(self._queue),
            "data_directory": str(data),
            "maillog_file": str(self.log_file),
            "maillog_file_prefixes": str(folder),
            # Only this machine, and of it only the address the gateway has: other loopback addresses are strangers.
            "inet_interfaces": HOST,
            "inet_protocols": "ipv4",
            "mynetworks": f"{HOST}/32",
            "myhostname": "mta.example.org",
            "mydestination": "",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
            "alias_maps": "",
            "alias_database": "",
            # No names are looked up, nothing waits for minutes.
            "smtp_dns_support_level": "disabled",
            "smtp_host_lookup": "native",
            "smtpd_peername_lookup": "no",
            "smtp_tls_security_level": "none",
            "smtp_line_length_limit": "0",
            "minimal_backoff_time": "1s",
            "queue_run_delay": "1s",
        }
        lines = [f"{name} = {value}" for name, value in (base | dict(settings)).items()]
        (self._etc / "main.cf").write_text("\n".join(lines) + "\n")
        (self._etc / "master.cf").write_bytes(STOCK_SERVICES.read_bytes())
        self._postconf("-F", "*/*/chroot=n")  # A chroot needs files of the system copied into the queue folder.
        self._process: subprocess.Popen[bytes] | None = None

    def install(self, way: Path) -> None:
        """Do what docs/postfix.md says: take the stock service off port 25, add the two fragments of a way in."""
        self._postconf("-M#", "smtp/inet")
        self.append(way)

    def append(self, fragments: Path) -> None:
        """Add the two fragments of a folder."""
        for name in ("main.cf", "master.cf"):
            with (self._etc / name).open("ab") as file:
                file.write(b"\n" + (fragments / name).read_bytes())
        self._postconf("-F", "*/*/chroot=n")

    def option(self, service: str, name: str, value: str) -> None:
        """Set one parameter for one service of master.cf, as `submission/inet`."""
        self._postconf("-P", f"{service}/{name}={value}")

    def set(self, name: str, value: str) -> None:
        """Set one parameter of main.cf."""
        self._postconf("-e", f"{name}={value}")

    def move(self, service: str, port: int) -> None:
        """Let a service of master.cf listen on another port of 127.0.0.1."""
        self._postconf("-F", f"{service}/inet/service={HOST}:{port}")

    def add_service(self, entry: str) -> None:
        """Add an entry to master.cf."""
        with (self._etc / "master.cf").open("a") as file:
            file.write("\n" + entry + "\n")

    def remove_service(self, service: str) -> None:
        """Take a service, as `smtp/inet`, out of master.cf."""
        self._postconf("-M#", service)

    def close_door(self, port: int) -> str:
        """Take a listening service away, with the processes that still serve it; returns its entry, to add it again."""
        service = f"{HOST}:{port}"
        entry = self._run("postconf", "-c", str(self._etc), "-M", f"{service}/inet").stdout
        self.remove_service(f"{service}/inet")
        self.reload()

        def is_closed() -> bool:
            # Until the master has read its configuration, it starts another for each that ends.
            for pid in family(self._master()):
                with contextlib.suppress(OSError):
                    if service.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                        os.kill(pid, signal.SIGTERM)
            return refuses(port)

        wait_until(is_closed, f"nobody listens on port {port}")
        return entry

    def open_door(self, entry: str, port: int) -> None:
        """Bring a service back that `close_door` took away."""
        self.add_service(entry)
        self.reload()
        wait_until(lambda: answers(port), f"Postfix answers on port {port}")

    def reload(self) -> None:
        """Let it read its configuration again."""
        self._run("postfix", "-c", str(self._etc), "reload").check_returncode()

    def faults(self) -> str:
        """Return what Postfix itself finds wrong with its configuration; "" for nothing."""
        shown = [self._run("postconf", "-c", str(self._etc), flag) for flag in ("-n", "-M", "-P")]
        return "".join(done.stderr for done in shown)

    def start(self) -> None:
        """Start it in the foreground of a child and return when its master runs. Raises RuntimeError."""
        with (self.folder / "start.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["postfix", "-c", str(self._etc), "start-fg"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process = self._process
        wait_until(lambda: process.poll() is not None or bool(self._master()), "Postfix runs")
        if process.poll() is not None:
            raise RuntimeError(f"Postfix ended at once: {(self.folder / 'start.log').read_text()}{self.log()[-3000:]}")

    def stop(self) -> None:
        """Stop its master by id, and with it all it started."""
        if self._process is None:
            return
        master = self._master()
        if master:
            with contextlib.suppress(ProcessLookupError):
                os.kill(master, signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            # The session is ours: postfix's script, the master and its children, and nothing else.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        """The master, whose family does all the work."""
        return self._master()

    def log(self) -> str:
        """Return everything it logged so far."""
        return self.log_file.read_text("utf-8", "replace") if self.log_file.exists() else ""

    def queued(self, *queues: str) -> int:
        """How many mails wait, in the named queues or in all."""
        # Postfix moves mails between queues meanwhile, under the same name: looked at twice, each is seen, and counted once.
        folders = [self._queue / name for name in queues or _QUEUES]
        return len({file for folder in folders * 2 for _, _, files in os.walk(folder) for file in files})

    def flush(self) -> None:
        """Try every deferred mail again now."""
        self._run("postqueue", "-c", str(self._etc), "-f")

    def empty(self, queue: str) -> None:
        """Delete every mail of a queue."""
        self._run("postsuper", "-c", str(self._etc), "-d", "ALL", queue)

    def _master(self) -> int:
        try:
            return int((self._queue / "pid" / "master.pid").read_text())
        except (OSError, ValueError):
            return 0

    def _postconf(self, *arguments: str) -> None:
        self._run("postconf", "-c", str(self._etc), *arguments).check_returncode()

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class SmtpSink:
    """Postfix's smtp-sink: takes everything, keeps nothing, counts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._counts = folder / f"sink-{self.port}.out"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._counts.open("wb") as out:
            self._process = subprocess.Popen(
                ["smtp-sink", "-u", "postfix", "-m", "1000", "-c", f"{HOST}:{self.port}", "1000"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
        wait_until(lambda: answers(self.port), "smtp-sink answers")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def count(self) -> int:
        """How many mails it took since it was started."""
        # It rewrites one line on and on: "sess=5 quit=5 mesg=6", parted by CR.
        tail = self._counts.read_bytes()[-200:]
        return int(tail.rpartition(b"mesg=")[2].strip() or 0) if b"mesg=" in tail else 0
