from __future__ import annotations

import pytest

from gateway.domain.roles import RIGHTS, Reach, Right, Role, Viewer

JOE = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
OURS = Viewer(2, "eve", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})))
SITE = Viewer(3, "root", Role.SITE_ADMIN, Reach(site=True))
AUDITOR = Viewer(4, "ann", Role.AUDITOR, Reach(site=True))


def test_every_role_has_its_own_account_and_a_line() -> None:
    assert set(RIGHTS) == set(Role)
    assert all(Right.OWN_ACCOUNT in rights for rights in RIGHTS.values())


def test_site_admin_may_everything() -> None:
    assert all(SITE.may(right) for right in Right)


@pytest.mark.parametrize(
    "right",
    [Right.READ_CONTENT, Right.MODERATE, Right.FORWARD, Right.EDIT_LISTS, Right.EDIT_POLICY, Right.EDIT_TEMPLATES,
     Right.RETRY_OUTGOING, Right.EDIT_ACCOUNTS, Right.LOOK_AS_USER],
)  # fmt: skip
def test_auditor_sees_no_content_and_changes_nothing(right: Right) -> None:
    assert not AUDITOR.may(right)


@pytest.mark.parametrize("right", [Right.SEE_OVERVIEW, Right.SEE_ACCOUNTS, Right.SEE_LOG, Right.EDIT_TEMPLATES])
def test_user_has_no_pages_of_admins(right: Right) -> None:
    assert not JOE.may(right)
    assert OURS.may(right)


def test_right_that_policy_withholds_is_gone() -> None:
    held = Viewer(1, "joe@example.org", Role.USER, JOE.reach, withheld=frozenset({Right.EDIT_LISTS}))
    assert not held.may(Right.EDIT_LISTS)
    assert held.may(Right.MODERATE)


def test_admin_who_looks_as_a_user_sees_rows_and_presses_nothing() -> None:
    looking = Viewer(3, "root", Role.SITE_ADMIN, JOE.reach, looks_as="joe@example.org")
    assert looking.may(Right.SEE_PENDING)
    assert not looking.may(Right.MODERATE)
    assert not looking.may(Right.READ_CONTENT)
    assert not looking.may(Right.EDIT_ACCOUNTS)


@pytest.mark.parametrize(
    ("viewer", "recipient", "covered"),
    [
        (JOE, "joe@example.org", True),
        (JOE, "joe+shop@example.org", True),
        (JOE, "mia@example.org", False),
        (OURS, "mia@example.org", True),
        (OURS, "mia@sub.example.org", False),
        (OURS, "mia@other.example", False),
        (OURS, "", False),
        (SITE, "mia@other.example", True),
    ],
)
def test_reach_covers_recipient(viewer: Viewer, recipient: str, covered: bool) -> None:
    assert viewer.reach.covers_recipient(recipient) is covered


def test_reach_with_a_tagged_address_covers_that_tag() -> None:
    reach = Reach(addresses=frozenset({"joe+shop@example.org"}))
    assert reach.covers_recipient("joe+shop@example.org")
    assert not reach.covers_recipient("joe@example.org")


@pytest.mark.parametrize(
    ("viewer", "scope", "covered"),
    [
        (JOE, "", False),
        (JOE, "@example.org", False),
        (JOE, "joe@example.org", True),
        (OURS, "", False),
        (OURS, "@example.org", True),
        (OURS, "mia@example.org", True),
        (OURS, "@other.example", False),
        (SITE, "", True),
        (SITE, "@other.example", True),
    ],
)
def test_reach_covers_scope(viewer: Viewer, scope: str, covered: bool) -> None:
    assert viewer.reach.covers_scope(scope) is covered
