"""The words of challenges and notices, of the site and of each domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, CursorText, Operation, when_or_none
from challenge_web.api.problems import Problem, not_found
from challenge_web.console.routes import Names
from gateway.domain.roles import Right
from gateway.flow.text_ports import Draft, Fault, Sample, TextKind, Texts, scope_in_path
from gateway.flow.texts import TextDesk, TextEditor, following

_LARGEST = 200_000


class LanguageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which words, in which language."""

    language: Annotated[str, Meta(max_length=20, description='"" is the first there is.')] = ""
    kind: Annotated[Literal["challenge", "notice"], Meta(description="What the words are for.")] = "challenge"


class TemplatesQuery(LanguageQuery, frozen=True):
    """Whose words."""

    words: Annotated[str, Meta(max_length=255, description="Part of a domain's name.")] = ""
    cursor: CursorText = ""


class TemplateText(Struct, frozen=True, forbid_unknown_fields=True):
    """What a mail is written from."""

    subject: Annotated[str, Meta(max_length=2000)]
    text: Annotated[str, Meta(max_length=_LARGEST)]
    html: Annotated[str, Meta(max_length=_LARGEST)]
    from_line: Annotated[
        str, Meta(max_length=1000, description='Of a challenge; "" is what the configuration says.')
    ] = ""


class Template(Struct, frozen=True):
    """The words in force for a scope."""

    scope: str
    language: str
    texts: TemplateText
    source: Annotated[str, Meta(description="`own`, `site` or `shipped`.")]
    changed_by: str
    changed_at: datetime | None
    shipped: TemplateText
    shipped_changed: Annotated[bool, Meta(description="They are not those any more that these were made from.")]
    unused: Annotated[bool, Meta(description="It has words of its own, but its policy says that others are used.")]


class TemplateList(Struct, frozen=True):
    """Some scopes whose words one may change: the site, then domains by name."""

    languages: tuple[str, ...]
    items: tuple[Template, ...]
    next: str | None


class TemplateSample(Struct, frozen=True):
    """The words filled in for a mail that nobody sent."""

    subject: str
    text: str
    html: str
    sender: str
    octets: int


class SampleSent(Struct, frozen=True):
    """Whether a sample was taken for one's own address."""

    sent: bool


class TemplateResource:
    """The operations on the words of challenges and notices."""

    def __init__(self, desks: Mapping[TextKind, TextDesk]) -> None:
        self._desks = desks

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        at, right, scope, language = "/templates/{scope}", Right.EDIT_TEMPLATES, Names.SCOPE, LanguageQuery
        return (
            Operation("listTemplates", "GET", "/templates", right, self.index, "List the words in force.", TemplateList,
                      TemplatesQuery, problems=(404,)),
            Operation("getTemplate", "GET", at, right, self.show, "See the words of a scope.", Template, language,
                      names=scope),
            Operation("setTemplate", "PUT", at, right, self.save, "Change the words of a scope.", Template, language,
                      TemplateText, names=scope),
            Operation("resetTemplate", "DELETE", at, right, self.reset, "Go back to the words from further up.",
                      query=language, names=scope),
            Operation("previewTemplate", "POST", f"{at}/preview", right, self.preview, "Fill in a sample.",
                      TemplateSample, language, TemplateText, names=scope, reads=True),
            Operation("sendTemplateSample", "POST", f"{at}/sample", right, self.sample,
                      "Send a sample to one's own address.", SampleSent, language, TemplateText, names=scope),
            Operation("keepTemplate", "POST", f"{at}/seen", right, self.seen,
                      "Note that changed shipped words were looked at.", query=language, names=scope),
        )  # fmt: skip

    async def index(self, call: Call[TemplatesQuery, None]) -> TemplateList:
        """Return scopes within reach."""
        editor, after = self._desk(call).editor, call.cursors.read(call.query.cursor, str)
        language, start = _language(editor, call.query), str(after[0]) if after else ""
        drafts = await editor.drafts(call.viewer, language, call.query.words, start)
        last = following(drafts)
        follows = None if last is None else (last,)
        return TemplateList(tuple(editor.languages()), tuple(map(template_of, drafts)), call.cursors.write(follows))

    async def show(self, call: Call[LanguageQuery, None]) -> Template:
        """Return the words of one kind of mail in one scope and language."""
        return template_of(await self._draft(call))

    async def save(self, call: Call[LanguageQuery, TemplateText]) -> Template:
        """Keep words that are good."""
        draft = await self._draft(call)
        faults = await self._desk(call).editor.save(call.viewer, draft.scope, draft.language, _texts(call.body))
        if faults is None:
            raise not_found()
        if faults:
            raise _wrong(faults)
        return template_of(await self._draft(call))

    async def reset(self, call: Call[LanguageQuery, None]) -> None:
        """Drop a scope's own words."""
        draft = await self._draft(call)
        await self._desk(call).editor.reset(call.viewer, draft.scope, draft.language)

    async def preview(self, call: Call[LanguageQuery, TemplateText]) -> TemplateSample:
        """Return a sample with words filled in."""
        sample = await self._tried(call)
        return sample_of(sample)

    async def sample(self, call: Call[LanguageQuery, TemplateText]) -> SampleSent:
        """Send a sample to who calls."""
        draft = await self._draft(call)
        await self._tried(call)
        return SampleSent(
            await self._desk(call).send_sample(call.viewer, draft.scope, draft.language, _texts(call.body))
        )

    async def seen(self, call: Call[LanguageQuery, None]) -> None:
        """Note that the shipped words were looked at."""
        draft = await self._draft(call)
        if await self._desk(call).editor.keep_as_seen(call.viewer, draft.scope, draft.language) is None:
            raise Problem("conflict", "There are no words of its own.")

    async def _tried(self, call: Call[LanguageQuery, TemplateText]) -> Sample:
        draft = await self._draft(call)
        tried = self._desk(call).editor.try_out(call.viewer, draft.scope, draft.language, _texts(call.body))
        if tried is None:
            raise not_found()
        if not isinstance(tried, Sample):
            raise _wrong(tried)
        return tried

    async def _draft(self, call: Call[LanguageQuery, Any]) -> Draft:
        scope, editor = scope_in_path(call.path["scope"]), self._desk(call).editor
        draft = await editor.draft(call.viewer, scope, _language(editor, call.query))
        if draft is None:
            raise not_found()
        return draft

    def _desk(self, call: Call[LanguageQuery, Any]) -> TextDesk:
        return self._desks[TextKind(call.query.kind)]


def _language(editor: TextEditor, query: LanguageQuery) -> str:
    return query.language or editor.languages()[0]


def _texts(told: TemplateText) -> Texts:
    return Texts(told.subject, told.text, told.html, told.from_line)


def _wrong(faults: Sequence[Fault]) -> Problem:
    errors = [(one.part, f"Line {one.line}: {one.reason}." if one.line else f"{one.reason}.") for one in faults]
    return Problem("invalid", errors=errors)


def sample_of(sample: Sample) -> TemplateSample:
    """Return the words filled in, as programs are told them."""
    return TemplateSample(sample.subject, sample.text, sample.html, sample.sender, sample.octets)


def template_of(draft: Draft) -> Template:
    """Return the words of a scope, as programs are told them."""

    def text(texts: Texts) -> TemplateText:
        return TemplateText(texts.subject, texts.text, texts.html, texts.from_line)

    own = draft.own
    return Template(
        scope=draft.scope.removeprefix("@") or "site",
        language=draft.language,
        texts=text(draft.texts),
        source=draft.source,
        changed_by=own.changed_by if own else "",
        changed_at=when_or_none(own.changed_at if own else None),
        shipped=text(draft.shipped),
        shipped_changed=draft.shipped_changed,
        unused=draft.unused,
    )
