"""Machine mail: one tap lets its source in, whatever bounce address it bears, and no forger with it."""

from __future__ import annotations

import pytest

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.evidence import NO_EVIDENCE, Dkim, Evidence, Method, Proof, Result, Spf
from gateway.domain.lists import Verdict
from gateway.domain.reply import Reply
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.moderate import NO_SOURCE, UNVOUCHED, Action, Breadth
from gateway.flow.sources import NoSource, Sources, Unvouched
from tests.unit.flow.world import JOE, KIM, World, letter

SHOP = Evidence(
    spf=Spf(Result.PASS, "bounce.esp.example"),
    dkim=(Dkim(Result.PASS, "shop.example", "s1"), Dkim(Result.PASS, "esp.example", "s2")),
    proofs=(Proof(Method.DKIM, "shop.example"),),
)
EVIL = Evidence(
    spf=Spf(Result.PASS, "evil.example"),
    dkim=(Dkim(Result.PASS, "evil.example", "s1"),),
    proofs=(Proof(Method.DKIM, "evil.example"), Proof(Method.SPF, "evil.example")),
    reverse_path_proven=True,
)
LIST_ID = "List-Id: Our news <News.Shop.example>"
VIEWER = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
ADMIN = Viewer(2, "root", Role.SITE_ADMIN, Reach(site=True))


async def newsletter(
    world: World,
    subject: str,
    *more: str,
    to: Address = JOE,
    author: str = "no-reply@shop.example",
    evidence: Evidence = SHOP,
    sender: Address | None = None,
) -> Reply:
    world.checks.by_subject[subject] = evidence
    bounce = sender or Address.of(f"bounce-{abs(hash(subject))}@bounce.esp.example")
    return await world.arrive(letter(subject, *more, to=to.text, sender=author), to, sender=bounce)


def sources(world: World) -> Sources:
    return Sources(world.store, now=world.clock.now, wake_deliveries=lambda: world.woken.append("deliveries"))


async def row_of(world: World, subject: str) -> int:
    return next(row.id for row in await world.pending() if row.subject == subject)


async def stored(world: World) -> list[tuple[str, str, str, str]]:
    found = await world.store.look(lambda tx: tx.entries.of_patterns(["list:news.shop.example", "signed:shop.example"]))
    return [(one.verdict, one.pattern, one.scope, one.proof) for one in found]


async def test_accepted_list_lets_its_mail_in_at_any_bounce_address_and_releases_what_waits(world: World) -> None:
    await newsletter(world, "one", LIST_ID)
    await newsletter(world, "two", LIST_ID)
    await newsletter(world, "forged", LIST_ID, evidence=EVIL, author="a@evil.example")
    await newsletter(world, "unproven", LIST_ID, evidence=NO_EVIDENCE)
    await newsletter(world, "kim's", LIST_ID, to=KIM)
    world.woken.clear()
    settled = await sources(world).accept(VIEWER, await row_of(world, "one"))
    assert settled is not None
    assert len(settled.rows) == 2
    assert await world.by_subject() == {
        "one": "released", "two": "released", "forged": "pending", "unproven": "pending", "kim's": "pending",
    }  # fmt: skip
    assert await stored(world) == [("allow", "list:news.shop.example", "joe@example.org", "dkim:shop.example")]
    assert world.woken == ["deliveries"]
    assert await newsletter(world, "three", LIST_ID) == reply.OK
    assert await newsletter(world, "forged again", LIST_ID, evidence=EVIL, author="a@evil.example") == reply.HELD
    assert await newsletter(world, "kim's second", LIST_ID, to=KIM) == reply.HELD


async def test_accepted_source_without_a_list_is_known_by_who_signs_for_its_author(world: World) -> None:
    await newsletter(world, "receipt")
    await newsletter(world, "receipt 2", author="orders-noreply@shop.example")
    settled = await sources(world).accept(VIEWER, "signed:shop.example")
    assert settled is not None
    assert await stored(world) == [("allow", "signed:shop.example", "joe@example.org", "aligned")]
    assert set((await world.by_subject()).values()) == {"released"}
    assert await newsletter(world, "third", author="other@shop.example") == reply.OK
    # The same signer, for an author of somebody else.
    unaligned = Evidence(dkim=(Dkim(Result.PASS, "shop.example", "s1"),))
    assert await newsletter(world, "other", author="a@elm.example", evidence=unaligned) == reply.HELD


async def test_source_that_nobody_vouches_for_is_not_accepted(world: World) -> None:
    await newsletter(world, "one", LIST_ID, evidence=NO_EVIDENCE)
    with pytest.raises(Unvouched):
        await sources(world).accept(VIEWER, await row_of(world, "one"))
    with pytest.raises(Unvouched):
        await sources(world).accept(VIEWER, "list:news.shop.example")
    await newsletter(world, "proven", LIST_ID)
    await newsletter(world, "newest", LIST_ID, evidence=NO_EVIDENCE)
    assert await sources(world).accept(VIEWER, "list:news.shop.example")
    assert (await world.by_subject())["proven"] == "released"
    assert (await world.by_subject())["newest"] == "pending"


async def test_mail_of_a_person_has_no_source(world: World) -> None:
    await world.arrive(letter("hi"))
    with pytest.raises(NoSource):
        await sources(world).accept(VIEWER, await row_of(world, "hi"))
    # An automatic answer from a mailbox provider's user opens no door to all its users: no tap on a source means it.
    await newsletter(world, "away", "Auto-Submitted: auto-replied", author="bo@shop.example")
    assert await sources(world).accept(VIEWER, "signed:shop.example") is None
    await newsletter(
        world, "bounce", "Content-Type: multipart/report", author="mailer-daemon@shop.example", sender=NULL_PATH
    )
    with pytest.raises(NoSource):
        await sources(world).accept(VIEWER, await row_of(world, "bounce"))


async def test_refused_source_is_dropped_and_never_comes_again(world: World) -> None:
    await newsletter(world, "one", LIST_ID)
    await newsletter(world, "unproven", LIST_ID, evidence=NO_EVIDENCE)
    settled = await sources(world).refuse(VIEWER, await row_of(world, "one"))
    assert settled is not None
    assert settled.entries[0].verdict is Verdict.DENY
    assert set((await world.by_subject()).values()) == {"blocked"}
    assert await newsletter(world, "two", LIST_ID) == reply.REFUSED_BY_POLICY


async def test_source_in_foreign_reach_is_as_if_it_were_not_there(world: World) -> None:
    await newsletter(world, "kim's", LIST_ID, to=KIM)
    row = await row_of(world, "kim's")
    assert await sources(world).accept(VIEWER, row) is None
    assert await sources(world).accept(VIEWER, "list:news.shop.example") is None
    assert await sources(world).accept(VIEWER, "nonsense") is None
    assert await sources(world).accept(VIEWER, 999) is None
    await newsletter(world, "one", LIST_ID)
    row = await row_of(world, "one")
    for scope in ("", "@example.org", "kim@example.org"):
        assert await sources(world).accept(VIEWER, row, scope) is None
    looking = Viewer(1, "a", Role.AUDITOR, Reach(site=True))
    assert not looking.may(Right.EDIT_LISTS)
    assert await sources(world).accept(looking, row) is None
    assert await stored(world) == []


async def test_admin_accepts_for_the_scope_he_names_or_for_the_domain(world: World) -> None:
    await newsletter(world, "joe's", LIST_ID)
    await newsletter(world, "kim's", LIST_ID, to=KIM)
    settled = await sources(world).accept(ADMIN, await row_of(world, "joe's"), "")
    assert settled is not None
    assert [entry.scope for entry in settled.entries] == [""]
    assert set((await world.by_subject()).values()) == {"released"}
    await newsletter(world, "receipt")
    settled = await sources(world).accept(ADMIN, "signed:shop.example")
    assert settled is not None
    assert [entry.scope for entry in settled.entries] == ["@example.org"]


async def test_row_that_was_settled_is_not_settled_again(world: World) -> None:
    await newsletter(world, "one", LIST_ID)
    row = await row_of(world, "one")
    assert await sources(world).accept(VIEWER, row)
    assert await sources(world).refuse(VIEWER, row) is None


# --- breadth ---


async def test_authorize_of_a_domain_lets_in_everybody_there_who_is_as_well_proven(world: World) -> None:
    for number in range(3):
        await world.arrive(
            letter(f"n{number}", sender=f"n{number}@oak.example"), sender=Address.of(f"n{number}@oak.example")
        )
    await world.arrive(letter("kim's", to=KIM.text), KIM)
    world.checks.evidence = NO_EVIDENCE
    await world.arrive(letter("forged"), sender=Address.of("x@oak.example"))
    await world.arrive(letter("elsewhere", sender="a@notoak.example"), sender=Address.of("a@notoak.example"))
    first = await row_of(world, "n0")
    await world.moderator().act(Action.AUTHORIZE, [first], "joe", Breadth.DOMAIN)
    assert await world.by_subject() == {
        "n0": "released", "n1": "released", "n2": "released", "kim's": "pending", "forged": "pending",
        "elsewhere": "pending",
    }  # fmt: skip
    assert await world.entries() == {("@oak.example", "joe@example.org", "dkim:oak.example spf:oak.example")}


async def test_blacklist_of_a_domain_drops_what_waits_from_there(world: World) -> None:
    await world.arrive(letter("one"))
    await world.arrive(letter("two", sender="b_%@oak.example"), sender=Address.of("b_%@oak.example"))
    await world.moderator().act(Action.BLACKLIST, [await row_of(world, "one")], "joe", Breadth.DOMAIN)
    assert set((await world.by_subject()).values()) == {"blocked"}
    assert await world.arrive(letter("three", sender="c@oak.example"), sender=Address.of("c@oak.example")) == (
        reply.REFUSED_BY_POLICY
    )


async def test_authorize_of_a_source_is_that_of_the_machine_lane(world: World) -> None:
    await newsletter(world, "one", LIST_ID)
    await newsletter(world, "two", LIST_ID)
    (done,) = await world.moderator().act(Action.AUTHORIZE, [await row_of(world, "one")], "joe", Breadth.SOURCE)
    assert done.problem == ""
    assert set((await world.by_subject()).values()) == {"released"}
    assert await newsletter(world, "three", LIST_ID) == reply.OK


async def test_authorize_of_a_source_that_cannot_be_says_why_and_moves_nothing(world: World) -> None:
    await world.arrive(letter("hi"))
    await newsletter(world, "unproven", LIST_ID, evidence=NO_EVIDENCE)
    ids = [await row_of(world, "hi"), await row_of(world, "unproven")]
    done = await world.moderator().act(Action.AUTHORIZE, ids, "joe", Breadth.SOURCE)
    assert [one.problem for one in done] == [NO_SOURCE, UNVOUCHED]
    assert set((await world.by_subject()).values()) == {"pending"}
    assert await stored(world) == []


async def test_signed_receipt_from_an_address_like_a_person_s_can_be_accepted_by_who_reads_it(world: World) -> None:
    receipt = ("Auto-Submitted: auto-generated",)
    await newsletter(world, "one", *receipt, author="orders@shop.example")
    await newsletter(world, "two", *receipt, author="invoices@mail.shop.example")
    await newsletter(world, "forged", *receipt, author="orders@shop.example", evidence=EVIL)
    await newsletter(world, "a person", author="eve@evil.example", evidence=EVIL)
    moderator = world.moderator()
    (done,) = await moderator.act(Action.AUTHORIZE, [await row_of(world, "one")], "joe@example.org", Breadth.SOURCE)
    assert done.problem == ""
    assert await stored(world) == [("allow", "signed:shop.example", "joe@example.org", "aligned")]
    assert await world.by_subject() == {
        "one": "released", "two": "pending", "forged": "pending", "a person": "pending",
    }  # fmt: skip
    assert await newsletter(world, "three", *receipt, author="orders@shop.example") == reply.OK
    # What a person wrote has no source, whoever signed it.
    (done,) = await moderator.act(
        Action.AUTHORIZE, [await row_of(world, "a person")], "joe@example.org", Breadth.SOURCE
    )
    assert done.problem == NO_SOURCE
    settled = await sources(world).refuse(VIEWER, await row_of(world, "two"))
    assert settled is not None
    assert len(settled.rows) == 1
