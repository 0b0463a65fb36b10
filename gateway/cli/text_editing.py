"""The words of a letter at work: taken from options and files, tried out, kept, and written into the journal."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError, WrongUse
from gateway.domain.address import normal_domain
from gateway.flow.text_ports import Draft, Fault, Sample, TextKind, Texts, scope_in_path
from gateway.flow.texts import TextEditor

if TYPE_CHECKING:
    from gateway.flow.sample_mail import Compose

T = TypeVar("T")
Words = Mapping[str, str | Path | None]
"""Part, as `Texts` calls it → a line, a file, or None where it stays as it is."""


@dataclass(frozen=True, slots=True)
class Editing:
    """Words of one kind, as a command edits them."""

    context: CommandContext
    editor: TextEditor
    compose: Compose
    """Writes a sample."""

    async def draft(self, scope: str, language: str) -> Draft:
        """Return the words of a scope as it was typed. Raises CommandError."""
        if language not in self.editor.languages():
            raise WrongUse(f"there are no words in {language!r}; there are in {', '.join(self.editor.languages())}")
        draft = await self.editor.draft(self.context.viewer, scope_in_path(scope), language)
        if draft is None:
            raise CommandError(f"{scope} is neither site nor one of our domains ([domains] names)")
        return draft

    def sample(self, draft: Draft, texts: Texts) -> Sample:
        """Fill the words in for a mail that nobody sent. Raises CommandError, which tells their faults."""
        tried = self.editor.try_out(self.context.viewer, draft.scope, draft.language, texts)
        if not isinstance(tried, Sample):
            raise CommandError(told(tried or ()))
        return tried

    async def save(self, draft: Draft, texts: Texts) -> Sequence[Fault]:
        """Keep words if they are good; return their faults."""
        faults = await self.editor.save(self.context.viewer, draft.scope, draft.language, texts) or ()
        if not faults:
            await self.note("texts-scope", draft, "saved")
        return faults

    async def note(self, deed: str, draft: Draft, what: str) -> None:
        """Write into the journal what was done with the words of a scope."""
        kind = self.editor.kind
        what = what if kind is TextKind.CHALLENGE else f"{kind.value} {what}".strip()
        await self.context.note(deed, name_of(draft.scope), what)


def editing(config: Path | None, kind: str, work: Callable[[Editing], Awaitable[T]]) -> T:
    """Run work on words. Raises CommandError."""
    # Imported here: what writes letters takes a while.
    from gateway import assembly
    from gateway.letters import LetterWriter
    from gateway.relay.signer import KeyFault
    from gateway.relay.template_parts import TemplateFault

    async def at(context: CommandContext) -> T:
        try:
            workshop = LetterWriter(context.settings).workshop(TextKind(kind))
        except (TemplateFault, KeyFault) as fault:
            raise CommandError(f"a mail template, or the key: {fault}") from fault
        domains = [normal_domain(name) for name in context.settings.domains.names]
        editor = TextEditor(
            context.store, workshop, assembly.policy(context.settings),
            domains=domains, now=time.time, kind=TextKind(kind),
        )  # fmt: skip
        return await work(Editing(context, editor, workshop.sample_mail))

    return in_context(config, at)


def changed(texts: Texts, words: Words) -> Texts:
    """Return texts with what is named in place of theirs. Raises WrongUse."""
    typed = {part: _read(value) if isinstance(value, Path) else value for part, value in words.items()}
    return replace(texts, **{part: value for part, value in typed.items() if value is not None})


def told(faults: Sequence[Fault]) -> str:
    """Say each fault in a line."""
    return "\n".join(map(_fault_words, faults))


def name_of(scope: str) -> str:
    """Return a scope as it is typed."""
    return scope.removeprefix("@") or "site"


def _fault_words(fault: Fault) -> str:
    where = {"from_line": "from", "": "words"}.get(fault.part, fault.part)
    return f"{where}{f', line {fault.line}' if fault.line else ''}: {fault.reason}"


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as fault:
        raise WrongUse(f"{file} is no text in UTF-8") from fault
