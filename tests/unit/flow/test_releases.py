"""Requests of release: asked once, decided once, for one recipient; who asked hears who decided, and why."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.domain.reply import Reply
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.account_ports import Kind, NewAccount
from gateway.flow.moderate import Action
from gateway.flow.own_mail import OwnMail
from gateway.flow.release_mail import MOST_SHOWN, PAUSE
from gateway.flow.release_ports import AnswerLetter, AskLetter, RequestState
from gateway.flow.releases import MOST_OPEN, Asked
from tests.unit.flow.digest_desk import SIX, DigestDesk, read, secrets_in, text_of
from tests.unit.flow.world import DAY, JOE, KIM, NOW, World

JOES = Viewer(0, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})),
              withheld=frozenset({Right.MODERATE}))  # fmt: skip
EVE = Viewer(7, "eve", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})))
FAR = Viewer(8, "far", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"other.example"})))


@pytest.fixture
def desk(world: World) -> DigestDesk:
    return DigestDesk(world)


async def admin(desk: DigestDesk, role: Role, name: str, address: str = "", domain: str = "") -> int:
    addresses = ((address, Kind.OWN),) if address else ()
    new = NewAccount(name, role, "tests", NOW, addresses=addresses, domains=(domain,) if domain else ())
    return await desk.world.store.transact(lambda tx: tx.accounts.add(new))


async def held(desk: DigestDesk, subject: str = "Offer") -> int:
    await desk.arrive(subject, JOE, KIM)
    return next(one.id for one in await desk.world.pending() if one.recipient == JOE.text and one.subject == subject)


async def letters(desk: DigestDesk) -> list[tuple[str, str, str]]:
    """Let the worker work; return to whom it wrote, what about, and what."""
    before = len(desk.world.hop.taken)
    while await desk.release_mail().run_once():
        pass
    mails = [read(content) for _, content in desk.world.hop.taken[before:]]
    return [(mail["To"], mail["Subject"], text_of(mail)) for mail in mails]


async def test_request_goes_to_the_admin_of_the_domain_and_the_answer_to_who_asked(desk: DigestDesk) -> None:
    await admin(desk, Role.SITE_ADMIN, "root", "root@example.org")
    await admin(desk, Role.DOMAIN_ADMIN, "far", "far@example.org", "other.example")
    await admin(desk, Role.DOMAIN_ADMIN, "eve", "eve@example.org", "example.org")
    row = await held(desk)
    assert await desk.releases().ask(JOES, row, "I wait  for\nthis.") is Asked.SENT
    ((to, subject, text),) = await letters(desk)
    assert (to, subject) == ("eve@example.org", "1 request to release a message")
    assert "Asked for by joe@example.org. In these words: I wait for this." in " ".join(text.split())
    assert "https://gw.example.org/console/requests/1" in text
    decided = await desk.releases().refuse(EVE, 1, "It bears a virus.")
    assert decided is not None
    assert decided.done
    ((to, subject, text),) = await letters(desk)
    assert (to, subject) == ("joe@example.org", "The message you asked for was not released")
    assert "eve says: It bears a virus." in text
    assert await desk.world.states() == {JOE.text: "pending", KIM.text: "pending"}
    request = await desk.releases().of_mail(JOES, row)
    assert request is not None
    assert (request.state, request.decided_by, request.why) == (RequestState.REFUSED, "eve", "It bears a virus.")
    written = (await desk.world.dump())["letter"]
    assert [(line[2], line[4]) for line in written] == [("request", "eve@example.org"), ("answer", "joe@example.org")]


async def test_release_reaches_this_recipient_only_and_once(desk: DigestDesk) -> None:
    await admin(desk, Role.DOMAIN_ADMIN, "eve", "eve@example.org", "example.org")
    row = await held(desk)
    await desk.releases().ask(JOES, row)
    done = await asyncio.gather(*(desk.releases().release(EVE, 1, "clean") for _ in range(10)))
    assert sum(one is not None and one.done for one in done) == 1
    assert await desk.world.states() == {JOE.text: "released", KIM.text: "pending"}
    ((to, subject, text),) = await letters(desk)
    assert (to, subject) == ("joe@example.org", "The message you asked for was released")
    assert "eve released it." in text
    late = await desk.releases().refuse(EVE, 1)
    assert late is not None
    assert not late.done


async def test_asking_twice_makes_one_request_and_none_after_a_refusal(desk: DigestDesk) -> None:
    row = await held(desk)
    asked = await asyncio.gather(*(desk.releases().ask(JOES, row) for _ in range(5)))
    assert sorted(one.value for one in asked if one) == ["again"] * 4 + ["sent"]
    await desk.releases().refuse(EVE, 1)
    assert await desk.releases().ask(JOES, row) is Asked.REFUSED
    page = await desk.releases().page(EVE, None)
    assert page is not None
    assert len(page[0]) == 1


async def test_who_may_let_it_go_or_has_nothing_to_do_with_it_asks_nobody(desk: DigestDesk) -> None:
    row = await held(desk)
    kim = replace(JOES, name=KIM.text, reach=Reach(addresses=frozenset({"someone@example.org"})))
    looks = replace(JOES, looks_as="joe@example.org")
    auditor = Viewer(9, "ann", Role.AUDITOR, Reach(site=True))
    for viewer in (replace(JOES, withheld=frozenset()), kim, looks, auditor, EVE):
        assert await desk.releases().ask(viewer, row) is None
    assert await desk.releases().ask(JOES, 999) is None
    assert await desk.releases().ask_for(JOES, row) is None
    assert await desk.releases().of_mail(kim, row) is None
    assert await letters(desk) == []


async def test_request_is_seen_and_decided_within_reach_only(desk: DigestDesk) -> None:
    row = await held(desk)
    await desk.releases().ask(JOES, row)
    assert await desk.releases().one(EVE, 1) is not None
    for viewer in (FAR, JOES):
        assert await desk.releases().one(viewer, 1) is None
        assert await desk.releases().release(viewer, 1) is None
        assert await desk.releases().refuse(viewer, 1) is None
    auditor = Viewer(9, "ann", Role.AUDITOR, Reach(site=True))
    case = await desk.releases().one(auditor, 1)
    assert case is not None
    assert case.mail is not None
    assert case.mail.subject == ""
    assert await desk.releases().release(auditor, 1) is None
    assert (await desk.world.states())[JOE.text] == "pending"
    assert await desk.releases().open_by_domain() == {"example.org": 1}


async def test_copy_is_noted_for_who_may_decide_only(desk: DigestDesk) -> None:
    await admin(desk, Role.DOMAIN_ADMIN, "eve", "eve@example.org", "example.org")
    row = await held(desk)
    await desk.releases().ask(JOES, row)
    for viewer, noted in ((FAR, ""), (JOES, ""), (EVE, "eve")):
        await desk.releases().inspected(viewer, 1)
        request = await desk.releases().of_mail(JOES, row)
        assert request is not None
        assert request.inspected_by == noted


async def test_recipient_has_no_end_of_requests(desk: DigestDesk) -> None:
    rows = [await held(desk, f"No {number}") for number in range(MOST_OPEN + 1)]
    asked = [await desk.releases().ask(JOES, row) for row in rows]
    assert asked == [Asked.SENT] * MOST_OPEN + [Asked.LIMITED]


async def test_many_requests_come_to_the_admin_in_few_mails(desk: DigestDesk) -> None:
    await admin(desk, Role.DOMAIN_ADMIN, "eve", "eve@example.org", "example.org")
    await desk.releases().ask(JOES, await held(desk, "First"))
    assert len(await letters(desk)) == 1
    for number in range(3):
        await desk.releases().ask(JOES, await held(desk, f"No {number}"))
    assert await letters(desk) == []
    desk.world.clock.at += PAUSE
    ((_, subject, text),) = await letters(desk)
    assert subject == "3 requests to release messages"
    assert text.count("/console/requests/") == 3
    assert MOST_SHOWN >= 3


async def test_site_admin_is_asked_where_no_domain_admin_has_a_mailbox_and_nobody_is_said(desk: DigestDesk) -> None:
    await admin(desk, Role.DOMAIN_ADMIN, "eve", "", "example.org")
    await desk.releases().ask(JOES, await held(desk))
    case = await desk.releases().one(EVE, 1)
    assert case is not None
    assert case.nobody_told
    assert await letters(desk) == []
    await admin(desk, Role.SITE_ADMIN, "root", "root@example.org")
    await desk.releases().ask(JOES, await held(desk, "Second"))
    assert [to for to, *_ in await letters(desk)] == ["root@example.org"]


async def test_request_ends_with_its_mail(desk: DigestDesk) -> None:
    row, other = await held(desk), await held(desk, "Other")
    await desk.releases().ask(JOES, row)
    await desk.releases().ask(JOES, other)
    await desk.world.moderator().act(Action.DELETE, [row], "eve")
    await desk.world.moderator().act(Action.DELIVER, [other], "eve")
    subjects = {subject for _, subject, _ in await letters(desk)}
    assert subjects == {"The message you asked for is no longer waiting", "The message you asked for was released"}
    found = [await desk.releases().of_mail(EVE, one) for one in (row, other)]
    assert [(one.state, one.decided_by) for one in found if one] == [
        (RequestState.ENDED, "eve"), (RequestState.RELEASED, "eve"),
    ]  # fmt: skip
    late = await desk.releases().release(EVE, 1)
    assert late is not None
    assert not late.done


async def test_mail_that_cannot_go_now_is_tried_again_and_its_refusal_is_seen(desk: DigestDesk) -> None:
    await admin(desk, Role.DOMAIN_ADMIN, "eve", "eve@example.org", "example.org")
    desk.world.hop.answers["eve@example.org"] = Reply(451, "4.3.0", "later")
    await desk.releases().ask(JOES, await held(desk))
    await letters(desk)
    desk.world.hop.answers["eve@example.org"] = Reply(550, "5.1.1", "no such user")
    desk.world.clock.at += DAY
    await letters(desk)
    case = await desk.releases().one(EVE, 1)
    assert case is not None
    assert [(one.mailbox, one.state) for one in case.told] == [("eve@example.org", "refused")]
    assert case.nobody_told


# --- by number alone ---


async def test_number_alone_asks_and_says_the_same_whatever_it_is(desk: DigestDesk) -> None:
    await admin(desk, Role.DOMAIN_ADMIN, "eve", "eve@example.org", "example.org")
    row = await held(desk)
    for text in ("", "1", "x" * 500, f"{row}-aaaaaaaa", "999-" + desk.releases().number(row)[-8:]):
        await desk.releases().knock(text)
    assert await letters(desk) == []
    assert await desk.releases().of_mail(JOES, row) is None
    for _ in range(3):
        await desk.releases().knock(desk.releases().number(row))
    ((to, _, text),) = await letters(desk)
    assert to == "eve@example.org"
    assert "somebody who knows the number" in text
    await desk.releases().refuse(EVE, 1, "no")
    ((to, *_),) = await letters(desk)
    assert to == "joe@example.org"


async def test_holder_of_a_digest_s_link_asks_for_his_mail(desk: DigestDesk) -> None:
    desk.on()
    desk.policies.taken = frozenset({Right.MODERATE})
    await held(desk)
    mails = {mail["To"]: mail for mail in await desk.until(SIX)}
    mail = await desk.links().look(secrets_in(mails[JOE.text])[0])
    assert mail is not None
    assert not mail.may(Action.DELIVER)
    assert await desk.releases().ask(mail.viewer, mail.row.id) is Asked.SENT
    request = await desk.releases().of_mail(mail.viewer, mail.row.id)
    assert request is not None
    assert request.answer_to == JOE.text


class Wordless(DigestDesk):
    """Cannot write at first."""

    broken = True

    async def compose_release(self, told: AskLetter | AnswerLetter, now: float) -> OwnMail:
        if self.broken:
            raise ValueError("not as it should be")
        return await super().compose_release(told, now)


async def test_mail_about_a_request_that_cannot_be_written_is_put_off(world: World) -> None:
    desk = Wordless(world)
    await admin(desk, Role.DOMAIN_ADMIN, "eve", "eve@example.org", "example.org")
    row = await held(desk)
    assert await desk.releases().ask(JOES, row) is Asked.SENT
    assert await letters(desk) == []
    desk.broken = False
    assert await letters(desk) == []
    world.clock.at += 61
    assert [to for to, *_ in await letters(desk)] == ["eve@example.org"]
