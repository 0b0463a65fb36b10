"""Where machine mail comes from, and what an entry for it asks for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.entry_words import demand, for_whom, whom
from gateway.domain.evidence import NO_EVIDENCE, Dkim, Evidence, Method, Proof, Result, Spf
from gateway.domain.explain import explain
from gateway.domain.lists import (
    ALIGNED,
    UNPROVEN,
    Entry,
    Verdict,
    merge_entries,
    merge_proofs,
    normal_list_id,
    parse_pattern,
    patterns_of,
    winner,
)
from gateway.domain.policy import Disposition, Policy, Reason, decide
from gateway.domain.sources import (
    identities,
    owns,
    proof_of_source,
    source_keys,
    source_of,
    source_to_settle,
    vouching_for_source,
)
from tests.unit.domain.letters import ANNA, DKIM_OAK, JOE, SPF_OAK, allow, deny, letter, seen

NEWS = "list:news.shop.example"
SHOP = Proof(Method.DKIM, "shop.example")


def evidence(
    *signers: str, spf: str = "", helo: bool = False, vouched: tuple[Proof, ...] = (), bad: str = ""
) -> Evidence:
    dkim = [Dkim(Result.PASS, name, "s") for name in signers]
    if bad:
        dkim.append(Dkim(Result.FAIL, bad, "s"))
    return Evidence(
        spf=Spf(Result.PASS, spf, helo) if spf else Spf(Result.FAIL, "x.example"), dkim=tuple(dkim), proofs=vouched
    )


# --- what names a source ---


@pytest.mark.parametrize(
    ("lines", "list_id"),
    [
        (("List-Id: Our news <News.Shop.example>",), "news.shop.example"),
        (("List-ID: <a.b>",), "a.b"),
        (("list-id: bare.shop.example",), "bare.shop.example"),
        (("List-Id: (a comment <x.y>) words <news.shop.example> (more)",), "news.shop.example"),
        (("List-Id: =?utf-8?q?N=C3=A9ws?= <news.shop.example>",), "news.shop.example"),
        (("List-Id:\r\n <news.shop.example>",), "news.shop.example"),
        (("List-Id: <nodot>",), ""),
        (("List-Id: <a b.c>",), ""),
        (("List-Id: <a..b>",), ""),
        (("List-Id: <>",), ""),
        (("List-Id:",), ""),
        (("List-Id: <n\u00e9ws.shop.example>",), ""),
        (("List-Id: <a.b>", "List-Id: <c.d>"), ""),
        (("List-Id: <a.b>", "no field at all"), ""),
        ((), ""),
        (("List-Id: <" + "a" * 250 + ".b.cd>",), "a" * 250 + ".b.cd"),
        (("List-Id: <" + "a" * 251 + ".b.cd>",), ""),
    ],
)
def test_list_id_is_read_from_the_one_field_that_names_it(lines: tuple[str, ...], list_id: str) -> None:
    assert letter(*lines).list_id == list_id


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("list:News.Shop.example", NEWS),
        ("LIST:<news.shop.example>", NEWS),
        ("list: news.shop.example", None),
        ("signed:Shop.Example.", "signed:shop.example"),
        ("Signed:b\u00fccher.example", "signed:xn--bcher-kva.example"),
        ("signed:com", None),
        ("signed:", None),
        ("signed:*.shop.example", None),
        ("list:", None),
        ("list:nodot", None),
        ("list:*", None),
        ("list:x@shop.example", "list:x@shop.example"),
        ("other:shop.example", None),
    ],
)
def test_parse_pattern_knows_lists_and_signers(text: str, pattern: str | None) -> None:
    if pattern is None:
        with pytest.raises(ValueError, match=r"list|domain"):
            parse_pattern(text)
    else:
        assert parse_pattern(text) == pattern


@given(st.text(max_size=40))
def test_normal_list_id_of_any_text_is_itself_again_or_nothing(text: str) -> None:
    name = normal_list_id(text)
    assert normal_list_id(name) == name
    assert name == "" or "." in name


def test_source_keys_are_the_list_and_each_good_signer_once() -> None:
    found = evidence("shop.example", "esp.example", "shop.example", "", bad="evil.example")
    assert source_keys("news.shop.example", found) == (NEWS, "signed:shop.example", "signed:esp.example")
    assert source_keys("", NO_EVIDENCE) == ()


@pytest.mark.parametrize(
    ("lines", "author", "vouched", "source"),
    [
        (("List-Id: <news.shop.example>",), "a@shop.example", (), NEWS),
        (("Precedence: bulk",), "a@shop.example", (SHOP,), "signed:shop.example"),
        (("List-Unsubscribe: <x>",), "a@shop.example", (SHOP,), "signed:shop.example"),
        (("Precedence: bulk",), "a@shop.example", (), ""),
        (("Precedence: bulk",), "a@shop.example", (Proof(Method.SPF, "shop.example"),), ""),
        ((), "no-reply@shop.example", (SHOP,), "signed:shop.example"),
        (("Auto-Submitted: auto-generated",), "no-reply@shop.example", (SHOP,), "signed:shop.example"),
        (("Auto-Submitted: auto-replied",), "bo@mailbox.example", (SHOP,), ""),
        (("Content-Type: multipart/report",), "mailer-daemon@shop.example", (SHOP,), ""),
        ((), "bo@shop.example", (SHOP,), ""),
        (("From: second@x.example",), "a@shop.example", (SHOP,), ""),
    ],
)
def test_source_of_a_mail_is_its_list_or_who_signs_for_a_machine(
    lines: tuple[str, ...], author: str, vouched: tuple[Proof, ...], source: str
) -> None:
    from gateway.domain.message import read_message
    from tests.unit.domain.letters import head_of

    message = read_message(head_of(f"From: {author}", *lines))
    assert source_of(message, Evidence(proofs=vouched)) == source


# --- what an entry for it demands ---


@pytest.mark.parametrize(
    ("key", "found", "proof"),
    [
        (NEWS, evidence("shop.example", "esp.example", vouched=(SHOP,)), "dkim:shop.example"),
        (NEWS, evidence("news.shop.example", spf="shop.example"), "dkim:news.shop.example spf:shop.example"),
        (NEWS, evidence("writer.example", spf="lists.shop.example", vouched=(Proof(Method.DKIM, "writer.example"),)),
         "dkim:writer.example"),
        ("list:dev.lists.oak.example", evidence("writer.example", spf="lists.oak.example",
         vouched=(Proof(Method.DKIM, "writer.example"),)), "spf:lists.oak.example"),
        ("list:1.xt.local", evidence("esp.example", "shop.example", vouched=(SHOP,)), "dkim:shop.example"),
        ("list:1.xt.local", evidence("esp.example", spf="b.esp.example"), "dkim:esp.example"),
        ("list:1.xt.local", evidence(spf="b.esp.example"), "spf:b.esp.example"),
        ("list:1.xt.local", evidence(spf="helo.esp.example", helo=True), ""),
        ("list:1.xt.local", NO_EVIDENCE, ""),
        ("signed:shop.example", evidence("shop.example", vouched=(SHOP,)), "aligned"),
        ("signed:shop.example", evidence("shop.example"), ""),
        ("signed:esp.example", evidence("esp.example", vouched=(SHOP,)), ""),
    ],
)  # fmt: skip
def test_proof_of_source_is_the_narrowest_that_stays_the_same(key: str, found: Evidence, proof: str) -> None:
    assert proof_of_source(key, found) == proof


def test_owns_is_the_name_itself_or_what_lies_below_and_never_a_top_level() -> None:
    assert owns("shop.example", "shop.example")
    assert owns("shop.example", "news.shop.example")
    assert not owns("shop.example", "notshop.example")
    assert not owns("news.shop.example", "shop.example")
    assert not owns("example", "news.shop.example")


def test_identities_are_all_that_passed_and_no_greeting() -> None:
    assert identities(evidence("a.example", spf="b.example")) == (
        Proof(Method.DKIM, "a.example"),
        Proof(Method.SPF, "b.example"),
    )
    assert identities(evidence(spf="b.example", helo=True)) == ()
    assert identities(NO_EVIDENCE) == ()


@pytest.mark.parametrize(
    ("pattern", "proof", "found", "good"),
    [
        # The forger writes the same List-Id and has a domain of his own.
        (NEWS, ALIGNED, evidence("evil.example", spf="evil.example", vouched=(Proof(Method.DKIM, "evil.example"),)), False),
        (NEWS, ALIGNED, evidence("shop.example"), True),
        (NEWS, ALIGNED, evidence(spf="shop.example"), True),
        (NEWS, ALIGNED, NO_EVIDENCE, False),
        (NEWS, UNPROVEN, NO_EVIDENCE, True),
        (NEWS, "dkim:esp.example", evidence("esp.example"), True),
        (NEWS, "dkim:esp.example", evidence("shop.example"), False),
        (NEWS, "spf:shop.example", evidence("shop.example"), True),
        # Whoever buys a signature of a service that signs for everybody is not let in by its name.
        ("signed:esp.example", ALIGNED, evidence("esp.example"), False),
        ("signed:esp.example", ALIGNED, evidence("esp.example", vouched=(Proof(Method.DKIM, "esp.example"),)), True),
        ("signed:esp.example", UNPROVEN, evidence("esp.example"), True),
        ("signed:shop.example", "dkim:shop.example", evidence("shop.example", vouched=(SHOP,)), True),
        ("signed:shop.example", ALIGNED, evidence("shop.example", vouched=(Proof(Method.SPF, "shop.example"),)), False),
    ],
)  # fmt: skip
def test_entry_for_a_source_holds_only_with_its_proof(pattern: str, proof: str, found: Evidence, good: bool) -> None:
    entry = allow(pattern, proof=proof)
    assert entry.names_source
    assert entry.satisfied_by(vouching_for_source(entry, found), "") is good
    decision = decide(Policy(), seen(entry=entry, evidence=found, message=letter("List-Id: <news.shop.example>")))
    assert (decision.disposition is Disposition.DELIVER) is good
    assert (decision.reason is Reason.ALLOWLIST) is good


def test_forged_list_is_held_and_a_denied_one_refused() -> None:
    message = letter("List-Id: <news.shop.example>")
    forged = decide(Policy(), seen(entry=allow(NEWS), message=message))
    assert forged.disposition is Disposition.HOLD
    assert decide(Policy(), seen(entry=deny(NEWS), message=message)).reason is Reason.DENYLIST


# --- precedence ---

LADDER = ("anna@oak.example", "list:a.oak.example", "@oak.example", "signed:oak.example", "@.example")
SOURCES = ("list:a.oak.example", "signed:oak.example")


def test_winner_is_the_address_then_the_list_the_domain_the_signer_and_those_above() -> None:
    ladder = [
        Entry(verdict, pattern, scope)
        for scope in ("joe@example.org", "@example.org", "")
        for pattern in LADDER
        for verdict in (Verdict.DENY, Verdict.ALLOW)
    ]
    for first, second in itertools.combinations(ladder, 2):
        assert winner([first, second], (ANNA,), JOE, SOURCES) == first
        assert winner([second, first], (ANNA,), JOE, SOURCES) == first


def test_winner_looks_at_sources_only_where_the_mail_bears_them() -> None:
    assert winner([allow("list:a.oak.example")], (ANNA,), JOE) is None
    assert winner([allow("list:b.oak.example")], (ANNA,), JOE, SOURCES) is None
    assert winner([allow("signed:oak.example")], (), JOE, SOURCES) is not None


def test_entry_that_has_expired_decides_nothing_from_that_moment_on() -> None:
    entry = Entry(Verdict.DENY, "anna@oak.example", "", expires_at=100.0)
    assert winner([entry, allow("@oak.example")], (ANNA,), JOE, now=99.9) == entry
    assert winner([entry, allow("@oak.example")], (ANNA,), JOE, now=100.0) == allow("@oak.example")


def test_patterns_of_a_mail_are_all_that_may_name_it_each_once() -> None:
    assert patterns_of((ANNA, ANNA), SOURCES) == ("anna@oak.example", "@oak.example", "@.example", *SOURCES)
    assert patterns_of(()) == ()


# --- entries made twice ---


@pytest.mark.parametrize(
    ("old", "new", "proof", "expires"),
    [
        (("aligned", None), ("none", None), "none", None),
        (("aligned", 200.0), ("aligned", None), "aligned", None),
        (("aligned", None), ("aligned", 200.0), "aligned", None),
        (("dkim:a.example", 200.0), ("dkim:b.example", 300.0), "dkim:a.example dkim:b.example", 300.0),
        (("none", 50.0), ("aligned", 300.0), "aligned", 300.0),
        (("none", 50.0), ("aligned", None), "aligned", None),
    ],
)
def test_merged_entry_lets_in_as_much_for_as_long_unless_the_old_one_was_over(
    old: tuple[str, float | None], new: tuple[str, float | None], proof: str, expires: float | None
) -> None:
    first = Entry(Verdict.ALLOW, "anna@oak.example", "", old[0], 7, old[1])
    merged = merge_entries(first, Entry(Verdict.ALLOW, "anna@oak.example", "", new[0], 0, new[1]), 100.0)
    assert (merged.id, merged.proof, merged.expires_at) == (7, proof, expires)


def test_merge_proofs_keeps_the_wider_word() -> None:
    assert merge_proofs("dkim:a.example", ALIGNED) == ALIGNED


# --- words ---


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("anna@oak.example", "anna@oak.example"),
        ("@oak.example", "everybody at oak.example"),
        ("@.oak.example", "everybody at the sub-domains of oak.example"),
        (NEWS, "the list news.shop.example"),
        ("signed:oak.example", "mail signed by oak.example"),
    ],
)
def test_whom_says_whom_a_pattern_names(pattern: str, words: str) -> None:
    assert whom(pattern) == words


def test_for_whom_says_whose_mail_it_is() -> None:
    assert [for_whom(scope) for scope in ("", "@example.org", "joe@example.org")] == [
        "everybody",
        "everybody at example.org",
        "joe@example.org",
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (deny(), "Nothing is asked"),
        (allow(proof=UNPROVEN), "forges"),
        (allow(), "SPF or DKIM"),
        (allow(NEWS), "owner of the list"),
        (allow("signed:oak.example"), "author must be of this domain"),
        (
            allow(proof="dkim:oak.example spf:elm.example"),
            "a signature of oak.example or a server that may send for elm",
        ),
    ],
)
def test_demand_says_what_mail_must_prove(entry: Entry, words: str) -> None:
    assert words in demand(entry)


def test_explanation_of_an_entry_for_a_list_says_who_must_vouch() -> None:
    case = seen(entry=allow(NEWS), message=letter("List-Id: <news.shop.example>"))
    facts = explain(Policy(), case, decide(Policy(), case))
    assert any("if the owner of the list's name vouches" in fact.words for fact in facts)


@pytest.mark.parametrize(
    ("key", "by_machine", "proofs", "source"),
    [
        (NEWS, False, (), NEWS),
        ("", True, (DKIM_OAK,), "signed:oak.example"),
        ("", True, (SPF_OAK,), ""),
        ("", False, (DKIM_OAK,), ""),
        ("", True, (), ""),
    ],
)
def test_source_to_settle_is_its_own_or_who_signs_for_a_machine_s_author(
    key: str, by_machine: bool, proofs: tuple[Proof, ...], source: str
) -> None:
    assert source_to_settle(key, by_machine, Evidence(proofs=proofs)) == source
