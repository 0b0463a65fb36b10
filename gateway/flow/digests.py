"""Digests: who is due, what is new for him, one mail; and until the mail is delivered, nobody was told."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from prometheus_client import Counter

from gateway.domain.address import Address
from gateway.domain.challenge import TOKEN_OCTETS, token_hash, token_text
from gateway.domain.durations import DAY, HOUR
from gateway.domain.public_url import pages_of
from gateway.domain.reply import TRY_LATER, Reply
from gateway.domain.retry import LETTER, letter_again
from gateway.domain.roles import Reach, Right
from gateway.domain.schedule import OFF, latest_slot, next_slot
from gateway.flow.attempts import all_of
from gateway.flow.courier import Courier
from gateway.flow.digest_drafts import Draft, draft_of, redrafted
from gateway.flow.digest_people import Plan, mailboxes_for, person_of, plan_of, wanted_by
from gateway.flow.digest_ports import DigestLetter, DigestRules, DigestStore, DigestTx, Links, Mailbox, Queued
from gateway.flow.letter_book import LetterKind
from gateway.flow.own_mail import OwnMail
from gateway.flow.user_rights import Withholding
from gateway.log import bug, event

_log = logging.getLogger("gateway.digest")
_digests = Counter("gateway_digests_total", "Digests that ended.", ["result"])
for _result in ("delivered", "queued", "refused"):
    _digests.labels(_result)  # From 0 on, so that the first is seen.

NEW, ALL = "new", "all"
PAGE = 500
"""Mailboxes read at once."""
LEASE = 600.0
"""Seconds after which a digest that somebody had in hand is taken up by somebody else."""
MEMORY = 90 * DAY
"""Seconds for which it is known what stood in a digest, once all of it is settled."""
UPKEEP = HOUR
"""Seconds between two times that old digests are forgotten."""
LOOK = 6 * HOUR
"""Seconds after which a mailbox is looked at, whenever its next hour is."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one digest."""

    mailbox: str
    state: str
    """`delivered`, `refused`, `queued` for another attempt; `nothing` where there was nothing to tell, `none` where no
    digest can go there, `open` where one is on its way already; `would-send` where it was only asked.
    """
    total: int = 0
    """Mails that wait, counting to 10 001."""
    shown: int = 0
    reply: str = ""


Compose = Callable[[DigestLetter, float], Awaitable[OwnMail]]
"""What it says, and the time → mail."""


class Digests:
    """Makes and sends digests, for the worker, for who asks for one, and for the command line."""

    def __init__(
        self,
        rules: DigestRules,
        store: DigestStore,
        policies: Withholding,
        compose: Compose,
        courier: Courier,
        *,
        now: Callable[[], float],
        trusted: Callable[[], bool] = lambda: True,
        random_octets: Callable[[int], bytes],
    ) -> None:
        """trusted: False while the clock is not to be believed."""
        self._rules = rules
        self._store = store
        self._policies = policies
        self._compose = compose
        self._courier = courier
        self._now = now
        self._trusted = trusted
        self._kept_up: float | None = None
        self._random_octets = random_octets

    # --- the worker ---

    async def run_once(self, most: int = 20) -> int:
        """Meet new mailboxes, look at those that are due, try again what was put off; return how much there was."""
        if not self._trusted():
            # By a clock that jumped, every hour of every schedule would seem to have passed.
            return 0
        met = await self.meet()
        now = self._now()
        await self._upkeep(now)
        due, queued = await self._store.look(
            lambda tx: (tx.digests.due(now, now + LOOK, most), tx.digests.queued(now, now + LETTER.longest, most))
        )
        await all_of(self._look_at(mailbox) for mailbox in due)
        await all_of(self._again(one) for one in queued)
        return met + len(due) + len(queued)

    async def meet(self, most: int = 1000) -> int:
        """Remember the mailboxes that mail has come for since; return how many rows were looked at."""
        now = self._now()

        def fresh(tx: DigestTx) -> tuple[int, int, list[str]]:
            cursor = tx.digests.cursor()
            last, owners = tx.digests.newcomers(cursor, most)
            boxes = [mailbox for owner in owners for mailbox in mailboxes_for(tx, owner)]
            return cursor, last, list(dict.fromkeys(boxes))

        cursor, last, mailboxes = await self._store.look(fresh)
        if last == cursor:
            return 0

        def work(tx: DigestTx) -> None:
            tx.digests.meet(mailboxes, now)
            tx.digests.set_cursor(last)

        await self._store.transact(work)
        return last - cursor

    async def _upkeep(self, now: float) -> None:
        if self._kept_up is None:
            # Look at every mailbox anew: the configuration may have changed.
            await self._store.transact(lambda tx: tx.digests.look_at_all(now))
        elif abs(now - self._kept_up) < UPKEEP:
            return
        self._kept_up = now
        await self.forget()

    async def forget(self, most: int = 200) -> int:
        """Drop digests that ended long ago, and with them the links to mail that no longer waits."""
        before = self._now() - MEMORY
        return await self._store.transact(lambda tx: tx.digests.forget(before, most))

    async def _look_at(self, known: Mailbox) -> None:
        now = self._now()

        def look(tx: DigestTx) -> Plan | None:
            person = person_of(tx, known.key, self._rules.domains)
            return None if person is None else plan_of(wanted_by(tx, self._rules.base, known.key, person))

        plan = await self._store.look(look)
        if plan is None:
            await self._store.transact(lambda tx: tx.digests.drop_mailbox(known.key))
            return
        slot, look_at = None, now + LOOK
        if plan.schedule is not None:
            slot = latest_slot(plan.schedule, plan.zone, now)
            look_at = min(look_at, next_slot(plan.schedule, plan.zone, now))
        # A mailbox that nobody has looked at waits for its next hour; so does one whose clock was set back.
        due = slot is not None and known.slot is not None and slot > known.slot
        if known.asked or due:
            await self.make(known.key, everything=known.asked == ALL)
        await self._store.transact(lambda tx: tx.digests.seen_to(known, slot, look_at))

    async def _again(self, queued: Queued) -> None:
        now = self._now()
        if not await self._store.transact(
            lambda tx: tx.digests.take(queued.id, now, now + LETTER.longest, now + LEASE)
        ):
            return
        draft = await self._store.look(lambda tx: redrafted(tx, self._rules, queued, now))
        if draft is None:
            await self._store.transact(lambda tx: tx.digests.finish(queued.id, "void", "", now))
            return
        await self._send(queued, draft)

    # --- one digest ---

    async def make(self, mailbox: str, *, everything: bool = False, dry: bool = False) -> Made:
        """Make and send the digest of one mailbox. everything: also what it was shown before. dry: only say."""
        now = self._now()
        person, draft = await self._store.look(
            lambda tx: draft_of(tx, self._rules, mailbox, now, everything=everything)
        )
        if person is None:
            return Made(mailbox, "none")
        if draft is None:
            return Made(mailbox, "nothing")
        found = draft
        if dry:
            return Made(mailbox, "would-send", draft.total, len(draft.items))

        def work(tx: DigestTx) -> int | None:
            if tx.digests.open_digest(mailbox):
                return None
            tx.digests.meet([mailbox], now)
            return tx.digests.add(mailbox, found.total, found.items, now, now + LEASE)

        made = await self._store.transact(work)
        if made is None:
            return Made(mailbox, "open")
        return await self._send(Queued(made, mailbox, now, 0), draft)

    async def mailboxes(self, domain: str = "") -> Sequence[str]:
        """Return each mailbox that mail has come for, in their order. domain: "" is all.

        Without those whose owners have said that they want no digests.
        """
        found: list[str] = []
        last = ""
        while True:

            def page(tx: DigestTx, after: str = last) -> tuple[Sequence[str], list[str]]:
                some = tx.digests.mailboxes(domain, after, PAGE)
                return some, [mailbox for mailbox in some if tx.digests.choice(mailbox).schedule != OFF]

            some, wanted = await self._store.look(page)
            found += wanted
            if len(some) < PAGE:
                return found
            last = some[-1]

    async def _send(self, queued: Queued, draft: Draft) -> Made:
        now = self._now()
        withheld = await self._policies.withheld(Reach(addresses=frozenset(draft.person.owners)))
        address = Address(queued.mailbox, queued.mailbox)
        first = [line.first.id for group in draft.groups for line in group.lines]
        secrets = {row: token_text(self._random_octets(TOKEN_OCTETS)) for row in (*first, None)}
        try:
            mail = await self._compose(self._letter(queued.id, draft, address, withheld, secrets), now)
        except Exception:
            # A fault of ours: put off as any other, so that it is seen where digests are, and holds up no other mailbox.
            bug(_log, "letter-not-written", digest=queued.id, mailbox=queued.mailbox)
            return Made(queued.mailbox, await self._save(queued, TRY_LATER), draft.total, 0, str(TRY_LATER))
        minted = [(token_hash(secret), row) for row, secret in secrets.items()]
        # Before it is sent: from then on its links may be opened, whatever happens to us.
        await self._store.transact(lambda tx: tx.digests.mint(queued.id, minted, mail.mail_id))
        reply = await self._courier.bring(LetterKind.DIGEST, address, mail)
        state = await self._save(queued, reply)
        shown = len(draft.items)
        event(_log, "digest", digest=queued.id, mailbox=queued.mailbox, state=state, total=draft.total, shown=shown,
              attempts=queued.attempts + 1, reply=str(reply))  # fmt: skip
        _digests.labels(state).inc()
        return Made(queued.mailbox, state, draft.total, shown, str(reply))

    def _letter(
        self, number: int, draft: Draft, address: Address, withheld: Collection[Right], secrets: dict[int | None, str]
    ) -> DigestLetter:
        domain = address.domain if address.domain in self._rules.domains else min(self._rules.domains)
        root = pages_of(self._rules.public_url, domain)
        lines = {row: f"{root}/held/{secret}" for row, secret in secrets.items() if row is not None}
        plan = draft.plan
        return DigestLetter(
            mailbox=address.text,
            domain=domain,
            language=plan.language,
            time_zone=plan.time_zone,
            phrase=plan.phrase,
            subject=plan.subject,
            groups=draft.groups,
            total=draft.total,
            several=len(draft.person.owners) > 1,
            may_act=Right.MODERATE not in withheld,
            may_list=Right.MODERATE not in withheld and Right.EDIT_LISTS not in withheld,
            content=Right.READ_CONTENT not in withheld,
            links=Links(
                lines,
                f"{root}/digest/stop/{secrets[None]}",
                f"{root}/console/",
                f"{root}/console/pending?q=digest:{number}",
            ),
        )

    async def _save(self, queued: Queued, reply: Reply) -> str:
        now = self._now()
        again = letter_again(LETTER, queued.attempts + 1, queued.created_at, now) if reply.temporary else None
        if again is not None:
            await self._store.transact(lambda tx: tx.digests.put_off(queued.id, str(reply), again, now))
            return "queued"
        state = "delivered" if reply.accepted else "refused"

        def work(tx: DigestTx) -> None:
            told = tx.digests.shown([row for row, _ in tx.digests.items(queued.id)])
            rows = tx.digests.finish(queued.id, state, str(reply), now)
            if state == "delivered":
                # What is told of for the first time stays for a day at least, so that its reader can act.
                tx.digests.delay([row for row in rows if row not in told], now + DAY)

        await self._store.transact(work)
        return state
