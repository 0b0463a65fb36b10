"""The levels of a policy: what holds, where it comes from, and who locked it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.address import Address
from gateway.domain.challenge import Asking
from gateway.domain.levels import (
    FOR_ADMINS,
    Choice,
    Choices,
    Effective,
    Level,
    PolicySetting,
    base_values,
    checked_value,
    choices_for,
    effective_policy,
    level_of,
    levels_above,
    merge,
    merged,
    narrower_scopes,
    no_opener_choices,
    policy_scope,
    withheld,
)
from gateway.domain.policy import Expiry, Mode, Policy, Scope, Templates
from gateway.domain.roles import Right

BASE = Policy()
VALUES = base_values(BASE)
DAYS, SCOPE = PolicySetting.DAYS, PolicySetting.SCOPE
SITE, DOMAIN, JOE = "", "@example.org", "joe@example.org"


def level(setting: PolicySetting, value: str | None, locked: bool = False) -> Choices:
    return {setting: Choice("anywhere", setting, value, locked)}


NONE: Choices = {}


def days(site: Choices = NONE, domain: Choices = NONE, user: Choices = NONE) -> Effective:
    return merge(VALUES, site, domain, user)[DAYS]


def policy(*choices: Choice, scope: str = JOE, base: Policy = BASE) -> Policy:
    return effective_policy(base, scope, choices)


def test_merge_of_nothing_is_the_configuration() -> None:
    assert {effective.origin for effective in merge(VALUES, {}, {}, {}).values()} == {Level.CONFIGURATION}
    assert {setting: each.value for setting, each in merge(VALUES, {}, {}, {}).items()} == VALUES
    assert set(VALUES) == set(PolicySetting)
    assert policy() == BASE


def test_merge_takes_the_most_specific_choice() -> None:
    assert days(level(DAYS, "3")) == Effective("3", Level.SITE)
    assert days(level(DAYS, "3"), level(DAYS, "4")) == Effective("4", Level.DOMAIN)
    assert days(level(DAYS, "3"), level(DAYS, "4"), level(DAYS, "5")) == Effective("5", Level.USER)
    assert days(level(DAYS, "3"), {}, level(DAYS, "5")) == Effective("5", Level.USER)


def test_merge_of_a_locked_level_ignores_those_below() -> None:
    locked = level(DAYS, "3", True)
    assert days(locked, level(DAYS, "4"), level(DAYS, "5")) == Effective("3", Level.SITE, Level.SITE)
    assert days({}, locked, level(DAYS, "5")) == Effective("3", Level.DOMAIN, Level.DOMAIN)
    # The widest lock counts.
    assert days(locked, level(DAYS, "4", True)).locked_by is Level.SITE


def test_lock_without_a_choice_locks_what_holds_above() -> None:
    only = level(DAYS, None, True)
    assert days(only, level(DAYS, "4")) == Effective("14", Level.CONFIGURATION, Level.SITE)
    assert days(level(DAYS, "3"), only, level(DAYS, "5")) == Effective("3", Level.SITE, Level.DOMAIN)


def test_lock_of_a_user_locks_nothing() -> None:
    assert days({}, {}, level(DAYS, "5", True)) == Effective("5", Level.USER)


def test_locked_for_names_the_levels_below_the_lock() -> None:
    effective = Effective("3", Level.SITE, Level.DOMAIN)
    assert [one for one in Level if effective.locked_for(one)] == [Level.USER]
    assert not Effective("3", Level.SITE).locked_for(Level.USER)


@pytest.mark.parametrize(
    ("above", "wanted", "held"),
    [
        ("domain", "site", "domain"),
        ("domain", "recipient", "recipient"),
        ("site", "site", "site"),
        ("recipient", "domain", "recipient"),
    ],
)
def test_scope_of_challenges_can_only_be_narrowed_below_the_site(above: str, wanted: str, held: str) -> None:
    chosen = level(SCOPE, wanted)
    assert merge(VALUES, level(SCOPE, above), chosen, NONE)[SCOPE].value == held
    assert merge(VALUES, level(SCOPE, above), NONE, chosen)[SCOPE].value == held
    assert merge(VALUES, level(SCOPE, wanted), {}, {})[SCOPE].value == wanted
    assert narrower_scopes("domain", Level.USER) == ("recipient", "domain")
    assert narrower_scopes("recipient", Level.DOMAIN) == ("recipient",)
    assert narrower_scopes("recipient", Level.SITE) == ("recipient", "domain", "site")


@pytest.mark.parametrize(
    ("setting", "held", "allowed"),
    [
        (PolicySetting.MODE, "quarantine", ("quarantine",)),
        (PolicySetting.MODE, "challenge", ("quarantine", "challenge")),
        (PolicySetting.MODE, "off", ("quarantine", "challenge", "off")),
        (PolicySetting.ON_EXPIRY, "delete", ("delete",)),
        (PolicySetting.ON_EXPIRY, "deliver-as-spam", ("delete", "deliver-as-spam")),
        (PolicySetting.LANGUAGE, "en", ()),
    ],
)
def test_who_may_not_let_mail_through_chooses_what_lets_in_no_more(
    setting: PolicySetting, held: str, allowed: tuple[str, ...]
) -> None:
    assert no_opener_choices(setting, held) == allowed


@pytest.mark.parametrize("setting", sorted(FOR_ADMINS, key=str))
def test_rights_of_users_are_never_chosen_by_a_user(setting: PolicySetting) -> None:
    assert merge(VALUES, {}, {}, level(setting, "no"))[setting].value == "yes"
    assert merge(VALUES, {}, level(setting, "no"), level(setting, "yes"))[setting] == Effective("no", Level.DOMAIN)


def test_merged_sorts_choices_by_scope_and_leaves_out_foreign_ones() -> None:
    choices = [
        Choice(JOE, DAYS, "5"),
        Choice(SITE, DAYS, "3"),
        Choice("@other.example", DAYS, "9"),
        Choice(DOMAIN, DAYS, "4"),
    ]
    assert merged(VALUES, JOE, choices)[DAYS] == Effective("5", Level.USER)
    assert merged(VALUES, DOMAIN, choices)[DAYS] == Effective("4", Level.DOMAIN)
    assert merged(VALUES, SITE, choices)[DAYS] == Effective("3", Level.SITE)


def test_scopes_and_their_levels() -> None:
    assert [level_of(scope) for scope in (SITE, DOMAIN, JOE)] == [Level.SITE, Level.DOMAIN, Level.USER]
    assert [levels_above(scope) for scope in (SITE, DOMAIN, JOE)] == [(SITE,), (SITE, DOMAIN), (SITE, DOMAIN, JOE)]
    assert policy_scope(Address.of("Joe+shop@Example.org")) == JOE


def test_effective_policy_turns_each_value_into_what_the_decision_takes() -> None:
    chosen = {
        PolicySetting.MODE: "off",
        DAYS: "30",
        PolicySetting.ON_EXPIRY: "deliver-as-spam",
        SCOPE: "recipient",
        PolicySetting.LANGUAGE: "de",
        PolicySetting.TEMPLATES: "site",
        PolicySetting.EXPECTING: "no",
        PolicySetting.WRITTEN_TO: "no",
    }
    found = policy(*(Choice(DOMAIN, setting, value) for setting, value in chosen.items()))
    assert found == Policy(
        Asking.AUTHENTICATED,
        Scope.RECIPIENT,
        30,
        Expiry.DELIVER_AS_SPAM,
        Mode.OFF,
        language="de",
        expecting=False,
        templates=Templates.SITE,
        written_to=False,
    )


def test_days_of_the_configuration_keep_all_their_digits() -> None:
    exact = replace(BASE, days=1 / 3)
    assert policy(Choice(SITE, SCOPE, "site"), base=exact).days == 1 / 3


def test_mode_of_a_configuration_that_asks_nobody_is_quarantine_and_switched_on_asks_only_the_proven() -> None:
    silent = replace(BASE, asking=Asking.OFF)
    assert base_values(silent)[PolicySetting.MODE] == "quarantine"
    assert policy(Choice(SITE, DAYS, "3"), base=silent).mode is Mode.QUARANTINE
    assert policy(Choice(DOMAIN, PolicySetting.MODE, "challenge"), base=silent).asking is Asking.AUTHENTICATED
    assert (
        policy(Choice(DOMAIN, PolicySetting.MODE, "challenge"), base=replace(BASE, asking=Asking.ALL)).asking
        is Asking.ALL
    )
    assert base_values(replace(BASE, mode=Mode.OFF, asking=Asking.OFF))[PolicySetting.MODE] == "off"
    assert base_values(replace(BASE, expecting=False))[PolicySetting.EXPECTING] == "no"
    assert base_values(replace(BASE, written_to=False))[PolicySetting.WRITTEN_TO] == "no"


def test_withheld_are_the_rights_that_the_policy_takes() -> None:
    assert withheld(merge(VALUES, {}, {}, {})) == frozenset()
    taken = {setting: Choice(DOMAIN, setting, "no") for setting in FOR_ADMINS}
    assert withheld(merge(VALUES, {}, taken, {})) == {Right.EDIT_LISTS, Right.MODERATE, Right.READ_CONTENT}


@pytest.mark.parametrize(
    ("setting", "typed", "stored"),
    [
        (DAYS, " 030 ", "30"),
        (DAYS, "365", "365"),
        (PolicySetting.MODE, "off", "off"),
        (PolicySetting.LANGUAGE, "en", "en"),
        (PolicySetting.USERS_READ, "no", "no"),
        (PolicySetting.NOTICES, "unproven-sender unknown-sender", "unknown-sender,unproven-sender"),
    ],
)
def test_checked_value_is_the_stored_form(setting: PolicySetting, typed: str, stored: str) -> None:
    assert checked_value(setting, typed, ["en"]) == stored


@pytest.mark.parametrize(
    ("setting", "typed"),
    [
        (DAYS, "0"),
        (DAYS, "366"),
        (DAYS, "1.5"),
        (DAYS, "1" * 9),
        (DAYS, "٣"),
        (PolicySetting.MODE, "OFF"),
        (PolicySetting.LANGUAGE, "de"),
        (PolicySetting.USERS_READ, ""),
    ],
)
def test_checked_value_that_is_none_is_refused_with_the_choices(setting: PolicySetting, typed: str) -> None:
    with pytest.raises(ValueError, match=setting.value):
        checked_value(setting, typed, ["en"])


def test_choices_for_what_is_typed_are_none() -> None:
    assert choices_for(DAYS, ["en"]) == choices_for(PolicySetting.NOTICES, ["en"]) == ()
    assert choices_for(PolicySetting.LANGUAGE, ["en", "de"]) == ("auto", "en", "de")
    assert all(
        choices_for(setting, ["en"]) for setting in PolicySetting if setting not in (DAYS, PolicySetting.NOTICES)
    )


_choice = st.builds(Choice, st.just(""), st.just(DAYS), st.none() | st.sampled_from(["3", "4"]), st.booleans())
_level: st.SearchStrategy[Choices] = st.just(NONE) | _choice.map(lambda choice: {DAYS: choice})


@given(_level, _level, _level)
def test_merge_never_lets_a_level_below_a_lock_choose(site: Choices, domain: Choices, user: Choices) -> None:
    found = days(site, domain, user)
    assert found.locked_by in (None, Level.SITE, Level.DOMAIN)
    if found.locked_by is not None:
        assert not found.locked_for(found.origin)
        assert found.locked_for(Level.USER)
    if DAYS in site and site[DAYS].locked:
        assert found.origin in (Level.CONFIGURATION, Level.SITE)
