"""`templates`: the words of challenges, and of notices, for the site and for each domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click

from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, moment, on_lines, print_done, print_facts, print_json, progress
from gateway.cli.text_editing import Editing, changed, editing, name_of, told
from gateway.domain.address import Address
from gateway.domain.roles import Reach
from gateway.flow.text_ports import Draft, Fault, Sample, TextKind, Texts

PARTS = {"subject": ".txt", "text": ".txt", "html": ".html", "from": ".txt"}
"""What words are made of, and what an editor takes each for."""
_FIELDS = {"from": "from_line"}
"""Where `Texts` calls a part by another name."""
_ROUNDS = 20
"""Times that an editor is opened again for words that cannot be used."""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """The words of one scope, as they are listed."""

    scope: str
    language: str
    source: str
    """From where they come: `own`, `site`, `shipped`."""
    shipped_changed: bool
    """The shipped words are not those any more that these were made from."""
    unused: bool
    """It has words of its own, but its policy says that others are used."""
    changed_by: str
    changed_at: float | None


_COLUMNS: tuple[Column[DraftLine], ...] = (
    Column("scope", lambda line: line.scope, elastic=True),
    Column("language", lambda line: line.language),
    Column("words", lambda line: line.source + (", unused" if line.unused else "")),
    Column("shipped", lambda line: "changed since" if line.shipped_changed else "", spare=True),
    Column("changed", lambda line: moment(line.changed_at), spare=True),
    Column("by", lambda line: line.changed_by, spare=True),
)
_language = click.option("--language", default="en", show_default=True, metavar="TAG", help="Of which the words are.")
_kind = click.option(
    "--kind", type=click.Choice([kind.value for kind in TextKind]), default=TextKind.CHALLENGE.value, show_default=True,
    help="What the words are for.",
)  # fmt: skip
_scope = click.argument("scope", default="site", metavar="[SCOPE]")
_file = click.Path(path_type=Path, dir_okay=False, exists=True)
_Command = Callable[..., None]


def _words(command: _Command) -> _Command:
    """Let a command take words; what is not named stays as it is."""
    for option in (
        click.option("--from", "from_line", default=None, metavar="LINE", help="Name <address>, or an address."),
        click.option("--html", "html", type=_file, metavar="FILE", help="The HTML part."),
        click.option("--text", "text", type=_file, metavar="FILE", help="The text part."),
        click.option("--subject", "subject", default=None, metavar="LINE", help="The subject."),
    ):
        command = option(command)
    return command


@click.group()
@early_config_option
def templates() -> None:
    """See and change the words of challenges, and of notices.

    SCOPE is site, or a domain.
    """


@templates.command("list")
@config_option
@json_option
@_kind
@click.option("--language", default="", metavar="TAG", help="Only words in this language.")
@click.option("--search", default="", metavar="WORDS", help="Only domains with these words in their names.")
def list_(config: Path | None, as_json: bool, kind: str, language: str, search: str) -> None:
    """List whose words are used where, and which shipped ones have changed since."""

    async def work(at: Editing) -> list[Draft]:
        tags = [language] if language else at.editor.languages()
        found = [await at.editor.drafts(at.context.viewer, tag, search, most=None) for tag in tags]
        return [draft for drafts in found for draft in drafts]

    listing = Listing(_COLUMNS, "There is no such language.", as_json=as_json)
    listing.page([_line(draft) for draft in editing(config, kind, work)])
    listing.end()


@templates.command()
@config_option
@json_option
@_kind
@_language
@click.option("--part", type=click.Choice(list(PARTS)), help="This part alone, as it is kept.")
@_scope
def show(config: Path | None, as_json: bool, kind: str, language: str, part: str | None, scope: str) -> None:
    """Show the words in force."""
    draft = editing(config, kind, lambda at: at.draft(scope, language))
    if part is not None and not as_json:
        click.echo(on_lines(_part_of(draft.texts, part)).rstrip("\n"))
    elif as_json:
        # Imported here, as wherever the API's shapes are used: they take a third of a second.
        from challenge_web.api.templates import template_of

        print_json(template_of(draft))
    else:
        line, texts = _line(draft), draft.texts
        print_facts(
            [
                ("scope", f"{line.scope}, {line.language}"),
                ("words", f"{line.source}{', not used by its policy' if line.unused else ''}"),
                ("shipped words", "have changed since; `templates keep` notes that you have looked at them"
                 if line.shipped_changed else "are those these were made from"),
                ("from", texts.from_line or "(as configured)"),
                ("subject", texts.subject.strip()),
            ]
        )  # fmt: skip
        click.echo(f"\n--- text\n{on_lines(texts.text)}\n--- html\n{on_lines(texts.html)}".rstrip("\n"))


@templates.command("set")
@config_option
@json_option
@_kind
@_language
@_words
@click.option("--dry-run", is_flag=True, help="Only check them.")
@_scope
def set_(
    config: Path | None,
    as_json: bool,
    kind: str,
    language: str,
    dry_run: bool,
    scope: str,
    **words: str | Path | None,
) -> None:
    """Change the words; what is not named stays. They are used from the next mail on."""
    if all(value is None for value in words.values()):
        raise WrongUse("say what to change: --subject LINE, --text FILE, --html FILE, --from LINE")

    async def work(at: Editing) -> None:
        draft = await at.draft(scope, language)
        texts = changed(draft.texts, words)
        if dry_run:
            at.sample(draft, texts)
        elif faults := await at.save(draft, texts):
            raise CommandError(told(faults))

    editing(config, kind, work)
    said = "the words are good" if dry_run else f"saved for {scope}; the next {kind} is written with them"
    print_done(said, as_json, _done(kind, scope, language, "checked" if dry_run else "saved"))


@templates.command()
@config_option
@_kind
@_language
@click.argument("part", type=click.Choice(list(PARTS)))
@_scope
def edit(config: Path | None, kind: str, language: str, part: str, scope: str) -> None:
    """Change one part of the words in an editor ($VISUAL, $EDITOR)."""
    draft = editing(config, kind, lambda at: at.draft(scope, language))
    typed, faults = _part_of(draft.texts, part), list[Fault]()
    for _ in range(_ROUNDS):
        edited = click.edit(typed, extension=PARTS[part])
        if edited is None or (edited == typed and not faults):
            click.echo("nothing was changed")
            return
        typed, texts = edited, changed(draft.texts, {_FIELDS.get(part, part): edited})
        faults = list(editing(config, kind, lambda at: at.save(draft, texts)))  # noqa: B023 called here
        if not faults:
            click.echo(f"saved for {scope}; the next {kind} is written with them")
            return
        click.echo(told(faults), err=True)
        click.confirm("Edit again?", default=True, abort=True, err=True)
    raise CommandError(told(faults))


@templates.command()
@config_option
@json_option
@_kind
@_language
@_words
@click.option("--as-html", is_flag=True, help="Print the HTML instead of the text.")
@_scope
def preview(
    config: Path | None, as_json: bool, kind: str, language: str, as_html: bool, scope: str, **words: str | Path | None
) -> None:
    """Fill the words in for a mail that nobody sent: those in force, with what is named in place of theirs."""

    async def work(at: Editing) -> Sample:
        draft = await at.draft(scope, language)
        return at.sample(draft, changed(draft.texts, words))

    sample = editing(config, kind, work)
    if as_json:
        from challenge_web.api.templates import sample_of

        print_json(sample_of(sample))
    elif as_html:
        click.echo(on_lines(sample.html))
    else:
        print_facts([("from", sample.sender), ("subject", sample.subject.strip()), ("octets", str(sample.octets))])
        click.echo("\n" + on_lines(sample.text).rstrip("\n"))


@templates.command("sample")
@config_option
@json_option
@_kind
@_language
@_words
@_scope
@click.argument("address")
def sample_(
    config: Path | None,
    as_json: bool,
    kind: str,
    language: str,
    scope: str,
    address: str,
    **words: str | Path | None,
) -> None:
    """Send the words, filled in, to ADDRESS."""
    to = Address.of(address.strip())
    if to.is_null or "@" not in to.text:
        raise WrongUse(f"{address} is no address; write it as joe@example.org")

    async def work(at: Editing) -> bool:
        # Imported here: only this sends one.
        from gateway.flow.sample_mail import SampleMail

        draft = await at.draft(scope, language)
        texts = changed(draft.texts, words)
        at.sample(draft, texts)
        viewer = replace(at.context.viewer, reach=Reach(site=True, addresses=frozenset({to.text})))
        with progress("sending"):
            async with at.context.ways_out() as ways:
                sent = await SampleMail(at.compose, ways.courier).send(viewer, draft.scope, language, texts)
        await at.note("texts-scope", draft, "sample sent" if sent else "sample not sent")
        return sent

    if not editing(config, kind, work):
        raise CommandError("the sample was not taken; try again in a few minutes")
    said = f"a sample is on its way to {to.text}"
    print_done(said, as_json, _done(kind, scope, language, "sent"))


@templates.command()
@config_option
@json_option
@_kind
@_language
@_scope
def reset(config: Path | None, as_json: bool, kind: str, language: str, scope: str) -> None:
    """Go back to the words from further up."""

    async def work(at: Editing) -> bool | None:
        draft = await at.draft(scope, language)
        done = await at.editor.reset(at.context.viewer, draft.scope, language)
        if done:
            await at.note("texts-reset", draft, "reset")
        return done

    if not editing(config, kind, work):
        raise CommandError(f"{scope} has no words of its own in {language}")
    said = f"the own words of {scope} are gone; those from further up are used again"
    print_done(said, as_json, _done(kind, scope, language, "reset"))


@templates.command()
@config_option
@json_option
@_kind
@_language
@_scope
def keep(config: Path | None, as_json: bool, kind: str, language: str, scope: str) -> None:
    """Note that the change of the shipped words was looked at: own words stay as they are."""

    async def work(at: Editing) -> bool | None:
        draft = await at.draft(scope, language)
        done = await at.editor.keep_as_seen(at.context.viewer, draft.scope, language)
        if done:
            await at.note("texts-seen", draft, "")
        return done

    if not editing(config, kind, work):
        raise CommandError(f"{scope} has no words of its own in {language}")
    said = "noted; `templates list` tells when the shipped words change again"
    print_done(said, as_json, _done(kind, scope, language, "kept"))


def _done(kind: str, scope: str, language: str, done: str) -> dict[str, str]:
    return {"kind": kind, "scope": scope, "language": language, "done": done}


def _part_of(texts: Texts, part: str) -> str:
    return str(getattr(texts, _FIELDS.get(part, part)))


def _line(draft: Draft) -> DraftLine:
    return DraftLine(
        scope=name_of(draft.scope),
        language=draft.language,
        source=draft.source,
        shipped_changed=draft.shipped_changed,
        unused=draft.unused,
        changed_by=draft.own.changed_by if draft.own else "",
        changed_at=draft.own.changed_at if draft.own else None,
    )
