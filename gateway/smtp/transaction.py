"""The mail transaction: MAIL, RCPT, DATA and RSET (RFC 5321 §3.3)."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable
from dataclasses import replace

from gateway.domain import reply
from gateway.domain.envelope import Client, Transaction
from gateway.domain.reply import Reply
from gateway.flow.ports import StoreDown, StoreFull
from gateway.smtp import paths, xclient
from gateway.smtp.connection import Connection
from gateway.smtp.data import Content

logger = logging.getLogger("gateway.smtp")

_REPLY_DELAY = 0.5
"""Seconds for which a reply may wait for those to the commands behind it."""


class Transacting(Connection):
    """The commands that bring mail; hello and all others are in its subclass."""

    _client: Client
    """Who it is: the peer, or what XCLIENT put in its place."""
    _forwarded: xclient.Forwarded | None
    """Whose mail the next transaction is, as XFORWARD told."""
    _greeted: bool
    _offer: paths.Offer
    _transaction: Transaction | None
    _keys: set[str]
    """Normal forms of the recipients."""
    _deferred: bool
    """Some recipient was refused for now."""
    _refused: bool
    """Some recipient was refused."""

    def _reset(self) -> None:
        """End the transaction; what XFORWARD told was for it alone."""
        self._transaction = None
        self._forwarded = None

    async def smtp_MAIL(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.2."""
        if not self._greeted:
            return self.refuse("MAIL", reply.HELLO_FIRST)
        if self._transaction is not None:
            return self.refuse("MAIL", reply.BAD_SEQUENCE)
        mail = paths.parse_mail(arg or "", self._offer)
        if isinstance(mail, Reply):
            return self.refuse("MAIL", mail)
        client = self._forwarded.client() if self._forwarded is not None else self._client
        if mail.smtputf8 and self._forwarded is None:
            client = replace(client, protocol="UTF8SMTPS" if self.tls else "UTF8SMTP")  # RFC 6531 §4.3
        self._transaction = Transaction(
            client=client,
            reverse_path=mail.reverse_path,
            size=mail.size,
            body_8bit=mail.body_8bit,
            smtputf8=mail.smtputf8,
            ret=mail.ret,
            envid=mail.envid,
            id=os.urandom(6).hex(),
        )
        self._keys = set()
        self._deferred = self._refused = False
        self.say(reply.MAIL_OK)
        return None

    async def smtp_RCPT(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.3: the door says whether the recipient is taken."""
        transaction = self._transaction
        if transaction is None:
            return self.refuse("RCPT", reply.BAD_SEQUENCE)
        settings = self.doorway.settings
        recipient = paths.parse_rcpt(arg or "", self._offer, transaction.smtputf8, settings.postmaster_domain)
        if isinstance(recipient, Reply):
            self._refused = True
            return self.refuse("RCPT", recipient)
        if recipient.address.key in self._keys:
            self.say(reply.RCPT_OK)  # Named twice: delivered once.
            return None
        if len(transaction.recipients) >= settings.max_recipients:
            self.say(reply.TOO_MANY_RECIPIENTS)
            return None
        answer = await self._ask(self.doorway.door.recipient(transaction, recipient))
        if answer.accepted:
            transaction.recipients.append(recipient)
            self._keys.add(recipient.address.key)
            self._patience.accepted += 1
        else:
            self.log_refusal("RCPT", answer)
            self._deferred |= answer.temporary
            self._refused = True
            self._patience.unknown += answer.permanent
            if self._patience.lost:
                return self.lose_patience("RCPT")
        self.say(answer)
        return None

    async def smtp_DATA(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.4."""
        transaction = self._transaction
        if arg:
            return self._refuse_data(reply.BAD_SYNTAX)
        if transaction is None:
            return self._refuse_data(reply.BAD_SEQUENCE)
        if not transaction.recipients:
            if self._deferred:
                return self._refuse_data(reply.TRY_LATER)
            return self._refuse_data(reply.NO_VALID_RECIPIENTS if self._refused else reply.BAD_SEQUENCE)
        if not self.doorway.memory.has_room(transaction.size or 0):
            return self._refuse_data(reply.NO_STORAGE)
        self.say(reply.START_DATA)
        content = Content(self._offer.max_octets, self.doorway.memory)
        try:
            if await self.read_content(content):
                await self._take(transaction, content)
            elif not self.over:
                logger.info("%s: %s went away inside the content", transaction.id, self.peer)
        finally:
            content.release()
            self._reset()
        return None

    async def _take(self, transaction: Transaction, content: Content) -> None:
        """Hand a whole message over; its reply is the word on who owns it now (RFC 5321 §6.1)."""
        octets = content.finish(self._offer.max_octets, self.doorway.settings.bare_line_ends)
        if isinstance(octets, Reply):
            self.log_refusal("DATA", octets)
            answer = octets
        else:
            answer = await self._ask(self.doorway.door.message(transaction, octets))
        if answer.accepted:
            self._patience.forgive()
        self.say(answer)

    def _refuse_data(self, answer: Reply) -> None:
        self.refuse("DATA", answer)
        if self.has_unread:
            self.end()

    async def _ask(self, question: Awaitable[Reply]) -> Reply:
        """Await the door's answer; that it cannot answer now is never the client's fault."""
        # Replies to pipelined commands wait for each other, but not for long.
        late = self.loop.call_later(_REPLY_DELAY, self.flush) if self.has_unsent else None
        try:
            return await question
        except StoreFull as fault:
            logger.warning("no room in the store: %s", fault)
            return reply.NO_STORAGE
        except StoreDown as fault:
            # Expected at times, and no fault of the program: one line, without a traceback.
            logger.warning("the store cannot be used now: %s", fault)
            return reply.TRY_LATER
        except Exception:
            logger.exception("the door failed for %s", self.peer)
            return reply.TRY_LATER
        finally:
            if late is not None:
                late.cancel()

    async def smtp_RSET(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.5."""
        if arg:
            return self.refuse("RSET", reply.BAD_SYNTAX)
        self._reset()
        self.say(reply.OK)
        return None
