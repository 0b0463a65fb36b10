from __future__ import annotations

from gateway.domain.roles import Right
from gateway.domain.scopes import MEANINGS, SCOPES, Scope, is_secret, scope_of, secret_text, withheld_by


def test_every_right_but_looking_over_shoulders_is_lent_by_exactly_one_scope() -> None:
    lent = [right for rights in SCOPES.values() for right in rights]
    assert sorted(right.value for right in lent) == sorted(
        right.value for right in Right if right is not Right.LOOK_AS_USER
    )
    assert set(SCOPES) == set(MEANINGS) == set(Scope)
    assert scope_of(Right.FORWARD) is Scope.PENDING_ACT
    assert scope_of(Right.LOOK_AS_USER) is None


def test_scopes_withhold_all_they_do_not_lend() -> None:
    assert withheld_by([]) == frozenset(Right)
    assert Right.SEE_LISTS not in withheld_by([Scope.LISTS_READ])
    assert Right.EDIT_LISTS in withheld_by([Scope.LISTS_READ, Scope.ACCOUNT])


def test_secret_is_known_by_its_form_and_its_sum() -> None:
    text = secret_text(bytes(range(30)))
    assert text.startswith("cgw_")
    assert len(text) == 60
    assert is_secret(text)
    assert not is_secret(text[:-1])
    assert not is_secret("CGW_" + text[4:])
    assert not is_secret(text[:10] + ("a" if text[10] != "a" else "b") + text[11:])
    assert not is_secret("ä" + text[1:])
