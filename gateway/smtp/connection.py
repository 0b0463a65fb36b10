"""One TCP connection: lines and content out of its octets, replies into it, and its deadlines.

It stands on aiosmtpd's SMTP protocol class and keeps its shape (a task per connection that runs
`_handle_client`, one method `smtp_<VERB>` for each command), but moves the octets itself:

* aiosmtpd cancels the task when the client goes; a message that is being stored would be lost. Here the task
  is never cancelled: that the client is gone is something it finds out when it next wants a line.
* aiosmtpd reads content line by line with a limit on lines; here it goes to `Content` as it arrives.
* aiosmtpd has one timer for everything; here a command must arrive whole in its time, and content must keep up
  a rate.
* A command that waits for nothing is obeyed as it arrives; the task is not woken for it.
* Replies to pipelined commands leave together, before we wait for more input (RFC 2920 §3.2).

Only public interfaces of asyncio are used, so it runs on asyncio and uvloop alike.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from aiosmtpd.smtp import SMTP

from gateway.domain import reply
from gateway.domain.reply import Reply
from gateway.smtp.inbox import MAX_LINE, Inbox
from gateway.smtp.limits import Patience, plain_address
from gateway.smtp.replies import FIXED, encoded

if TYPE_CHECKING:
    from gateway.smtp.data import Content
    from gateway.smtp.door import Doorway

logger = logging.getLogger("gateway.smtp")

_HIGH_WATER = 65_536
"""Unread octets at which we stop reading."""
_LINGER = 2.0
"""Seconds in which a client can still read our last reply."""


class Phase(Enum):
    """Whose turn it is."""

    COMMAND = "command"  # The client's: a command.
    CONTENT = "content"  # The client's: octets of a message.
    OURS = "ours"  # Ours: a reply is owed.
    OVER = "over"  # The last reply is on its way; nothing that comes in counts any more.


COMMAND, CONTENT, OURS, OVER = Phase
# Each is looked at for every command, and a look into an enumeration takes twelve times as long as a name.


class Connection(SMTP):
    """The frame of a session; the commands are in its subclass."""

    transport: asyncio.Transport
    peer: str
    """The socket's other end, whatever XCLIENT says."""
    peer_port: int
    trusted: bool
    """The peer may use XFORWARD and XCLIENT."""
    tls: bool = False

    _outbox: list[bytes]
    """Replies that have not been sent yet."""
    _patience: Patience
    _phase: Phase = OURS
    _content: Content | None = None
    _waiter: asyncio.Future[bytes | None] | None = None
    _since: float = 0.0
    _last: float = 0.0
    _eof: bool = False
    _gone: bool = False
    _reading_paused: bool = False
    _writing_paused: bool = False
    _handler_coroutine: asyncio.Task[None] | None = None

    def __init__(self, doorway: Doorway) -> None:
        """Begin with nothing.

        aiosmtpd's constructor is not called: it looks at every method, for 0.15 ms, and sets up what only its own
        reader, commands and AUTH use; of those none is left here.
        """
        self.doorway = doorway
        self.loop = doorway.loop
        self._inbox = Inbox()
        self._outbox = []

    def __del__(self) -> None:
        """Leave nothing behind; asyncio's looks after a future that only its constructor makes."""

    def obey_at_once(self, line: bytes) -> bool:
        """Obey a command that waits for nothing; False where it is one for the session's task."""
        raise NotImplementedError

    # What the transport tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the client, or turn it away."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases.
        self.transport = transport
        doorway = self.doorway
        host, port, *_ = transport.get_extra_info("peername") or ("", 0)
        self.peer, self.peer_port = plain_address(host), port
        self.trusted = self.peer in doorway.trusted
        if doorway.draining or not doorway.connections.enter(self.peer, self.trusted):
            logger.info("connection from %s refused: %d are open", self.peer, doorway.connections.everywhere)
            if doorway.connections.full:
                doorway.shed()
            self._phase = OVER
            transport.write(encoded(doorway.refusal(self.trusted)))
            transport.close()
            return
        doorway.sessions.add(self)
        settings = doorway.settings
        self._patience = Patience(settings.max_errors, settings.max_junk, settings.max_unknown)
        self._since = self.loop.time()
        doorway.watch(self._since + doorway.patience)
        self._handler_coroutine = self.loop.create_task(self._handle_client())

    def data_received(self, data: bytes) -> None:
        """Take octets: into the content where one is being read, else into the inbox."""
        if self._phase is OVER:
            return
        content = self._content
        if content is not None:
            self._last = self.loop.time()
            rest = content.feed(data)
            if rest is None:
                return
            self._content = None
            self._inbox.add(rest)
        elif (
            self._phase is COMMAND
            and (waiter := self._waiter) is not None
            and not self._writing_paused
            and 0 < len(data) < MAX_LINE
            and data.find(b"\n") == len(data) - 1
            and self._inbox.idle
        ):
            # One command, whole, and the session waits for it: as nearly always.
            self._phase = OURS
            if not self.obey_at_once(data):
                self._waiter = None
                waiter.set_result(data)
            elif self._phase is not OVER:
                self.flush()
                self._phase = COMMAND
                self._since = self.loop.time()
            return
        else:
            self._inbox.add(data)
        if len(self._inbox) > _HIGH_WATER and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The client sends no more, but may wait for replies; TLS cannot be half open."""
        self._eof = True
        self._wake()
        return not (self.over or self.tls)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone; what the session does for the client goes on to its end."""
        self._gone = self._eof = True
        self._wake()
        self._leave()

    def pause_writing(self) -> None:
        """The client does not read its replies."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """asyncio: the client reads again."""
        self._writing_paused = False
        self._wake()

    # What the session uses.

    async def next_line(self) -> bytes | None:
        """Return the next line as `Inbox.line` does, or None where no further one counts."""
        if self._phase is OVER:
            return None
        self._phase = COMMAND
        self._since = self.loop.time()
        inbox = self._inbox
        line = inbox.line() if inbox else None
        while line is None:
            if inbox.flooded:
                self.end(reply.TOO_MANY_ERRORS)
            if self._eof or self.over:
                return None
            line = await self._more()
            if line is None:
                line = inbox.line()
        if self.over:
            return None
        self._phase = OURS
        return line

    async def read_content(self, content: Content) -> bool:
        """Feed the content until its end; False where the client went away before."""
        self._since = self._last = self.loop.time()
        if self._inbox:
            rest = content.feed(self._inbox.take())
            if rest is not None:
                self._inbox.add(rest)
                return True
        self._content = content
        self._phase = CONTENT
        while not (content.complete or self._eof or self.over):
            await self._more()
        self._content = None
        if not self.over:
            self._phase = OURS
        return content.complete and not self.over

    async def _more(self) -> bytes | None:
        """Send what we have to say, and wait until something happens; return a command that came alone."""
        self.flush()
        if self._reading_paused and not self._gone:
            self._reading_paused = False
            self.transport.resume_reading()
        while True:
            self._waiter = waiter = self.loop.create_future()
            line: bytes | None = await waiter
            if line is not None or not self._writing_paused or self._eof or self.over:
                return line

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def say(self, answer: Reply) -> None:
        """Put a reply into the outbox."""
        self._outbox.append(FIXED.get(id(answer)) or encoded(answer))

    def say_octets(self, answer: bytes) -> None:
        """Put a prepared reply into the outbox."""
        self._outbox.append(answer)

    def flush(self) -> None:
        """Send the outbox."""
        outbox = self._outbox
        if outbox:
            if not self._gone:
                self.transport.write(outbox[0] if len(outbox) == 1 else b"".join(outbox))
            outbox.clear()

    @property
    def over(self) -> bool:
        """True once the last reply was said."""
        return self._phase is OVER

    @property
    def has_unread(self) -> bool:
        """True where octets wait that arrived before we answered what they follow."""
        return bool(self._inbox)

    @property
    def has_unsent(self) -> bool:
        """True where replies wait to leave with others."""
        return bool(self._outbox)

    def drop_unread(self) -> int:
        """Forget what waits; return how many octets it was."""
        count = len(self._inbox)
        self._inbox.clear()
        return count

    def refuse(self, command: str, answer: Reply) -> None:
        """Give a reply that counts as the client's error."""
        self.log_refusal(command, answer)
        self._patience.errors += 1
        if self._patience.lost:
            self.lose_patience(command)
        else:
            self.say(answer)

    def lose_patience(self, command: str) -> None:
        """End the session of a client that gets nothing right, or only guesses."""
        self.log_refusal(command, reply.TOO_MANY_ERRORS)
        self.end(reply.TOO_MANY_ERRORS)

    def log_refusal(self, command: str, answer: Reply) -> None:
        """Log that a command was refused; of the line itself only its first word."""
        if logger.isEnabledFor(logging.INFO):
            logger.info("refused %s from %s: %s", ascii(command[:20]), self.peer, answer)

    def end(self, last: Reply | None = None, linger: bool = False) -> None:
        """Say a last word and close. Octets that still come are thrown away.

        Closing with unread input would reset the connection and could destroy the reply on its way, so our
        direction is closed first and the client gets a moment. linger: it has sent what we have not even read.
        """
        if self.over:
            return
        # Nothing unread, and nothing to be expected of a client that waits for this reply.
        quiet = not (linger or self._inbox or self._reading_paused) and self._phase is OURS
        self._phase = OVER
        self._content = None
        self._inbox.clear()
        if last is not None:
            self.say(last)
        self.flush()
        self._wake()
        if self._gone:
            return
        if quiet or self._eof or not self.transport.can_write_eof():
            self.transport.close()
        else:
            if self._reading_paused:
                self._reading_paused = False
                self.transport.resume_reading()
            self.transport.write_eof()
        self._since = self.loop.time()
        self.doorway.watch(self._since + _LINGER)

    # Deadlines.

    def due(self) -> float:
        """When patience ends, on the loop's clock."""
        settings = self.doorway.settings
        if self._phase is COMMAND:
            # Octets that are no whole command earn nothing.
            return self._since + settings.command_timeout
        if self._phase is CONTENT and self._content is not None:
            earned = settings.data_timeout + self._content.octets / settings.min_data_rate
            return min(self._last + settings.command_timeout, self._since + earned)
        if self._phase is OVER and not self._gone:
            return self._since + _LINGER
        return float("inf")

    def silent_for(self, now: float) -> float:
        """Seconds for which the client has owed us something."""
        if self._phase is COMMAND:
            return now - self._since
        return now - self._last if self._phase is CONTENT else 0.0

    def expire(self) -> None:
        """End the session: the client was too slow; or the connection, where even our last word is not read."""
        if self.over:
            self.transport.abort()
            return
        logger.info("session with %s timed out in phase %s", self.peer, self._phase.value)
        self.end(reply.TOO_SLOW if self._phase is CONTENT else reply.TIMEOUT)

    def drain(self) -> None:
        """Ask the session to end once it owes nothing; one that waits for a command ends now."""
        if self._phase is COMMAND:
            self.end(reply.SHUTTING_DOWN)

    # Its end.

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The session's task; None once it is over."""
        return self._handler_coroutine

    def cut(self) -> None:
        """Give up on the client; its task goes on until the door has answered."""
        self.transport.abort()

    def finished(self) -> None:
        """The session's task is over."""
        self.end()
        self._handler_coroutine = None
        self._leave()

    def _leave(self) -> None:
        """Be counted until both the transport and the task are gone: neither alone may pile up."""
        if self._gone and self._handler_coroutine is None and self in self.doorway.sessions:
            self.doorway.sessions.discard(self)
            self.doorway.connections.leave(self.peer, self.trusted)
            logger.debug("connection from %s closed", self.peer)

    async def push(self, status: Any) -> None:
        """Say a line that is no Reply; aiosmtpd's own methods do."""
        self.say_octets(status if isinstance(status, bytes) else status.encode("ascii", "replace") + b"\r\n")
