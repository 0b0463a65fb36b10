"""`pending read`, `html`, `part`, `forward` and `ask-again`: what is in a mail, and what a person does beside settling it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import RowId, config_option, json_option
from gateway.cli.output import moment, on_lines, print_facts, print_json, print_octets, progress
from gateway.domain.explain import SILENCES
from gateway.domain.outline import Document, File, Marks, Outline, Part, Unreadable
from gateway.domain.reply import Reply
from gateway.flow.ask_again import Ruling
from gateway.flow.forward import Form
from gateway.flow.read import ContentGone, Reading, WrongContent

T = TypeVar("T")

_number = click.argument("number", metavar="ID", type=RowId())


@click.command()
@config_option
@json_option
@click.option("--headers", is_flag=True, help="Also all header fields.")
@_number
def read(config: Path | None, as_json: bool, headers: bool, number: int) -> None:
    """Read a mail: who wrote it, its text, its parts."""

    async def work(reading: Reading, context: CommandContext) -> Outline | None:
        return await reading.outline(context.viewer, number, Marks())

    outline = _read(config, number, work)
    if as_json:
        # Imported here, as wherever the API's shapes are used: they take a third of a second.
        from challenge_web.api.message_content import content_of

        print_json(content_of(outline))
        return
    facts = [
        ("subject", outline.subject),
        ("date", outline.date),
        *(("from", f"{one.name} <{one.address}>") for one in outline.authors),
        *(("to", f"{one.name} <{one.address}>") for one in outline.recipients),
        *(("copy to", f"{one.name} <{one.address}>") for one in outline.copies),
        *(("reply to", f"{one.name} <{one.address}>") for one in outline.reply_to),
        *((f"part {part.number}", _part_words(part)) for part in outline.parts if not part.is_multipart),
        *(("odd", one.sentence) for one in outline.faults),
    ]
    if headers:
        facts += [(f"{line.name}:", line.value) for line in outline.lines]
    print_facts([(topic, words.strip()) for topic, words in facts])
    for piece in outline.pieces:
        click.echo()
        click.echo(on_lines(piece.text) + ("\n[cut]" if piece.cut else ""))


def _part_words(part: Part) -> str:
    words = [part.kind, f"{part.octets} octets", part.name, "a file" if part.is_file else ""]
    return ", ".join(filter(None, words))


@click.command()
@config_option
@json_option
@click.option(
    "--part", "part", metavar="N", type=click.IntRange(0, 10_000), help="Another part than the mail's own HTML."
)
@click.option("--images", is_flag=True, help="With the images that are in the mail itself.")
@_number
def html(config: Path | None, as_json: bool, part: int | None, images: bool, number: int) -> None:
    """Print the HTML of a mail, cleaned of all that could run or load something."""

    async def work(reading: Reading, context: CommandContext) -> Document | None:
        chosen = part
        if chosen is None:
            outline = await reading.outline(context.viewer, number, Marks())
            chosen = outline.html if outline is not None else None
        if chosen is None:
            raise CommandError(f"mail {number} has no HTML; `pending read {number}` shows its text")
        return await reading.document(context.viewer, number, chosen, images, Marks())

    document = _read(config, number, work, "" if part is None else f", or it has no part {part}")
    if as_json:
        from challenge_web.api.message_content import html_of

        print_json(html_of(document))
    else:
        click.echo(on_lines(document.html))


@click.command()
@config_option
@json_option
@_number
@click.argument("part", metavar="PART", type=click.IntRange(0, 10_000))
def part(config: Path | None, as_json: bool, number: int, part: int) -> None:
    """Print one part of a mail, decoded; `pending read` numbers them."""

    async def work(reading: Reading, context: CommandContext) -> File | None:
        return await reading.file(context.viewer, number, part)

    file = _read(config, number, work, f", or it has no part {part}")
    if as_json:
        print_json(file)
    else:
        print_octets(file.octets)


@click.command()
@config_option
@json_option
@click.option("--as-is", is_flag=True, help="As it is, and not as an attachment.")
@_number
@click.argument("address")
def forward(config: Path | None, as_json: bool, as_is: bool, number: int, address: str) -> None:
    """Send a copy of a mail on for inspection. ADDRESS is one of [console] forward_to."""
    form = Form.AS_IS if as_is else Form.ATTACHMENT

    async def work(reading: Reading, context: CommandContext) -> Reply | None:
        # Imported here: only this sends a copy.
        from gateway.requests_and_notices import make_forwarder

        told = tuple(filter(None, context.settings.console.forward_to))
        if address not in told:
            names = ", ".join(told) or "which names none so far"
            raise WrongUse(f"{address} is none of [console] forward_to: {names}")
        with progress("sending"):
            async with context.ways_out() as ways:
                forwarder = make_forwarder(context.settings, context.store, reading, ways.courier, time.time)
                answer = await forwarder.forward(context.viewer, number, address, form)
        if answer is not None:
            await context.note("message-forward", number, f"{form.value} to {address}: {answer.code}")
        return answer

    answer = _read(config, number, work)
    if as_json:
        print_json({"accepted": answer.accepted, "reply": str(answer)})
    elif answer.accepted:
        click.echo(f"a copy of {number} went to {address}, {form.value}")
    if not answer.accepted:
        if as_json:
            raise SystemExit(1)
        raise CommandError(f"the copy was not taken: {answer}")


@click.command("ask-again")
@config_option
@json_option
@_number
def ask_again(config: Path | None, as_json: bool, number: int) -> None:
    """Ask the sender of a mail that waits once more. Where that is not allowed it says why, and nothing is sent."""

    async def work(context: CommandContext) -> Ruling | None:
        from gateway import verbs

        # The running service finds the new challenge by looking, within a second.
        ruling = await verbs.make_ask_again(context.settings, context.store, time.time).ask(context.viewer, number)
        if ruling is not None and ruling.challenge:
            await context.note("message-ask-again", number, f"challenge {ruling.challenge}")
        return ruling

    tell_ruling(in_context(config, work), number, as_json, f"mail {number} does not wait")


def tell_ruling(ruling: Ruling | None, number: int, as_json: bool, missing: str) -> None:
    """Say what became of a question that was to be asked again. Raises CommandError where it was not."""
    if ruling is None:
        raise CommandError(missing)
    if ruling.why_not is not None:
        later = f"; it can be asked again from {moment(ruling.from_)} on" if ruling.from_ is not None else ""
        raise CommandError(f"not asked: {SILENCES[ruling.why_not]}{later}")
    if as_json:
        print_json({"challenge": ruling.challenge, "mail": number})
    else:
        click.echo(f"challenge {ruling.challenge} goes out for mail {number}")


def _read(
    config: Path | None, number: int, work: Callable[[Reading, CommandContext], Awaitable[T | None]], missing: str = ""
) -> T:
    """Run work on mails taken apart. Raises CommandError."""

    async def at(context: CommandContext) -> T | None:
        async with _reading(context) as reading:
            return await work(reading, context)

    try:
        found = in_context(config, at)
    except (ContentGone, WrongContent):
        raise CommandError(f"the content of mail {number} is gone: its retention is over") from None
    except Unreadable as unreadable:
        raise CommandError(str(unreadable)) from unreadable
    if found is None:
        raise CommandError(f"there is no mail {number}{missing}; `pending list --state all` lists what there is")
    return found


@asynccontextmanager
async def _reading(context: CommandContext) -> AsyncIterator[Reading]:
    """Yield what reads mails, in a process that may be killed."""
    # Imported here, as assembly below: `pending list` does without both.
    from gateway.reading.reader import Reader

    reader = Reader()
    try:
        yield Reading(context.store, reader, [context.viewer.role])
    finally:
        await reader.close()
