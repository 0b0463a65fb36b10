"""`requests`: who asks for a mail that he may not let go himself, and what is decided."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import click

from gateway.cli.access import with_store
from gateway.cli.context import CommandContext, noted
from gateway.cli.faults import CommandError
from gateway.cli.operator import operator
from gateway.cli.options import RowId, config_option, early_config_option, json_option, settings_of
from gateway.cli.output import Column, Listing, moment, note, print_done, print_facts, print_json
from gateway.domain.address import Address
from gateway.domain.reply import Reply
from gateway.flow.release_ports import Case, ReleaseRequest, RequestLetterKind, RequestState
from gateway.flow.releases import Asked, Decided, Releases
from gateway.requests_and_notices import make_forwarder, make_releases
from gateway.store.store import Store


def _author(case: Case) -> str:
    return (case.mail.author or case.mail.sender or "<>") if case.mail is not None else ""


def _subject(case: Case) -> str:
    return case.mail.subject if case.mail is not None else ""


_COLUMNS: tuple[Column[Case], ...] = (
    Column("id", lambda case: case.request.id),
    Column("state", lambda case: case.request.state.value),
    Column("asked", lambda case: moment(case.request.asked_at)),
    Column("by", lambda case: case.request.asked_by or "(by number)", elastic=True),
    Column("for", lambda case: case.request.recipient_key, elastic=True),
    Column("from", _author, elastic=True),
    Column("subject", _subject, elastic=True),
    Column("mail", lambda case: case.request.row, spare=True),
    Column("decided by", lambda case: case.request.decided_by, spare=True),
)


@click.group()
@early_config_option
def requests() -> None:
    """See who asks for the release of a mail, and decide."""


@requests.command("list")
@config_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Also those that are settled.")
@click.option(
    "--most", default=50, show_default=True, metavar="N", type=click.IntRange(1, 1_000_000), help="How many to list."
)
def list_(config: Path | None, as_json: bool, everything: bool, most: int) -> None:
    """List requests, the newest first; only those that are open, unless --all is given."""
    listing = Listing(_COLUMNS, "Nobody waits for an answer.", as_json=as_json, shape=_told)

    async def work(store: Store) -> bool:
        releases, before, left = await _opened(store), 0, most
        while left:
            state = None if everything else RequestState.OPEN
            cases, before = await releases.page(operator(), state, before, min(left, 200)) or ((), 0)
            listing.page(cases)
            left -= len(cases)
            if not before:
                return False
        return True

    more = with_store(config, work)
    listing.end()
    if more:
        note(f"these are {most}; --most N shows more at a time")


@requests.command()
@config_option
@json_option
@click.argument("number", metavar="ID", type=RowId())
def show(config: Path | None, as_json: bool, number: int) -> None:
    """Show one request, and who was told of it."""

    async def work(store: Store) -> Case | None:
        return await (await _opened(store)).one(operator(), number)

    case = with_store(config, work)
    if case is None:
        raise CommandError(f"there is no request {number}; `requests list --all` lists them")
    if as_json:
        print_json(_told(case))
        return
    request = case.request
    facts = [
        ("state", request.state.value),
        ("asked", moment(request.asked_at)),
        ("by", request.asked_by or "somebody who knew the number of the mail"),
        ("words", request.words or "(none)"),
        ("for", request.recipient_key),
        ("mail", f"{request.row}: {_subject(case) or '(no subject)'}, from {_author(case)}"),
    ]
    if request.decided_by:
        facts.append(("decided", f"{moment(request.changed_at)} by {request.decided_by}"))
    if request.why:
        facts.append(("why", request.why))
    if request.inspected_at is not None:
        facts.append(("copy", f"{moment(request.inspected_at)} by {request.inspected_by}"))
    facts += [(f"mail ({one.kind.value})", f"{one.mailbox}: {one.state} {one.last_reply}") for one in case.told]
    if request.state is RequestState.OPEN and case.nobody_told:
        facts.append(("note", "nobody in charge was told by mail: no admin has a mailbox that takes it"))
    print_facts(facts)


@requests.command()
@config_option
@json_option
@click.option("--words", default="", help="What the recipient says.")
@click.argument("mail", metavar="MAIL", type=RowId())
def ask(config: Path | None, as_json: bool, words: str, mail: int) -> None:
    """Ask for a mail on behalf of its recipient, who gets the answer. MAIL is the id of a mail that waits."""

    async def work(store: Store) -> tuple[Asked | None, ReleaseRequest | None]:
        releases = await _opened(store)
        asked = await releases.ask_for(operator(), mail, words)
        if asked is Asked.SENT:
            await noted(store, "message-ask-release", mail, asked.value)
        return asked, await releases.of_mail(operator(), mail)

    asked, request = with_store(config, work)
    if asked is None:
        raise CommandError(f"no mail {mail} waits; `pending list` lists what does")
    if asked is Asked.LIMITED:
        raise CommandError("too many requests of this recipient are open, or were made today")
    assert request is not None
    if as_json:
        print_json({"result": asked.value, "request": _request(request)})
    else:
        click.echo(
            f"request {request.id}: {'made' if asked is Asked.SENT else request.state.value + ', was made before'}"
        )


@requests.command()
@config_option
@json_option
@click.option("--why", default="", help="A word to the person who asked.")
@click.argument("number", metavar="ID", type=RowId())
def release(config: Path | None, as_json: bool, why: str, number: int) -> None:
    """Let the mail of a request go to its recipient, and to nobody else."""
    _decide(config, as_json, number, "request-release", lambda releases: releases.release(operator(), number, why))


@requests.command()
@config_option
@json_option
@click.option("--why", default="", help="A word to the person who asked.")
@click.argument("number", metavar="ID", type=RowId())
def refuse(config: Path | None, as_json: bool, why: str, number: int) -> None:
    """Do not let the mail of a request go. It stays where it is."""
    _decide(config, as_json, number, "request-refuse", lambda releases: releases.refuse(operator(), number, why))


def _decide(
    config: Path | None,
    as_json: bool,
    number: int,
    deed: str,
    decide: Callable[[Releases], Awaitable[Decided | None]],
) -> None:
    async def work(store: Store) -> Decided | None:
        # The running service finds the mail to deliver, and the answer to send, within a second.
        decided = await decide(await _opened(store))
        if decided is not None and decided.done:
            await noted(store, deed, number, f"mail {decided.request.row} for {decided.request.recipient_key}")
        return decided

    decided = with_store(config, work)
    if decided is None:
        raise CommandError(f"there is no request {number}; `requests list --all` lists them")
    if not decided.done:
        raise CommandError(
            f"nothing was done: request {number} is {decided.request.state.value}, or its mail has ended"
        )
    print_done(f"request {number}: {decided.request.state.value}", as_json, _request(decided.request))


@requests.command()
@config_option
@json_option
@click.argument("number", metavar="ID", type=RowId())
@click.argument("address")
def inspect(config: Path | None, as_json: bool, number: int, address: str) -> None:
    """Send a copy of the mail of a request to ADDRESS, as an attachment. The request stays open.

    ADDRESS is a mailbox that was told of the request, or one of [console] forward_to.
    """
    settings = settings_of(config)

    async def work(store: Store) -> Reply | None:
        # Imported here: only this command sends anything.
        from gateway.flow.read import Reading
        from gateway.reading.reader import Reader

        releases, to = await _opened(store), Address.of(address.strip()).key
        case = await releases.one(operator(), number)
        if case is None:
            raise CommandError(f"there is no request {number}; `requests list --all` lists them")
        told = {one.mailbox for one in case.told if one.kind is RequestLetterKind.ASK}
        if to not in told | {Address.of(one).key for one in settings.console.forward_to if one}:
            raise CommandError(
                f"{address} is neither a mailbox that was told of the request nor in [console] forward_to"
            )
        async with AsyncExitStack() as stack:
            reader = Reader()
            stack.push_async_callback(reader.close)
            ways = await stack.enter_async_context(CommandContext(settings, store, operator()).ways_out())
            forwarder = make_forwarder(settings, store, Reading(store, reader, []), ways.courier, time.time)
            answer = await forwarder.inspect(operator(), case.request.row, to)
        if answer is not None and answer.accepted:
            await releases.inspected(operator(), number)
            await noted(store, "request-inspect", number, f"copy to {to}: {answer.code}")
        return answer

    answer = with_store(config, work)
    if answer is None or not answer.accepted:
        raise CommandError(f"no copy was sent: {answer or 'the content of the mail is not kept any more'}")
    print_done(f"a copy went to {address}", as_json, {"accepted": answer.accepted, "reply": str(answer)})


async def _opened(store: Store) -> Releases:
    return make_releases(store, await store.key("site"), time.time)


def _request(request: ReleaseRequest) -> object:
    from challenge_web.api.releases import request_of

    return request_of(request)


def _told(case: Case) -> object:
    """Return a request as the API tells it."""
    # Imported here, as wherever the API's shapes are used: they take a third of a second.
    from challenge_web.api.releases import case_of

    return case_of(case)
