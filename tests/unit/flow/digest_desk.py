"""Digests in the small world: the real services and store, a hop that remembers what it took."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from gateway.domain.address import Address
from gateway.domain.outline import Marks, Outline, Piece
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.account_ports import Kind, NewAccount
from gateway.flow.courier import Courier
from gateway.flow.describe import Describer
from gateway.flow.digest_ports import DigestLetter, Wanted
from gateway.flow.digests import Digests
from gateway.flow.held_links import HeldLinks
from gateway.flow.letter_book import LetterBook
from gateway.flow.notice_ports import NoticeLetter
from gateway.flow.notices import Notices
from gateway.flow.own_mail import OwnMail
from gateway.flow.release_mail import ReleaseMail
from gateway.flow.release_ports import AnswerLetter, AskLetter
from gateway.flow.releases import Releases
from gateway.relay.digest_letter import DigestTemplates, compose_digest
from gateway.relay.letter import Desk
from gateway.relay.notice_letter import NoticeTemplates, compose_notice
from gateway.relay.release_letter import AnswerTemplates, AskTemplates, compose_answer, compose_ask
from tests.unit.flow.world import KEY, NOW, World, letter

SIX = NOW - NOW % 86_400 + (24 + 18) * 3600.0
"""The first 18:00 UTC after NOW."""
TEMPLATES = Path(__file__).parents[3] / "templates/mail"


@dataclass
class Policies:
    taken: frozenset[Right] = frozenset()

    async def withheld(self, reach: Reach) -> frozenset[Right]:
        return self.taken


@dataclass
class Reading:
    """Takes no mail apart: each says the same."""

    text: str

    async def outline(self, viewer: Viewer, row_id: int, marks: Marks) -> Outline | None:
        return Outline(pieces=(Piece(0, self.text),)) if viewer.may(Right.READ_CONTENT) else None


@dataclass
class DigestDesk:
    """What makes digests, and what came of it."""

    world: World
    policies: Policies = field(default_factory=Policies)
    letters: list[DigestLetter] = field(default_factory=list)
    drawn: int = 0

    def chance(self, octets: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(octets, "big")

    async def compose(self, told: DigestLetter, now: float) -> OwnMail:
        self.letters.append(told)
        mail_id = f"<d{len(self.letters)}@gw.example.org>"
        return compose_digest(DigestTemplates((TEMPLATES,)), told, Desk(), now, mail_id)

    def courier(self) -> Courier:
        world = self.world
        book = LetterBook(world.store, now=world.clock.now)
        domains = world.digests.domains
        return Courier(domains, world.hop_for, world.outside.bring, now=world.clock.now, mark_key=KEY, book=book)

    def digests(self) -> Digests:
        world = self.world
        return Digests(
            world.digests, world.store, self.policies, self.compose, self.courier(),
            now=world.clock.now, random_octets=self.chance,
        )  # fmt: skip

    def releases(self) -> Releases:
        woken = self.world.woken
        return Releases(
            self.world.store, number_key=KEY, now=self.world.clock.now,
            wake_letters=lambda: woken.append("letters"), wake_deliveries=lambda: woken.append("deliveries"),
        )  # fmt: skip

    def release_mail(self) -> ReleaseMail:
        world = self.world
        return ReleaseMail(
            world.digests, world.store, self.releases(), self.policies, self.compose_release, self.courier(),
            now=world.clock.now,
        )  # fmt: skip

    async def compose_release(self, told: AskLetter | AnswerLetter, now: float) -> OwnMail:
        if isinstance(told, AskLetter):
            return compose_ask(AskTemplates((TEMPLATES,)), told, Desk(), now, "<r@gw.example.org>")
        return compose_answer(AnswerTemplates((TEMPLATES,)), told, Desk(), now, "<r@gw.example.org>")

    def notices(self, text: str = "Dear Joe") -> Notices:
        world = self.world
        return Notices(
            world.digests, world.store, self.policies, Reading(text), self.compose_notice, self.courier(),
            marks_in=lambda tag: Marks(), number_key=KEY, now=world.clock.now, random_octets=self.chance,
        )  # fmt: skip

    async def compose_notice(self, told: NoticeLetter, now: float) -> OwnMail:
        return compose_notice(NoticeTemplates((TEMPLATES,)), told, Desk(), now, "<n@gw.example.org>")

    def links(self) -> HeldLinks:
        return HeldLinks(
            self.world.digests, self.world.store, self.policies,
            now=self.world.clock.now, wake_deliveries=lambda: self.world.woken.append("deliveries"),
        )  # fmt: skip

    def on(self, schedule: str = "daily@18", **more: str) -> None:
        self.world.digests = replace(self.world.digests, base=Wanted(schedule=schedule, time_zone="UTC", **more))

    async def choose(self, scope: str, **wanted: str) -> None:
        await self.world.store.transact(
            lambda tx: tx.digests.choose(scope, Wanted(**wanted), "tests", self.world.clock.at)
        )

    async def arrive(self, subject: str = "Hi", *recipients: Address, sender: str = "anna@oak.example") -> None:
        """A mail comes, and is put into the list."""
        named = ", ".join(each.text for each in recipients) or "joe@example.org"
        content = letter(subject, to=named, sender=sender)
        await self.world.arrive(content, *recipients, sender=Address.of(sender))
        await Describer(self.world.store).run_once()
        await self.work()

    async def account(self, name: str, *addresses: tuple[str, Kind], time_zone: str = "") -> int:
        new = NewAccount(name, Role.USER, "tests", NOW, time_zone=time_zone, addresses=addresses)
        return await self.world.store.transact(lambda tx: tx.accounts.add(new))

    async def work(self) -> None:
        """Let the worker work until it has nothing to do."""
        digests = self.digests()
        for _ in range(20):
            if not await digests.run_once():
                return
        raise AssertionError("the worker does not come to an end")

    async def until(self, at: float) -> list[EmailMessage]:
        """Let time pass; return the digests that went then."""
        before = len(self.world.hop.taken)
        self.world.clock.at = at
        await self.work()
        return [read(content) for _, content in self.world.hop.taken[before:]]

    def mails(self) -> list[EmailMessage]:
        return [read(content) for _, content in self.world.hop.taken]


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def secrets_in(mail: EmailMessage) -> list[str]:
    """Return the secrets of the mails in a digest, in its order."""
    return list(dict.fromkeys(re.findall(r"/held/([a-z2-9]{32})", text_of(mail))))


def stop_in(mail: EmailMessage) -> str:
    found = re.search(r"/digest/stop/([a-z2-9]{32})", text_of(mail))
    assert found is not None
    return found[1]


async def stuck(desk: DigestDesk) -> list[tuple[str, str]]:
    """Return the mailboxes whose digest could not be delivered, and what the server said."""
    found = await desk.world.store.look(lambda tx: tx.digests.stuck(None, "", 10))
    return [(one.mailbox, one.reply) for one in found]
