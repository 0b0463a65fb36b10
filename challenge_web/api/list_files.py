"""Allow and deny entries as files: brought in, a long one piece by piece, and taken out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import (
    Call,
    Created,
    Nothing,
    Octets,
    Operation,
)
from challenge_web.api.problems import Problem, invalid, not_found, sentence
from challenge_web.console.routes import Names
from gateway.domain.lists import parse_scope
from gateway.domain.roles import Right
from gateway.flow.list_files import COLUMNS, cells
from gateway.flow.list_import import ListFiles, Plan
from gateway.flow.list_work import Bringing, FileSaver

_CSV = "text/csv"


class ImportWish(Struct, frozen=True, forbid_unknown_fields=True, rename={"whose": "for"}):
    """A file that is brought."""

    text: Annotated[str, Meta(min_length=1, description="At most 1 MB.")]
    form: Annotated[Literal["csv", "allow", "deny"], Meta(description="CSV, or one pattern on each line.")] = "csv"
    whose: Annotated[str, Meta(max_length=320, description="For lines that name nobody.")] = ""


class LineFault(Struct, frozen=True):
    """A line that is none."""

    line: int
    reason: str


class ImportPlan(Struct, frozen=True):
    """What a file would do; it is kept until it is saved."""

    id: int
    new: int
    changed: int
    known: int
    faults: tuple[LineFault, ...]


class ImportWork(Struct, frozen=True):
    """How far a file is; the numbers are those of what is saved."""

    id: int
    state: Annotated[str, Meta(description="`gathering`, `running`, `done`, or `undone`: stopped.")]
    open: Annotated[bool, Meta(description="true: it goes on.")]
    total: Annotated[int, Meta(description="Lines; 0 until it is read.")]
    done: int
    new: int
    changed: int
    known: int
    refused: int


class ExportQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which entries."""

    verdict: Literal["", "allow", "deny"] = ""


class ListFileResource:
    """The operations on files of entries."""

    def __init__(self, files: ListFiles, saver: FileSaver) -> None:
        self._files = files
        self._saver = saver

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        see, edit, brought = Right.SEE_LISTS, Right.EDIT_LISTS, "/lists/imports/{id}"
        return (
            Operation("exportEntries", "GET", "/lists/export", see, self.export, "Get entries as CSV.", _CSV, ExportQuery),
            Operation(
                "importEntries", "POST", "/lists/imports", edit, self.bring, "Bring a file, and see what it would do.",
                ImportPlan, body=ImportWish, status=201,
            ),
            Operation("getImport", "GET", brought, edit, self.preview, "See what a file would do.", ImportPlan,
                      names=Names.OTHER),
            Operation("saveImport", "POST", f"{brought}/save", edit, self.save,
                      "Save a file; a long one piece by piece, which goes on behind the answer.", ImportWork,
                      names=Names.OTHER, status=202),
            Operation("getImportWork", "GET", f"{brought}/work", edit, self.work, "See how far a file is.", ImportWork,
                      names=Names.OTHER),
            Operation("stopImport", "DELETE", f"{brought}/work", edit, self.stop,
                      "Stop saving a file; what was saved stays.", names=Names.OTHER, problems=(409,)),
        )  # fmt: skip

    async def export(self, call: Call[ExportQuery, None]) -> Octets:
        """Return the viewer's entries as CSV."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\r\n")
        lines.writerow(COLUMNS)
        async for page in self._files.export(call.viewer, call.query.verdict):
            lines.writerows(cells(page))
        return Octets(text.getvalue().encode(), _CSV, "lists.csv")

    async def bring(self, call: Call[Nothing, ImportWish]) -> Created:
        """Keep a file, and say what it would do."""
        told = call.body
        try:
            scope = parse_scope(told.whose)
        except ValueError as fault:
            raise invalid("for", sentence(str(fault))) from None
        try:
            number = await self._files.bring(call.viewer, told.text, told.form, scope)
        except ValueError as fault:
            raise invalid("text", sentence(str(fault))) from None
        except PermissionError:
            raise invalid("for", "That is not yours to decide. Choose an address or a domain of your own.") from None
        return Created(_plan(number, await self._files.preview(call.viewer, number)), f"/lists/imports/{number}")

    async def preview(self, call: Call[Nothing, None]) -> ImportPlan:
        """Say what saving would do."""
        return _plan(call.id, await self._files.preview(call.viewer, call.id))

    async def save(self, call: Call[Nothing, None]) -> ImportWork:
        """Save the good lines."""
        return _work(await self._saver.save(call.viewer, call.id))

    async def work(self, call: Call[Nothing, None]) -> ImportWork:
        """Say how far it is."""
        return _work(await self._saver.at(call.viewer, call.id))

    async def stop(self, call: Call[Nothing, None]) -> None:
        """Let it end where it is."""
        stopped = await self._saver.stop(call.viewer, call.id)
        if stopped is None:
            raise not_found()
        if not stopped:
            raise Problem("conflict", "It had ended already.")


def _plan(number: int, plan: Plan | None) -> ImportPlan:
    if plan is None:
        raise not_found()
    faults = tuple(LineFault(fault.number, fault.words) for fault in plan.faults)
    return ImportPlan(number, len(plan.new), len(plan.changed), len(plan.known), faults)


def _work(order: Bringing | None) -> ImportWork:
    if order is None:
        raise not_found()
    saved = order.saved
    return ImportWork(
        order.draft_id,
        order.state.value,
        order.open,
        order.total,
        order.done,
        saved.new,
        saved.changed,
        saved.known,
        saved.refused,
    )
