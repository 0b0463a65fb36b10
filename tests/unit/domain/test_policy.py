from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.challenge import Asking, Silence
from gateway.domain.evidence import NO_EVIDENCE, Evidence, Method, Proof
from gateway.domain.expecting import Window
from gateway.domain.lists import ALIGNED, UNPROVEN, Entry, Verdict
from gateway.domain.policy import Decision, Disposition, Mode, Policy, Reason, Scope, Seen, decide, narrowest
from tests.unit.domain.letters import ANNA, DKIM_OAK, JOE, NETWORK, PROVEN, SPF_OAK, allow, deny, letter, seen

POLICY = Policy()
ROLES = [Address.of("postmaster@example.org"), Address.of("Abuse@example.org")]


def test_unknown_and_proven_is_held_and_asked() -> None:
    assert decide(POLICY, seen()) == Decision(Disposition.HOLD, Reason.UNKNOWN, ask=True)


def test_unknown_and_unproven_is_held_in_silence() -> None:
    assert decide(POLICY, seen(evidence=NO_EVIDENCE)) == Decision(
        Disposition.HOLD, Reason.UNPROVEN, silence=Silence.UNPROVEN.value
    )


def test_r02_null_reverse_path_is_held_in_silence() -> None:
    assert decide(POLICY, seen(reverse_path=NULL_PATH)) == Decision(
        Disposition.HOLD, Reason.NULL_REVERSE_PATH, silence=Silence.NULL_REVERSE_PATH.value
    )


def test_r01_automatic_mail_is_held_in_silence() -> None:
    assert decide(POLICY, seen(message=letter("Auto-Submitted: auto-replied"))) == Decision(
        Disposition.HOLD, Reason.AUTOMATIC, silence=Silence.AUTO_SUBMITTED.value
    )


def test_deny_entry_is_rejected_even_when_proven() -> None:
    assert decide(POLICY, seen(entry=deny())) == Decision(Disposition.REJECT, Reason.DENYLIST)


def test_allow_entry_whose_proof_matches_is_delivered() -> None:
    assert decide(POLICY, seen(entry=allow(proof="dkim:oak.example"))) == Decision(
        Disposition.DELIVER, Reason.ALLOWLIST
    )


def test_allow_entry_of_a_forged_sender_is_held() -> None:
    decision = decide(POLICY, seen(entry=allow(proof="dkim:oak.example"), evidence=NO_EVIDENCE))
    assert decision == Decision(Disposition.HOLD, Reason.UNPROVEN_ALLOWED, silence=Silence.UNPROVEN.value)


def test_allow_entry_vouched_for_by_another_identity_is_held_and_asked() -> None:
    decision = decide(POLICY, seen(entry=allow(proof="dkim:elm.example")))
    assert decision == Decision(Disposition.HOLD, Reason.CHANGED_PROOF, ask=True)


def test_allow_entry_that_asks_for_no_proof_delivers_an_unproven_mail() -> None:
    assert decide(POLICY, seen(entry=allow(proof=UNPROVEN), evidence=NO_EVIDENCE)).reason is Reason.ALLOWLIST


def test_allow_entry_bound_to_a_network_delivers_from_there_only() -> None:
    entry = allow(proof=f"network:{NETWORK}")
    assert decide(POLICY, seen(entry=entry, evidence=NO_EVIDENCE)).disposition is Disposition.DELIVER
    elsewhere = seen(entry=entry, evidence=NO_EVIDENCE, network="198.51.100.0/24")
    assert decide(POLICY, elsewhere).disposition is Disposition.HOLD


def forged_reverse_path(entry: Entry, *, path_proven: bool = False, proofs: tuple[Proof, ...] | None = None) -> Seen:
    """A mail that names Anna on the envelope only; its author is an attacker whose own domain signs it."""
    message = replace(letter(), author=Address.of("mallory@evil.example"))
    own = (Proof(Method.DKIM, "evil.example"),) if proofs is None else proofs
    return seen(message=message, entry=entry, evidence=Evidence(proofs=own, reverse_path_proven=path_proven))


@pytest.mark.parametrize("pattern", ["anna@oak.example", "@oak.example"])
def test_known_sender_forged_as_reverse_path_by_a_proven_stranger_is_held(pattern: str) -> None:
    assert decide(POLICY, forged_reverse_path(allow(pattern))).disposition is Disposition.HOLD
    assert decide(POLICY, forged_reverse_path(allow(pattern, proof="dkim:oak.example"))).disposition is Disposition.HOLD


def test_known_reverse_path_that_is_proven_is_delivered_whoever_the_author_is() -> None:
    assert decide(POLICY, forged_reverse_path(allow(), path_proven=True)).reason is Reason.ALLOWLIST


def test_known_reverse_path_is_delivered_only_where_it_is_proven_itself() -> None:
    # A service that sends for an author: the entry was made by its own answer.
    entry = allow(proof="dkim:evil.example")
    assert decide(POLICY, forged_reverse_path(entry, path_proven=True)).reason is Reason.ALLOWLIST
    # A signed mail sent again, with a known address on the envelope.
    assert decide(POLICY, forged_reverse_path(entry)).disposition is Disposition.HOLD


def test_known_author_that_is_proven_is_delivered_at_any_reverse_path() -> None:
    case = seen(
        entry=allow(),
        reverse_path=Address.of("bounce-7@esp.example"),
        evidence=replace(PROVEN, reverse_path_proven=False),
    )
    assert decide(POLICY, case).reason is Reason.ALLOWLIST


def test_known_author_of_null_reverse_path_mail_is_delivered_when_proven() -> None:
    assert decide(POLICY, seen(entry=allow(), reverse_path=NULL_PATH)).reason is Reason.ALLOWLIST
    no_author = seen(entry=allow(), message=replace(letter(), author=None), evidence=Evidence(proofs=(DKIM_OAK,)))
    assert decide(POLICY, no_author).disposition is Disposition.HOLD


@pytest.mark.parametrize("recipient", ROLES)
def test_r25_postmaster_and_abuse_are_delivered_whatever_the_lists_say(recipient: Address) -> None:
    case = seen(recipient=recipient, entry=deny(), evidence=NO_EVIDENCE, reverse_path=NULL_PATH)
    assert decide(POLICY, case) == Decision(Disposition.DELIVER, Reason.ROLE_RECIPIENT)


def test_released_mail_is_not_held_again() -> None:
    assert decide(POLICY, seen(released_before=True, evidence=NO_EVIDENCE)).reason is Reason.RELEASED_BEFORE


ENTRIES = [
    None,
    deny(),
    allow(),
    allow(proof=UNPROVEN),
    allow(proof="dkim:oak.example"),
    allow(proof="spf:oak.example"),
    allow(proof=f"network:{NETWORK}"),
    allow("@elm.example", proof=ALIGNED),
]
MESSAGES = [letter(), letter("List-Id: <x>"), letter("Auto-Submitted: auto-generated"), replace(letter(), author=None)]
EVIDENCE = [
    Evidence(proofs=proofs, reverse_path_proven=path_proven, sender_domain_takes_mail=takes_mail)
    for proofs, path_proven, takes_mail in itertools.product(
        ((), (DKIM_OAK,), (SPF_OAK,), (Proof(Method.DKIM, "elm.example"),)), (True, False), (True, False, None)
    )
]


@cache
def every_case() -> Sequence[tuple[Policy, Seen]]:
    return [
        (
            Policy(asking=asking),
            Seen(recipient, reverse_path, message, evidence, entry, network, released_before),
        )
        for asking, recipient, reverse_path, message, evidence, entry, network, released_before in itertools.product(
            Asking,
            (JOE, Address.of("kim@example.org"), *ROLES),
            (ANNA, NULL_PATH, Address.of("noreply@oak.example"), Address.of("x@elm.example")),
            MESSAGES,
            EVIDENCE,
            ENTRIES,
            (NETWORK, ""),
            (False, True),
        )
    ]


def unproven(case: Seen) -> bool:
    return not case.evidence.proofs


def check_invariants(policy: Policy, case: Seen, decision: Decision) -> None:
    entry, message = case.entry, case.message
    held = decision.disposition is Disposition.HOLD
    # A held mail either asks or says why not; anything else does neither.
    assert held == (decision.ask or bool(decision.silence))
    assert not (decision.ask and decision.silence)
    if decision.silence:
        assert Silence(decision.silence) in Silence
    if case.recipient in ROLES:
        assert decision.disposition is Disposition.DELIVER
    elif entry is not None and entry.verdict is Verdict.DENY:
        assert decision.disposition is Disposition.REJECT
    elif case.released_before:
        assert decision.reason is Reason.RELEASED_BEFORE
    else:
        assert decision.disposition is not Disposition.REJECT
    if decision.reason is Reason.ALLOWLIST:
        assert entry is not None
        check_allowed(case, entry)
    if decision.ask:
        assert not case.reverse_path.is_null
        assert not message.automatic
        assert policy.asking is not Asking.OFF
        assert case.recipient == JOE
        assert case.evidence.sender_domain_takes_mail is not False
        if policy.asking is Asking.AUTHENTICATED:
            assert case.evidence.proofs
            assert case.evidence.reverse_path_proven


def check_allowed(case: Seen, entry: Entry) -> None:
    if entry.proof.startswith("network:"):
        assert case.network == NETWORK
    elif entry.proof != UNPROVEN:
        assert not unproven(case)
        names_author = case.message.author == ANNA and "oak" in entry.pattern
        if entry.proof == ALIGNED:
            assert names_author or case.evidence.reverse_path_proven
        else:
            method, _, domain = entry.proof.partition(":")
            assert (
                Proof(Method.DKIM, domain) in case.evidence.proofs
                or Proof(Method(method), domain) in case.evidence.proofs
            )


@pytest.mark.no_cover
def test_decide_over_every_combination_keeps_its_promises() -> None:
    reasons = set()
    for policy, case in every_case():
        decision = decide(policy, case)
        check_invariants(policy, case, decision)
        reasons.add(decision.reason)
    assert reasons == set(Reason) - {Reason.HOLDING_OFF, Reason.EXPECTED, Reason.ANSWERS_US}


WINDOW = Window(1, "joe@example.org", "joe@example.org", 0, 1)


def test_decide_with_holding_off_delivers_what_would_be_held_and_changes_nothing_else() -> None:
    for policy, case in every_case()[::7]:
        held, off = decide(policy, case), decide(replace(policy, mode=Mode.OFF), case)
        if held.disposition is Disposition.HOLD:
            assert off == Decision(Disposition.DELIVER, Reason.HOLDING_OFF)
        else:
            assert off == held


@pytest.mark.no_cover
def test_decide_in_quarantine_holds_as_ever_and_asks_nobody() -> None:
    for policy, case in every_case()[::7]:
        asked, quiet = decide(policy, case), decide(replace(policy, mode=Mode.QUARANTINE), case)
        assert (quiet.disposition, quiet.reason) == (asked.disposition, asked.reason)
        assert not quiet.ask
        assert not asked.ask or quiet.silence == Silence.SWITCHED_OFF.value


@pytest.mark.no_cover
def test_decide_of_expected_mail_delivers_what_would_be_held_unless_the_policy_forbids_it() -> None:
    for policy, case in every_case()[::7]:
        held, let_in = decide(policy, case), decide(policy, replace(case, expected=WINDOW))
        if held.disposition is Disposition.HOLD:
            assert let_in == Decision(Disposition.DELIVER, Reason.EXPECTED)
        else:
            assert let_in == held
        assert decide(replace(policy, expecting=False), replace(case, expected=WINDOW)) == held


def test_decide_of_an_answer_delivers_what_would_be_held_where_it_is_proven_and_wanted() -> None:
    for policy, case in every_case()[::7]:
        held, let_in = decide(policy, case), decide(policy, replace(case, answers=True))
        if held.disposition is Disposition.HOLD and not unproven(case):
            assert let_in == Decision(Disposition.DELIVER, Reason.ANSWERS_US)
        else:
            assert let_in == held
        assert decide(replace(policy, written_to=False), replace(case, answers=True)) == held


def test_narrowest_scope_opens_least() -> None:
    assert narrowest([Scope.SITE, Scope.RECIPIENT, Scope.DOMAIN]) is Scope.RECIPIENT
    assert narrowest([Scope.SITE, Scope.DOMAIN]) is Scope.DOMAIN
