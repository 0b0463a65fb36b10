"""Whose words a challenge is written in, by the policy of the recipient, as it stands at that moment."""

from __future__ import annotations

import pytest

from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.policy import Policy
from gateway.flow.text_ports import SITE, Override, Texts
from gateway.mail_texts import texts_in
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.store.letters import JOE, NOW

OURS = {"": "site", "@example.org": "domain"}


@pytest.mark.parametrize(
    ("own", "choices", "subject"),
    [
        (("", "@example.org"), {}, "domain"),
        (("",), {}, "site"),
        ((), {}, None),
        (("", "@example.org"), {SITE: "site"}, "site"),
        (("@example.org",), {SITE: "site"}, None),
        (("", "@example.org"), {SITE: "shipped"}, None),
        (("", "@example.org"), {SITE: "shipped", "joe@example.org": "domain"}, "domain"),
        (("", "@example.org"), {"kim@example.org": "shipped"}, "domain"),
    ],
)
async def test_words_are_those_that_the_policy_of_the_recipient_names(
    store: Store, own: tuple[str, ...], choices: dict[str, str], subject: str | None
) -> None:
    def choose(tx: Transaction) -> None:
        for scope in own:
            tx.texts.put(Override(scope, "en", Texts(OURS[scope], "{{ url }}", "{{ url }}"), b"h", "root", NOW))
        for scope, value in choices.items():
            tx.policies.put(Choice(scope, PolicySetting.TEMPLATES, value), "root", NOW)

    await store.transact(choose)
    found = await texts_in(store, Policy())(JOE, "en")
    assert (None if found is None else found.subject) == subject
    assert await texts_in(store, Policy())(JOE, "de") is None
