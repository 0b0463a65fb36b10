"""Notices: who wants to be told of each mail that waits for him is told at once, within a bound for each hour.

Off, unless somebody has chosen it: then nothing is looked for, and nothing written. What a machine wrote in answer to
something is never told of: two gateways, or a forwarding that leads back, would tell each other for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from prometheus_client import Counter

from gateway.domain import header
from gateway.domain.address import Address, normal_form, without_tag
from gateway.domain.challenge import TOKEN_OCTETS, token_hash, token_text
from gateway.domain.durations import DAY, HOUR
from gateway.domain.levels import Effective, Level, PolicySetting, levels_above, merged
from gateway.domain.lifecycle import State
from gateway.domain.lists import patterns_of, winner
from gateway.domain.mail_number import mail_number
from gateway.domain.message import read_message
from gateway.domain.notice import OFF, matched_parts, may_loop, told_at_once
from gateway.domain.outline import Marks, Outline, Unreadable
from gateway.domain.public_url import pages_of
from gateway.domain.reply import TRY_LATER, Reply
from gateway.domain.retry import NOTICE, letter_again
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.attempts import all_of
from gateway.flow.courier import Courier
from gateway.flow.digest_people import Person, mailboxes_for, person_of, plan_of, wanted_by
from gateway.flow.digest_ports import DigestRules
from gateway.flow.letter_book import LetterKind
from gateway.flow.notice_ports import DueNotice, NoticeLetter, NoticeStore, NoticeTx
from gateway.flow.own_mail import OwnMail
from gateway.flow.ports import StoreDown
from gateway.flow.queue_ports import Row
from gateway.flow.read import ContentGone, WrongContent
from gateway.flow.user_rights import Withholding
from gateway.log import bug, event

_log = logging.getLogger("gateway.notices")
_notices = Counter("gateway_notices_total", "Notices that ended.", ["result"])

MOST_AN_HOUR = 20
"""Notices for one mailbox; the last of them says that the rest comes with the digest."""
FRESH = HOUR
"""Seconds after which a mail is no news any more, as after a pause of the service."""
MEMORY = 30 * DAY
LONGEST_BODY = 1000
"""Characters of a mail's text that are shown."""
HEAD = 65_536

Compose = Callable[[NoticeLetter, float], Awaitable[OwnMail]]
"""What it says, and the time → mail."""


class Text(Protocol):
    """Takes mails apart."""

    async def outline(self, viewer: Viewer, row_id: int, marks: Marks) -> Outline | None:
        """Return the mail at a glance. Raises Unreadable, ContentGone, WrongContent."""


class Notices:
    """The worker's work, one batch at a time. Only one runs at a time, so no lease is needed."""

    def __init__(
        self,
        rules: DigestRules,
        store: NoticeStore,
        policies: Withholding,
        text: Text,
        compose: Compose,
        courier: Courier,
        *,
        marks_in: Callable[[str], Marks],
        number_key: bytes,
        now: Callable[[], float],
        trusted: Callable[[], bool] = lambda: True,
        random_octets: Callable[[int], bytes],
    ) -> None:
        """marks_in: tag of a language → what stands where links and images were. trusted: False while the clock is not to be believed."""
        self._rules = rules
        self._store = store
        self._policies = policies
        self._text = text
        self._compose = compose
        self._courier = courier
        self._marks_in = marks_in
        self._number_key = number_key
        self._now = now
        self._trusted = trusted
        self._random_octets = random_octets
        self._forgot_at: float | None = None

    async def run_once(self, most: int = 50) -> int:
        """Look for mail that came, and send what is due; return how much there was."""
        if not self._trusted():
            return 0
        met = await self._meet(most)
        now = self._now()
        due = await self._store.look(lambda tx: tx.notices.due(now, now + NOTICE.longest, most))
        await all_of(self._send(one) for one in due)
        await self._upkeep(now)
        return met + len(due)

    async def _upkeep(self, now: float) -> None:
        if self._forgot_at is None or abs(now - self._forgot_at) >= HOUR:
            self._forgot_at = now
            await self._store.transact(lambda tx: tx.notices.forget(now - MEMORY, 200))

    async def _meet(self, most: int) -> int:
        now = self._now()

        def fresh(tx: NoticeTx) -> tuple[int, int]:
            if not tx.notices.wanted():
                return 0, 0
            cursor = tx.notices.cursor()
            return cursor, tx.notices.newcomers(cursor, now - FRESH, most)[0]

        cursor, last = await self._store.look(fresh)
        if cursor == last:
            return 0

        def work(tx: NoticeTx) -> None:
            for row_id in tx.notices.newcomers(cursor, now - FRESH, most)[1]:
                row = tx.queue.one(row_id, 0)
                if row is not None:
                    self._note(tx, row, now)
            tx.notices.set_cursor(last)

        await self._store.transact(work)
        return last - cursor

    def _note(self, tx: NoticeTx, row: Row, now: float) -> None:
        owner = without_tag(normal_form(row.recipient))
        choice = _choice_of(tx, owner)
        if row.state is not State.PENDING or not told_at_once(choice.value, row.reason):
            return
        if row.held_at < _chosen_at(tx, owner, choice.origin):
            return  # Who switches notices on wants to hear of what comes, not of what he finds in the list.
        mailbox = next(iter(mailboxes_for(tx, owner)), "")
        if not mailbox or person_of(tx, mailbox, self._rules.domains) is None or _loops(tx, row):
            return
        before = tx.notices.sent_since(mailbox, now - HOUR)
        if before < MOST_AN_HOUR:
            tx.notices.add(row.id, mailbox, before == MOST_AN_HOUR - 1, now)

    async def _send(self, due: DueNotice) -> None:
        now = self._now()

        def read(tx: NoticeTx) -> tuple[Person, Row] | None:
            row, person = tx.queue.one(due.row, 0), person_of(tx, due.mailbox, self._rules.domains)
            if row is None or person is None or row.state is not State.PENDING:
                return None
            # Looked at anew for each attempt: notices may be stopped, and the address somebody else's, by now.
            owner = without_tag(normal_form(row.recipient))
            wanted = owner in person.owners and told_at_once(choice_of(tx, owner), row.reason)
            return (person, row) if wanted else None

        found = await self._store.look(read)
        if found is None:
            await self._store.transact(lambda tx: tx.notices.finish(due.id, "void", "", now))
            return
        opens, stops = (token_text(self._random_octets(TOKEN_OCTETS)) for _ in range(2))
        letter = await self._letter(due, *found, opens, stops)
        try:
            mail = await self._compose(letter, now)
        except Exception:
            # A fault of ours: put off as any other, else it would be met again each second, and for ever.
            bug(_log, "letter-not-written", notice=due.id, mailbox=due.mailbox)
            await self._save(due, TRY_LATER)
            return
        # Before it is sent: from then on its links may be opened, whatever happens to us.
        await self._store.transact(
            lambda tx: tx.notices.mint(due.id, token_hash(opens), token_hash(stops), mail.mail_id)
        )
        reply = await self._courier.bring(LetterKind.NOTICE, Address(due.mailbox, due.mailbox), mail)
        state = await self._save(due, reply)
        event(_log, "notice", notice=due.id, pending=due.row, mailbox=due.mailbox, state=state, reply=str(reply))
        _notices.labels(state).inc()

    async def _letter(self, due: DueNotice, person: Person, row: Row, opens: str, stops: str) -> NoticeLetter:
        owner = without_tag(normal_form(row.recipient))
        withheld = await self._policies.withheld(Reach(addresses=frozenset({owner})))
        viewer = Viewer(0, due.mailbox, Role.USER, Reach(addresses=frozenset({owner})), withheld=withheld)
        content = viewer.may(Right.READ_CONTENT)

        def read(tx: NoticeTx) -> tuple[dict[str, tuple[str, str]], tuple[str, tuple[str, ...]]]:
            return wanted_by(tx, self._rules.base, due.mailbox, person), _named_by(tx, row, self._now())

        holds, (pattern, groups) = await self._store.look(read)
        plan = plan_of(holds)
        domain = normal_form(row.recipient).rpartition("@")[2]
        root = pages_of(self._rules.public_url, domain)
        return NoticeLetter(
            mailbox=due.mailbox,
            domain=domain,
            language=plan.language,
            time_zone=plan.time_zone,
            phrase=plan.phrase,
            row=row if content else replace(row, subject="", files=()),
            number=mail_number(self._number_key, row.id),
            body=await self._body(viewer, row.id, plan.language) if content else "",
            pattern=pattern,
            groups=groups,
            last=due.last,
            may_act=viewer.may(Right.MODERATE),
            may_list=viewer.may(Right.MODERATE) and viewer.may(Right.EDIT_LISTS),
            content=content,
            url=f"{root}/held/{opens}",
            stop=f"{root}/notice/stop/{stops}",
            console=f"{root}/console/",
        )

    async def _body(self, viewer: Viewer, row_id: int, language: str) -> str:
        """Return the beginning of the mail's text, cleaned; "" where there is none to be seen."""
        try:
            outline = await self._text.outline(viewer, row_id, self._marks_in(language))
        except (Unreadable, ContentGone, WrongContent, StoreDown):
            return ""
        return "" if outline is None else outline.beginning(LONGEST_BODY)

    async def _save(self, due: DueNotice, reply: Reply) -> str:
        now = self._now()
        again = letter_again(NOTICE, due.attempts + 1, due.created_at, now) if reply.temporary else None
        if again is not None:
            await self._store.transact(lambda tx: tx.notices.put_off(due.id, str(reply), again, now))
            return "queued"
        state = "sent" if reply.accepted else "refused"
        await self._store.transact(lambda tx: tx.notices.finish(due.id, state, str(reply), now))
        return state


def choice_of(tx: NoticeTx, owner: str) -> str:
    """Return what holds for an address. Who switched them off himself has none, whatever is locked above him."""
    return _choice_of(tx, owner).value


def _chosen_at(tx: NoticeTx, owner: str, level: Level) -> float:
    """Return when a level last chose what holds for an address; 0.0 for one that chose nothing."""
    scope = dict(zip((Level.SITE, Level.DOMAIN, Level.USER), levels_above(owner), strict=True)).get(level)
    chosen = () if scope is None else tx.policies.chosen(scope)
    return next((one.at for one in chosen if one.setting is PolicySetting.NOTICES), 0.0)


def _choice_of(tx: NoticeTx, owner: str) -> Effective:
    choices = tx.policies.choices(levels_above(owner))
    own = next((one for one in choices if one.scope == owner and one.setting is PolicySetting.NOTICES), None)
    if own is not None and own.value == OFF:
        return Effective(OFF, Level.USER)
    return merged({PolicySetting.NOTICES: OFF}, owner, choices)[PolicySetting.NOTICES]


def _loops(tx: NoticeTx, row: Row) -> bool:
    if not row.sender:
        return True
    return may_loop(read_message(header.split(tx.reading.head(row.message_id, HEAD))).automatic)


def _named_by(tx: NoticeTx, row: Row, now: float) -> tuple[str, tuple[str, ...]]:
    """Return the pattern of the entry that names the sender, and what it leaves open."""
    senders = tuple(dict.fromkeys(Address.of(one) for one in (row.sender, row.author) if one))
    sources = (row.source,) if row.source else ()
    entry = winner(tx.lists.entries(patterns_of(senders, sources)), senders, Address.of(row.recipient), sources, now)
    if entry is None:
        return "", ()
    parts = (matched_parts(entry.pattern, sender) for sender in senders)
    return entry.pattern, next(filter(None, parts), ())
