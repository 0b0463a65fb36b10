"""Conversations with the door, written down as text.

Each line of a `.smtp` file begins with a word and a colon; `#` begins a comment, empty lines mean nothing.

    set:  NAME = VALUE    a setting of the door (before the first other line); also `tls`, `features`, `peer`
    C:    text            the client sends a line
    P:    text            the same, but it waits and leaves in one packet with the next thing sent
    R:    text            the client sends octets without a line end
    1:    text            the client sends a line, each octet in a packet of its own
    S:    reply           the server replies so, in whole; `…` stands for anything, ` | ` parts the lines of one reply
    not:  text            the last reply does not contain this
    M:    from > to, to = content    the door has been given this message, and no other since the last M
    TLS:                  the client shakes hands
    FIN:                  the client sends no more
    EOF:                  the server closes, without a further word

`C*9:` or `S*9:` repeat a line, `%d` in it counts. Octets: \\r \\n \\t \\\\ \\xHH, and \\{x*9} for nine x. Every file ends as if with an `M:` of
nothing, so a message that nobody expects fails it, as does a reply that nobody asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network
from pathlib import Path

from gateway.flow.ports import Features
from gateway.smtp.listener import Listener, TlsFiles
from gateway.smtp.session import DoorSettings
from gateway.smtp.sockets import bound_socket
from tests.certificates import unverified_tls
from tests.unit.smtp.scripted_door import ScriptedDoor

_PATIENCE = 20.0
"""Seconds to wait for the server before the dialog has failed."""
_LINE = re.compile(r"(set|C|P|R|1|S|not|M|TLS|FIN|EOF)(?:\*(\d+))?:(?: (.*))?\Z")
_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|[rnt\\])")
_REPEATED = re.compile(rb"\\\{(.)\*([0-9]+)\}")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}


def octets(text: str) -> bytes:
    """Resolve the escapes."""

    def one(match: re.Match[bytes]) -> bytes:
        code = match.group(1)
        return _PLAIN.get(code) or bytes([int(code[1:], 16)])

    return _ESCAPE.sub(one, _REPEATED.sub(lambda match: match.group(1) * int(match.group(2)), text.encode()))


@dataclass(frozen=True)
class Step:
    """One line of a dialog."""

    number: int
    word: str
    times: int
    text: str


def read(path: Path) -> list[Step]:
    """Read a dialog."""
    steps = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        assert match, f"{path.name}:{number}: not a step: {line}"
        steps.append(Step(number, match.group(1), int(match.group(2) or 1), match.group(3) or ""))
    return steps


def settings_of(steps: list[Step]) -> tuple[DoorSettings, Features, bool, str]:
    """Return what the `set:` lines of a dialog ask for: settings, features, whether with TLS, the client's address."""
    settings = DoorSettings("mx.example.org", "example.org", max_message_octets=100_000)
    features, tls, peer = Features(), False, "127.0.0.2"
    kinds: dict[str, Callable[[str], object]] = {"int": int, "float": float, "bool": bool, "BareLineEnds": str}
    types = {field.name: str(field.type) for field in fields(DoorSettings)}
    for step in steps:
        if step.word != "set":
            continue
        name, _, value = (part.strip() for part in step.text.partition("="))
        match name:
            case "tls":
                tls = True
            case "peer":
                peer = value
            case "features":
                features = Features(known=True, smtputf8="smtputf8" in value, dsn="dsn" in value)
            case "trusted_clients":
                settings = replace(settings, trusted_clients=(ip_network(value),))
            case _:
                settings = replace(settings, **{name: kinds[types[name]](value)})  # type: ignore[arg-type]
    return settings, features, tls, peer


class Player:
    """Plays the client of one dialog against a door on a real socket."""

    def __init__(self, name: str, door: ScriptedDoor, port: int, peer: str) -> None:
        self._name, self._door, self._port, self._peer = name, door, port, peer
        self._packet = b""
        self._last = ""
        self._seen = 0

    async def play(self, steps: list[Step]) -> None:
        """Go through the steps; AssertionError names the one that went otherwise."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(self._peer, 0))
        try:
            for step in steps:
                try:
                    async with asyncio.timeout(_PATIENCE):
                        for index in range(step.times):
                            await self._step(step.word, step.text.replace("%d", str(index)))
                except (AssertionError, TimeoutError, OSError) as error:
                    where = f"{self._name}.smtp:{step.number}: {step.word}: {step.text[:200]}"
                    raise AssertionError(f"{where}\n{type(error).__name__}: {error}") from error
        finally:
            self._writer.transport.abort()
        assert len(self._door.taken) == self._seen, f"{self._name}: unexpected {self._door.taken[self._seen :]}"

    async def _step(self, word: str, text: str) -> None:
        match word:
            case "set":
                pass
            case "C":
                self._send(octets(text) + b"\r\n")
            case "P":
                self._packet += octets(text) + b"\r\n"
            case "R":
                self._send(octets(text))
            case "1":
                for octet in octets(text) + b"\r\n":
                    self._send(bytes([octet]))
                    await asyncio.sleep(0)
            case "S":
                self._last = await self._reply()
                pattern = ".*".join(re.escape(part) for part in text.split("…"))
                assert re.fullmatch(pattern, self._last), f"got: {self._last}"
            case "not":
                assert text not in self._last, f"got: {self._last}"
            case "M":
                self._message(text)
            case "TLS":
                await self._writer.start_tls(unverified_tls())
            case "FIN":
                self._writer.write_eof()
            case "EOF":
                rest = await self._reader.read()
                assert rest == b"", f"got: {rest!r}"

    def _send(self, data: bytes) -> None:
        packet, self._packet = self._packet + data, b""
        self._writer.write(packet)

    async def _reply(self) -> str:
        """Read one reply, its lines parted by ` | `; what is no well-formed reply fails."""
        lines: list[str] = []
        while True:
            line = await self._reader.readline()
            match = re.fullmatch(rb"([2-5][0-9]{2})([ -])([\t -~]*)\r\n", line)
            assert match, f"no reply: {line!r}"
            assert len(line) <= 512
            code, more, text = (part.decode() for part in match.groups())
            lines.append(f"{code} {text}" if not lines else text)
            assert lines[0].startswith(code)
            if more == " ":
                return " | ".join(lines)

    def _message(self, text: str) -> None:
        assert len(self._door.taken) > self._seen, "the door was given nothing"
        transaction, content = self._door.taken[self._seen]
        self._seen += 1
        envelope, _, wanted = text.partition(" = ")
        recipients = ", ".join(recipient.address.text for recipient in transaction.recipients)
        got = f"{transaction.reverse_path}".rstrip() + f" > {recipients}"
        assert got == envelope, f"got: {got}"
        if wanted:
            assert content == octets(wanted), f"got: {content!r}"


async def perform(path: Path, tls: TlsFiles) -> None:
    """Open a door as the dialog wants it, play the dialog, and look that nothing stays behind."""
    steps = read(path)
    settings, features, with_tls, peer = settings_of(steps)
    door = ScriptedDoor(offered=features)
    listener = Listener(door, settings, tls if with_tls else None)
    await listener.start([bound_socket("127.0.0.1:0")])
    try:
        await Player(path.stem, door, listener.addresses[0][1], peer).play(steps)
    finally:
        left = await listener.stop(_PATIENCE)
    assert left == 0
    assert listener.doorway.memory.taken == 0
