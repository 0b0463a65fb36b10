from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.address import NULL_PATH
from gateway.domain.challenge import Silence
from gateway.domain.evidence import NO_EVIDENCE, Dkim, Dmarc, Evidence, Result, Spf
from gateway.domain.expecting import Window
from gateway.domain.explain import REASONS, SILENCES, Fact, explain, proof_words
from gateway.domain.levels import Choice, PolicySetting, base_values, merged
from gateway.domain.lists import UNPROVEN
from gateway.domain.policy import Policy, Reason, Seen, decide
from tests.unit.domain.letters import DKIM_OAK, NET, PROVEN, SPF_OAK, allow, deny, letter, seen
from tests.unit.domain.test_policy import every_case


def facts(case: Seen) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    policy = Policy(days=14)
    for fact in explain(policy, case, decide(policy, case)):
        found.setdefault(fact.topic, []).append(fact.words)
    return found


def test_every_reason_and_every_silence_has_words() -> None:
    assert set(REASONS) == set(Reason)
    assert set(SILENCES) == set(Silence)
    assert all(words.endswith(".") for words in REASONS.values())
    assert not any(words.endswith(".") for words in SILENCES.values())


def test_explain_of_every_case_tells_decision_and_reason() -> None:
    for policy, case in every_case()[::97]:
        told = {fact.topic for fact in explain(policy, case, decide(policy, case))}
        assert {"recipient", "reverse-path", "author", "decision", "reason", "list entry", "vouched for by"} <= told


def test_explain_of_an_unknown_proven_sender_tells_who_vouches_and_that_it_is_asked() -> None:
    told = facts(seen())
    assert told["vouched for by"] == ["a signature of oak.example; a server that may send for oak.example"]
    assert told["SPF"] == ["pass for oak.example (MAIL FROM)"]
    assert told["DKIM"] == ["pass for oak.example"]
    assert told["DMARC"] == ["no policy published"]
    assert told["decision"] == ["hold for 14 days"]
    assert told["challenge"][0].startswith("the sender is asked")
    assert told["sender domain takes mail"] == ["yes"]
    assert told["evidence from"] == ["our own checks"]


def test_explain_of_an_unproven_null_path_tells_what_is_missing() -> None:
    case = seen(evidence=NO_EVIDENCE, reverse_path=NULL_PATH, message=replace(letter(), author=None, subject=""))
    told = facts(case)
    assert told["reverse-path"] == ["<> (null)"]
    assert told["author"][0].startswith("none")
    assert told["subject"] == ["(none)"]
    assert told["SPF"] == ["not known"]
    assert told["DKIM"] == ["no signature"]
    assert told["vouched for by"] == ["nobody"]
    assert told["reverse-path proven"] == ["no"]
    assert "sender domain takes mail" not in told
    assert told["challenge"] == ["none, for the null reverse-path has nobody to ask"]


def test_explain_of_taken_over_results_tells_every_method() -> None:
    evidence = Evidence(
        spf=Spf(Result.FAIL, "", of_helo=True),
        dkim=(Dkim(Result.POLICY, "oak.example", "s", "key of 512 bits"),),
        dmarc=Dmarc(Result.FAIL, "oak.example", "reject"),
        sender_domain_takes_mail=False,
        source="mx.example.org",
    )
    told = facts(seen(evidence=evidence))
    assert told["evidence from"] == ["mx.example.org"]
    assert told["SPF"] == ["fail for - (HELO)"]
    assert told["DKIM"] == ["policy for oak.example, key of 512 bits"]
    assert told["DMARC"] == ["fail for oak.example, policy reject"]
    assert told["sender domain takes mail"] == ["no"]


def test_explain_of_a_domain_without_dmarc_says_so() -> None:
    assert facts(seen(evidence=replace(PROVEN, dmarc=Dmarc(Result.NONE, "oak.example"))))["DMARC"] == [
        "no policy published"
    ]
    several = replace(PROVEN, dmarc=Dmarc(Result.PERMERROR, ""))
    assert facts(seen(evidence=several))["DMARC"] == ["permerror for -, policy none"]


def test_explain_of_automatic_and_of_released_mail_says_so() -> None:
    assert facts(seen(message=letter("List-Id: x")))["kind"] == ["automatic: it comes from a mailing list"]
    told = facts(seen(released_before=True))
    assert told["release mark"] == ["valid"]
    assert told["decision"] == ["deliver at once"]
    assert "challenge" not in told


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (seen(), "none names this sender"),
        (seen(entry=deny()), "deny anna@oak.example for the whole site"),
        (
            seen(entry=allow(scope="@example.org")),
            "allow anna@oak.example for @example.org, if any aligned identity vouches",
        ),
        (seen(entry=allow(proof=UNPROVEN)), "allow anna@oak.example for the whole site, without any proof"),
        (
            seen(entry=allow(proof="dkim:oak.example network:192.0.2.0/24")),
            "allow anna@oak.example for the whole site, if vouched for by a signature of oak.example or the network 192.0.2.0/24",
        ),
    ],
)
def test_explain_of_the_entry_tells_what_it_demands(case: Seen, words: str) -> None:
    assert facts(case)["list entry"] == [words]


def test_explain_of_a_denied_sender_says_refuse() -> None:
    assert facts(seen(entry=deny()))["decision"] == ["refuse"]


def test_proof_words_are_different_for_each_method() -> None:
    assert len({proof_words(proof) for proof in (DKIM_OAK, SPF_OAK, NET)}) == 3
    assert Fact("a", "b") == Fact("a", "b")


def test_explain_tells_where_each_value_of_the_policy_comes_from() -> None:
    told = facts(seen())
    assert told["mode"] == ["hold, and ask the sender (configuration)"]
    assert told["days"] == ["14 (configuration)"]
    values = merged(
        base_values(Policy()),
        "joe@example.org",
        [
            Choice("", PolicySetting.ON_EXPIRY, "deliver-as-spam"),
            Choice("@example.org", PolicySetting.DAYS, "30", True),
            Choice("joe@example.org", PolicySetting.MODE, "off"),
        ],
    )
    case = seen()
    chosen = {
        fact.topic: fact.words
        for fact in explain(Policy(), case, decide(Policy(), case), values)
        if fact.topic != "DKIM"
    }
    assert chosen["mode"] == "hold nothing (set for the user)"
    assert chosen["days"] == "30 (set for example.org, locked by example.org)"
    assert chosen["on expiry"] == "deliver it, marked as spam (set for the site)"
    assert chosen["an answer opens"] == "the recipient's domain (configuration)"
    assert "expecting mail" not in chosen


def test_explain_of_expected_mail_names_the_window() -> None:
    window = Window(7, "joe@example.org", "joe+x7k2m@example.org", 0, 1)
    told = facts(replace(seen(), expected=window))
    assert told["expecting mail"] == ["window 7 for joe+x7k2m@example.org"]
    assert told["reason"][0].startswith("expected:")
    bound = replace(window, domain="shop.example", once=True)
    assert facts(replace(seen(), expected=bound))["expecting mail"] == [
        "window 7 for joe+x7k2m@example.org from shop.example, once"
    ]


def test_explain_of_an_answer_and_of_a_learned_entry_says_so() -> None:
    told = facts(replace(seen(), answers=True))
    assert told["answers"] == ["a mail that the recipient wrote"]
    assert told["reason"][0].startswith("answers-our-mail: ")
    told = facts(seen(entry=replace(allow(), learned=True)))
    assert told["list entry"][0].endswith("; it was written to")
