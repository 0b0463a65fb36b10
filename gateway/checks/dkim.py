"""DKIM: which domains signed this message, and do the signatures hold (RFC 6376 §6)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gateway.checks import canonical
from gateway.checks.canonical import BodyHash
from gateway.checks.dkim_key import Key, KeyUnusable, choose, verifies
from gateway.checks.dkim_signature import Signature, read_signature
from gateway.checks.lookups import DnsFailure, Lookups, NotFound
from gateway.checks.names import aligned
from gateway.domain.evidence import Dkim, Result
from gateway.domain.header import Header

FIELD = b"dkim-signature"
_INLINE_OCTETS = 65_536
"""Content up to here is hashed on the event loop: a thread hop would cost more."""
_MOST_FIELDS = 50
"""Signature fields that are read at all, to find those of the author's domain among them."""
_FOR_KEYS = 0.75
"""The share of the time in which keys must arrive."""
_MOST_WAITING = 64
"""Large messages that may wait for a thread; more are not verified now."""


class DkimCheck:
    """Verifies signatures, those of the author's domain first, at most `max_signatures` of a message."""

    def __init__(
        self, lookups: Lookups, *, now: Callable[[], float], max_signatures: int = 5, threads: int = 2
    ) -> None:
        """now: seconds since the epoch, held against t= and x=."""
        self._lookups = lookups
        self._now = now
        self._max_signatures = max_signatures
        self._pool = ThreadPoolExecutor(threads, "dkim")
        self._waiting = 0

    def close(self) -> None:
        """Let the threads end once they have finished what they are at."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def check(self, content: bytes, head: Header, author_domain: str, seconds: float) -> tuple[Dkim, ...]:
        """Return one outcome for each signature looked at; temperror where the seconds were over.

        content: octets with CRLF line ends. author_domain: lower-case A-labels, or "".
        """
        fields = [field for field in head.fields if field.name == FIELD][:_MOST_FIELDS]
        if not fields:
            return ()
        from_fields = sum(1 for field in head.fields if field.name == b"from")
        now = self._now()
        found = [read_signature(field, from_fields, now) for field in fields]
        found.sort(key=lambda each: not aligned(author_domain, each.domain, strict=False))
        outcomes = found[: self._max_signatures]
        keys: dict[int, Key] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                # One signer's DNS that hangs shall not cost the others their verification.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds * _FOR_KEYS):
                        await self._fetch_keys(outcomes, keys)
                await self._verify(content, head, outcomes, keys)
        return tuple(
            each if isinstance(each, Dkim) else each.result(Result.TEMPERROR, "not verified in time")
            for each in outcomes
        )

    async def _fetch_keys(self, outcomes: list[Signature | Dkim], keys: dict[int, Key]) -> None:
        """Fetch the keys by index; a signature whose key cannot be had is replaced by its outcome."""

        async def fetch(index: int, signature: Signature) -> None:
            key = await self._key(signature)
            if isinstance(key, Dkim):
                outcomes[index] = key
            else:
                keys[index] = key

        wanted = [(index, each) for index, each in enumerate(outcomes) if isinstance(each, Signature)]
        if len(wanted) == 1:
            await fetch(*wanted[0])
        elif wanted:
            await asyncio.gather(*(fetch(index, signature) for index, signature in wanted))

    async def _key(self, signature: Signature) -> Key | Dkim:
        try:
            records = await self._lookups.txt(f"{signature.selector}._domainkey.{signature.domain}")
        except DnsFailure:
            return signature.result(Result.TEMPERROR, "key not to be had now")
        if isinstance(records, NotFound):
            return signature.result(Result.PERMERROR, "no key")
        try:
            key = choose(records)
        except KeyUnusable as unusable:
            return signature.result(unusable.result, unusable.note)
        if key.algorithm != signature.algorithm:
            return signature.result(Result.PERMERROR, "key of another kind")
        if key.strict_identity and signature.identity != signature.domain:
            return signature.result(Result.PERMERROR, "i= is a sub-domain")
        return key

    async def _verify(
        self, content: bytes, head: Header, outcomes: list[Signature | Dkim], keys: dict[int, Key]
    ) -> None:
        work = [
            (index, each, keys[index])
            for index, each in enumerate(outcomes)
            if isinstance(each, Signature) and index in keys
        ]
        if not work:
            return
        job = [(signature, key) for _, signature, key in work]
        if len(content) <= _INLINE_OCTETS:
            verified = verify(content, head, job, lambda: False)
        else:
            verified = await self._in_thread(content, head, job)
        for (index, _, _), outcome in zip(work, verified, strict=True):
            outcomes[index] = outcome

    async def _in_thread(self, content: bytes, head: Header, job: list[tuple[Signature, Key]]) -> list[Dkim]:
        if self._waiting >= _MOST_WAITING:
            return [signature.result(Result.TEMPERROR, "too busy") for signature, _ in job]
        gone = False
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, verify, content, head, job, lambda: gone
            )
        finally:
            gone = True
            self._waiting -= 1


def verify(content: bytes, head: Header, job: list[tuple[Signature, Key]], abandoned: Callable[[], bool]) -> list[Dkim]:
    """Verify signatures with their keys; the body is hashed once for each form.

    abandoned: asked between two signatures; True when nobody waits for the answer any more.
    """
    bodies: dict[bool, BodyHash] = {}
    outcomes = []
    for signature, key in job:
        if abandoned():
            break
        outcomes.append(_verify_one(content, head, signature, key, bodies))
    return outcomes


def _verify_one(content: bytes, head: Header, signature: Signature, key: Key, bodies: dict[bool, BodyHash]) -> Dkim:
    # The header first: a forged signature then costs no hash of the body.
    signed = canonical.header_octets(
        content, head, signature.names, signature.relaxed_header, signature.field, signature.unsigned
    )
    if not verifies(key, canonical.sha256(signed), signature.value):
        return signature.result(Result.FAIL, "signature does not match")
    body = bodies.get(signature.relaxed_body)
    if body is None:
        body = bodies[signature.relaxed_body] = canonical.body_hash(content, head.body, signature.relaxed_body)
    if signature.length is not None and signature.length != body.octets:
        if signature.length > body.octets:
            return signature.result(Result.FAIL, "body shorter than signed")
        # RFC 6376 §8.2: whatever stands behind l= could be anybody's.
        return signature.result(Result.POLICY, "body only in part signed")
    if body.digest != signature.body_hash:
        return signature.result(Result.FAIL, "body altered")
    return signature.result(Result.PASS)
