"""Mails about requests of release: to who is in charge, and the answer to who asked.

Whoever is in charge gets the first request at once, and what comes within the next minutes in one mail: however many
people ask, he is not flooded, and hears of each.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from gateway.domain.address import Address
from gateway.domain.public_url import pages_of
from gateway.domain.reply import TRY_LATER, Reply
from gateway.domain.retry import LETTER, letter_again
from gateway.domain.roles import Reach, Right
from gateway.flow.attempts import all_of
from gateway.flow.courier import Courier
from gateway.flow.digest_people import Plan, person_of, plan_of, wanted_by
from gateway.flow.digest_ports import DigestRules
from gateway.flow.letter_book import LetterKind
from gateway.flow.own_mail import OwnMail
from gateway.flow.release_ports import (
    AnswerLetter,
    AskLetter,
    Case,
    Due,
    ReleaseStore,
    ReleaseTx,
    RequestLetterKind,
    RequestState,
)
from gateway.flow.releases import Releases
from gateway.flow.user_rights import Withholding
from gateway.log import bug, event

_log = logging.getLogger("gateway.releases")

PAUSE = 300.0
"""Seconds between two mails with requests to the same mailbox."""
MOST_SHOWN = 20
"""Requests in one mail; the others are told as a number."""

Compose = Callable[[AskLetter | AnswerLetter, float], Awaitable[OwnMail]]
"""What it says, and the time → mail."""


class ReleaseMail:
    """The worker's work, one batch at a time. Only one runs at a time, so no lease is needed."""

    def __init__(
        self,
        rules: DigestRules,
        store: ReleaseStore,
        releases: Releases,
        policies: Withholding,
        compose: Compose,
        courier: Courier,
        *,
        now: Callable[[], float],
    ) -> None:
        self._rules = rules
        self._store = store
        self._releases = releases
        self._policies = policies
        self._compose = compose
        self._courier = courier
        self._now = now

    async def run_once(self, most: int = 200) -> int:
        """Make requests of numbers that came, end those that are settled, send what is due; return how much there was."""
        done = await self._releases.take_knocks() + await self._releases.settle()
        now = self._now()
        due = await self._store.look(lambda tx: tx.releases.due(now, now + LETTER.longest, most))
        asks: dict[str, list[Due]] = {}
        answers = []
        for one in due:
            if one.kind is RequestLetterKind.ASK:
                asks.setdefault(one.mailbox, []).append(one)
            else:
                answers.append(one)
        await all_of(
            [*(self._ask(mailbox, some) for mailbox, some in asks.items()), *(self._answer(one) for one in answers)]
        )
        return done + len(due)

    async def _ask(self, mailbox: str, due: Sequence[Due]) -> None:
        now = self._now()
        ids = [one.id for one in due]

        def read(tx: ReleaseTx) -> tuple[float | None, list[Case], Plan]:
            found = (tx.releases.get(one.request) for one in due)
            cases = [
                Case(request, tx.queue.one(request.row, 0))
                for request in found
                if request is not None and request.state is RequestState.OPEN
            ]
            return tx.releases.last_sent(mailbox, RequestLetterKind.ASK), cases, self._plan(tx, mailbox)

        last, cases, plan = await self._store.look(read)
        if not cases:
            await self._store.transact(lambda tx: tx.releases.finish(ids, "void", "", now))
            return
        if last is not None and abs(now - last) < PAUSE:
            await self._store.transact(lambda tx: tx.releases.hold(ids, last + PAUSE))
            return
        domain = cases[0].request.domain
        letter = AskLetter(
            mailbox=mailbox,
            domain=domain,
            language=plan.language,
            time_zone=plan.time_zone,
            phrase=plan.phrase,
            cases=tuple(cases[:MOST_SHOWN]),
            more=max(0, len(cases) - MOST_SHOWN),
            console=self._console(domain),
        )
        await self._send(letter, due, ids)

    async def _answer(self, due: Due) -> None:
        now = self._now()

        def read(tx: ReleaseTx) -> tuple[Case, Plan] | None:
            request = tx.releases.get(due.request)
            if request is None:
                return None
            return Case(request, tx.queue.one(request.row, 0)), self._plan(tx, due.mailbox)

        found = await self._store.look(read)
        if found is None:
            await self._store.transact(lambda tx: tx.releases.finish([due.id], "void", "", now))
            return
        case, plan = found
        withheld = await self._policies.withheld(Reach(addresses=frozenset({case.request.recipient_key})))
        content = Right.READ_CONTENT not in withheld
        if not content and case.mail is not None:
            case = replace(case, mail=replace(case.mail, subject="", files=()))
        domain = case.request.domain
        letter = AnswerLetter(
            mailbox=due.mailbox,
            domain=domain,
            language=plan.language,
            time_zone=plan.time_zone,
            phrase=plan.phrase,
            case=case,
            content=content,
            console=self._console(domain),
        )
        await self._send(letter, [due], [due.id])

    async def _send(self, letter: AskLetter | AnswerLetter, due: Sequence[Due], ids: Sequence[int]) -> None:
        now = self._now()
        try:
            mail = await self._compose(letter, now)
        except Exception:
            # A fault of ours: put off as any other, else it would be met again each second, and for ever.
            bug(_log, "letter-not-written", requests=" ".join(str(one.request) for one in due), mailbox=letter.mailbox)
            await self._save(due, ids, TRY_LATER)
            return
        written = LetterKind.REQUEST if isinstance(letter, AskLetter) else LetterKind.ANSWER
        reply = await self._courier.bring(written, Address(letter.mailbox, letter.mailbox), mail)
        state = await self._save(due, ids, reply)
        kind = due[0].kind.value
        event(_log, "release-letter", kind=kind, mailbox=letter.mailbox, requests=" ".join(str(one.request) for one in due),
              state=state, reply=str(reply))  # fmt: skip

    async def _save(self, due: Sequence[Due], ids: Sequence[int], reply: Reply) -> str:
        now = self._now()
        newest = min(due, key=lambda one: abs(now - one.created_at))
        failed = min(one.attempts for one in due) + 1
        again = letter_again(LETTER, failed, newest.created_at, now) if reply.temporary else None
        if again is not None:
            await self._store.transact(lambda tx: tx.releases.put_off(ids, str(reply), again, now))
            return "queued"
        state = "sent" if reply.accepted else "refused"
        await self._store.transact(lambda tx: tx.releases.finish(ids, state, str(reply), now))
        return state

    def _plan(self, tx: ReleaseTx, mailbox: str) -> Plan:
        person = person_of(tx, mailbox, self._rules.domains)
        return plan_of(wanted_by(tx, self._rules.base, mailbox, person))

    def _console(self, domain: str) -> str:
        return f"{pages_of(self._rules.public_url, domain)}/console/"
