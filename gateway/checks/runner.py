"""All checks of a message, together and under one deadline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from gateway.checks.dkim import FIELD, DkimCheck
from gateway.checks.dmarc import DmarcCheck, Unpublished, judge, proofs, reverse_path_proven
from gateway.checks.lookups import Lookups
from gateway.checks.mail_domain import MailDomainCheck
from gateway.checks.spf import SpfCheck
from gateway.checks.upstream import Told, read_upstream
from gateway.domain.address import Address
from gateway.domain.envelope import Transaction
from gateway.domain.evidence import NO_EVIDENCE, Dkim, Dmarc, Evidence, Result, Spf
from gateway.domain.header import Header
from gateway.domain.message import Message

_log = logging.getLogger("gateway.checks")


class EvidenceRunner:
    """Gathers evidence; what fails or comes too late is "not known", never a reason to refuse a mail.

    A sender seen a moment ago, without a signature, costs no look-up, no task and no thread.
    """

    def __init__(
        self,
        lookups: Lookups,
        *,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        deadline_seconds: float = 10.0,
        max_dkim_signatures: int = 5,
        trusted_authserv_ids: Sequence[str] = (),
        cache_entries: int = 10_000,
    ) -> None:
        """now: seconds since the epoch. monotonic: seconds.

        trusted_authserv_ids: see `upstream.read_upstream`; give them only where all mail comes through these
        servers.
        """
        self._deadline = deadline_seconds
        self._trusted = frozenset(each.lower() for each in trusted_authserv_ids)
        self._spf = SpfCheck(lookups, monotonic=monotonic, cache_entries=cache_entries)
        self._dkim = DkimCheck(lookups, now=now, max_signatures=max_dkim_signatures)
        self._dmarc = DmarcCheck(lookups, monotonic=monotonic, cache_entries=cache_entries)
        self._mail_domain = MailDomainCheck(lookups, monotonic=monotonic, cache_entries=cache_entries)

    def close(self) -> None:
        """End the threads."""
        self._dkim.close()

    async def inspect(self, transaction: Transaction, head: Header, message: Message, content: bytes) -> Evidence:
        """Run every check under one deadline; what does not end in time is None or temperror. Never raises."""
        try:
            return await self._inspect(transaction, head, message, content)
        except Exception:
            _log.exception("a check failed by our own fault, transaction %s", transaction.id)
            return NO_EVIDENCE

    async def _inspect(self, transaction: Transaction, head: Header, message: Message, content: bytes) -> Evidence:
        client, reverse_path = transaction.client, transaction.reverse_path
        author = message.author.domain if message.author is not None else ""
        told = read_upstream(head, self._trusted)
        signed = FIELD in head.by_name

        spf: Spf | None
        dkim: tuple[Dkim, ...] | None
        missing: dict[str, Awaitable[Any]] = {}
        if told is not None:
            # Who sent us the mail is the upstream: only it could ask whether its own client may send.
            # HELO says nothing about a mail that has a reverse-path (RFC 7489 §3.1.2).
            spf = told.spf if told.spf is not None and told.spf.of_helo <= reverse_path.is_null else None
        else:
            spf = self._spf.known(client.address, client.helo, reverse_path)
            if spf is None:
                missing["spf"] = self._spf.check(client.address, client.helo, reverse_path, self._deadline)
        dkim = told.dkim if told is not None else None
        if dkim is None:
            dkim = ()
            if signed:
                missing["dkim"] = self._dkim.check(content, head, author, self._deadline)
        published = self._dmarc.known(author) if author else Unpublished.NONE
        if published is None:
            missing["dmarc"] = self._dmarc.check(author, self._deadline)
        takes_mail = None if reverse_path.is_null else self._mail_domain.known(reverse_path.domain)
        if takes_mail is None and not reverse_path.is_null:
            missing["mail domain"] = self._mail_domain.check(reverse_path.domain, self._deadline)

        found = await self._together(missing, transaction.id)
        spf = found.get("spf", spf)
        dkim = found.get("dkim", dkim)
        published = found.get("dmarc", published) or Unpublished.UNKNOWN
        takes_mail = found.get("mail domain", takes_mail)
        return self._conclude(head, reverse_path, message.author, spf, dkim or (), published, takes_mail, told)

    async def _together(self, missing: dict[str, Awaitable[Any]], transaction_id: str) -> dict[str, Any]:
        """Return what each check found; one that fails by our own fault is left out, and logged."""
        if not missing:
            return {}
        results = await asyncio.gather(*missing.values(), return_exceptions=True)
        found = {}
        for name, result in zip(missing, results, strict=True):
            if isinstance(result, Exception):
                _log.error("check %s failed by our own fault, transaction %s", name, transaction_id, exc_info=result)
            elif isinstance(result, BaseException):
                raise result
            else:
                found[name] = result
        return found

    def _conclude(
        self,
        head: Header,
        reverse_path: Address,
        writer: Address | None,
        spf: Spf | None,
        dkim: tuple[Dkim, ...],
        published: Any,
        takes_mail: bool | None,
        told: Told | None,
    ) -> Evidence:
        author = writer.domain if writer is not None else ""
        vouched = proofs(author, published, spf, dkim)
        if author:
            dmarc = judge(author, published, spf, dkim, vouched)
        else:
            # RFC 7489 §6.6.1: whose mail it is cannot be said; a missing From is no DMARC matter at all.
            several = any(field.name == b"from" for field in head.fields)
            dmarc = Dmarc(Result.PERMERROR if several else Result.NONE, "")
        if told is not None and told.dmarc is not None:
            dmarc = replace(told.dmarc, domain=author, policy=dmarc.policy)
            if dmarc.result is Result.FAIL:
                vouched = ()
        return Evidence(
            spf=spf,
            dkim=dkim,
            dmarc=dmarc,
            proofs=vouched,
            reverse_path_proven=reverse_path_proven(reverse_path, writer, spf, vouched),
            sender_domain_takes_mail=takes_mail,
            source=told.source if told is not None else "own",
        )
