from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.policy import Policy
from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.text_ports import SITE, Fault, Override, Sample, TextKind, Texts
from gateway.flow.texts import TextEditor

T = TypeVar("T")
ROOT = Viewer(1, "root", Role.SITE_ADMIN, Reach(site=True))
EVE = Viewer(2, "eve", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})))
JOE = Viewer(3, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
SHIPPED = Texts("Auto: {{ subject_piece }}\n", "{{ url }}\n", "<a href='{{ url }}'>x</a>\n")
OWN = Texts("Hello\n", "Go to {{ url }}\n", "<p>{{ url }}</p>\n")


class Table:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Override] = {}
        self.chosen: list[Choice] = []

        self.others: Table | None = None

    @property
    def texts(self) -> Table:
        return self

    @property
    def notice_texts(self) -> Table:
        self.others = self.others or Table()
        return self.others

    @property
    def policies(self) -> Table:
        return self

    def choices(self, scopes: Sequence[str]) -> tuple[Choice, ...]:
        return tuple(choice for choice in self.chosen if choice.scope in scopes)

    def override(self, scope: str, language: str) -> Override | None:
        return self.kept.get((scope, language))

    def overrides(self, language: str) -> Sequence[Override]:
        return [override for (_, kept), override in self.kept.items() if kept == language]

    def put(self, override: Override) -> None:
        self.kept[override.scope, override.language] = override

    def drop(self, scope: str, language: str) -> bool:
        return self.kept.pop((scope, language), None) is not None


class Store:
    def __init__(self) -> None:
        self.table = Table()
        self.looks = 0

    async def transact(self, work: Callable[[Table], T]) -> T:
        return work(self.table)

    async def look(self, work: Callable[[Table], T]) -> T:
        self.looks += 1
        return work(self.table)


class Workshop:
    """Takes every text with a URL in it."""

    def __init__(self) -> None:
        self.now_shipped = SHIPPED

    def languages(self) -> Sequence[str]:
        return ("en",)

    def shipped(self, tag: str) -> Texts:
        return self.now_shipped

    def try_out(self, scope: str, tag: str, texts: Texts) -> Sample | Sequence[Fault]:
        if "{{ url }}" not in texts.text:
            return [Fault("text", 0, "does not contain {{ url }}")]
        return Sample(texts.subject, texts.text, texts.html, "desk", 100)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture
def editor(store: Store, workshop: Workshop) -> TextEditor:
    return TextEditor(store, workshop, Policy(), domains=["other.example", "example.org"], now=lambda: 7.0)


def test_scopes_are_those_within_reach(editor: TextEditor) -> None:
    assert editor.scopes(ROOT) == [SITE, "@example.org", "@other.example"]
    assert editor.scopes(EVE) == ["@example.org"]
    assert editor.scopes(JOE) == []


async def test_texts_of_a_domain_come_from_itself_then_the_site_then_the_shipped(editor: TextEditor) -> None:
    async def source() -> tuple[str, str]:
        draft = await editor.draft(ROOT, "@example.org", "en")
        assert draft is not None
        return draft.source, draft.texts.subject

    assert await source() == ("shipped", SHIPPED.subject)
    await editor.save(ROOT, SITE, "en", Texts("Site", OWN.text, OWN.html))
    assert await source() == ("site", "Site\n")
    await editor.save(EVE, "@example.org", "en", OWN)
    assert await source() == ("own", "Hello\n")
    await editor.reset(EVE, "@example.org", "en")
    assert await source() == ("site", "Site\n")


async def test_words_of_notices_are_kept_apart_from_those_of_challenges(store: Store, workshop: Workshop) -> None:
    challenges, notices = (
        TextEditor(store, workshop, Policy(), domains=["example.org"], now=lambda: 7.0, kind=kind) for kind in TextKind
    )
    await notices.save(EVE, "@example.org", "en", OWN)
    for editor, source in ((challenges, "shipped"), (notices, "own")):
        draft = await editor.draft(EVE, "@example.org", "en")
        assert draft is not None
        assert draft.source == source
    assert await challenges.reset(EVE, "@example.org", "en") is False
    assert await notices.reset(EVE, "@example.org", "en") is True


async def test_texts_with_a_fault_are_not_kept(editor: TextEditor, store: Store) -> None:
    faults = await editor.save(EVE, "@example.org", "en", Texts("x", "no link", "x"))
    assert faults == [Fault("text", 0, "does not contain {{ url }}")]
    assert store.table.kept == {}


@pytest.mark.parametrize("scope", [SITE, "@other.example", "@nowhere.example", "joe@example.org"])
async def test_texts_beyond_reach_are_as_if_not_there(editor: TextEditor, store: Store, scope: str) -> None:
    assert await editor.draft(EVE, scope, "en") is None
    assert await editor.save(EVE, scope, "en", OWN) is None
    assert await editor.reset(EVE, scope, "en") is None
    assert await editor.keep_as_seen(EVE, scope, "en") is None
    assert store.table.kept == {}


async def test_texts_beyond_reach_are_not_even_tried(editor: TextEditor) -> None:
    assert editor.try_out(EVE, SITE, "en", OWN) is None
    assert editor.try_out(JOE, "@example.org", "en", OWN) is None
    assert isinstance(editor.try_out(EVE, "@example.org", "en", OWN), Sample)


async def test_change_of_the_shipped_texts_shows_until_it_was_seen(editor: TextEditor, workshop: Workshop) -> None:
    await editor.save(EVE, "@example.org", "en", OWN)

    async def changed() -> bool:
        draft = await editor.draft(EVE, "@example.org", "en")
        assert draft is not None
        assert draft.texts == OWN
        return draft.shipped_changed

    assert not await changed()
    workshop.now_shipped = Texts("New", SHIPPED.text, SHIPPED.html)
    assert await changed()
    assert await editor.keep_as_seen(EVE, "@example.org", "en")
    assert not await changed()


async def test_texts_keep_the_line_ends_of_files(editor: TextEditor, store: Store) -> None:
    await editor.save(
        ROOT, SITE, "en", Texts("a\r\n", "x\r\n{{ url }}\r\n\r\n", "<p>\rb", " Desk \r\n <d@example.org> ")
    )
    texts = store.table.kept[SITE, "en"].texts
    assert texts == Texts("a\n", "x\n{{ url }}\n", "<p>\nb\n", "Desk <d@example.org>")


@pytest.mark.parametrize(
    ("templates", "site", "domain"),
    [
        ("domain", ("own", False), ("own", False)),
        ("site", ("own", False), ("own", True)),
        ("shipped", ("own", True), ("own", True)),
    ],
)
async def test_texts_that_the_policy_passes_over_are_told_to_be_unused(
    editor: TextEditor, store: Store, templates: str, site: tuple[str, bool], domain: tuple[str, bool]
) -> None:
    for scope in (SITE, "@example.org"):
        assert await editor.save(ROOT, scope, "en", OWN) == ()
    store.table.chosen = [Choice(SITE, PolicySetting.TEMPLATES, templates)]
    for scope, told in ((SITE, site), ("@example.org", domain)):
        draft = await editor.draft(ROOT, scope, "en")
        assert draft is not None
        assert (draft.source, draft.unused) == told
    other = await editor.draft(ROOT, "@other.example", "en")
    assert other is not None
    assert (other.source, other.unused) == ("shipped" if templates == "shipped" else "site", False)
    # All together they are the same as one by one, and found at one look.
    looks = store.looks
    drafts = await editor.drafts(ROOT, "en")
    assert store.looks == looks + 1
    assert drafts == [await editor.draft(ROOT, scope, "en") for scope in editor.scopes(ROOT)]
    assert await editor.drafts(JOE, "en") == []
