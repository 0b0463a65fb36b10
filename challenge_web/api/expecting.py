"""Expected mail: windows in which proven strangers pass, opened and shut."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, Created, Nothing, Operation, when
from challenge_web.api.problems import Problem, invalid, not_found, sentence
from challenge_web.console.routes import Names
from gateway.domain.durations import DAY, MINUTE
from gateway.domain.expecting import Window, parse_sender_domain
from gateway.domain.roles import Right
from gateway.flow.expecting import Expecting, Refused


class PassedMail(Struct, frozen=True):
    """A mail that came in through a window."""

    at: datetime
    recipient: str
    sender: str
    subject: str


class ExpectedWindow(Struct, frozen=True):
    """A time in which mail is expected."""

    id: int
    address: str
    opens: Annotated[str, Meta(description="The address itself, or a tagged one.")]
    open: bool
    starts_at: datetime
    ends_at: datetime
    once: bool
    domain: Annotated[str, Meta(description='Of the authors it is for; "" is any.')]
    uses: int
    passed: tuple[PassedMail, ...]


class WindowList(Struct, frozen=True):
    """Windows: those that are open first, then those that ended last."""

    items: tuple[ExpectedWindow, ...]


class WindowWish(Struct, frozen=True, forbid_unknown_fields=True):
    """A window to be opened."""

    address: Annotated[str, Meta(max_length=320)]
    kind: Annotated[Literal["address", "tag"], Meta(description="The address itself, or one made for it.")] = "address"
    minutes: Annotated[int, Meta(ge=15, le=120, description="For `address`.")] = 30
    days: Annotated[int, Meta(ge=1, le=365, description="For `tag`.")] = 7
    once: bool = False
    domain: Annotated[str, Meta(max_length=255)] = ""


class ExpectingResource:
    """The operations on windows."""

    def __init__(self, expecting: Expecting) -> None:
        self._expecting = expecting

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        act, one = Right.MODERATE, "/expecting/{id}"
        return (
            Operation("listWindows", "GET", "/expecting", Right.SEE_POLICY, self.windows, "List windows.", WindowList,
                      also=(Right.SEE_PENDING,)),
            Operation("openWindow", "POST", "/expecting", act, self.start, "Expect mail.", ExpectedWindow,
                      body=WindowWish, status=201, problems=(404,)),
            Operation("stopWindow", "DELETE", one, act, self.stop, "Stop expecting mail.", names=Names.OTHER),
        )  # fmt: skip

    async def windows(self, call: Call[Nothing, None]) -> WindowList:
        """Return windows within reach."""
        hall = await self._expecting.hall(call.viewer)
        return WindowList(
            tuple(
                _window(
                    shown.window,
                    shown.open,
                    tuple(PassedMail(when(one.at), one.recipient, one.sender, one.subject) for one in shown.passed),
                )
                for shown in hall.windows
            )
        )

    async def start(self, call: Call[Nothing, WindowWish]) -> Created:
        """Open a window."""
        told = call.body
        tagged = told.kind == "tag"
        try:
            domain = parse_sender_domain(told.domain)
        except ValueError as fault:
            raise invalid("domain", sentence(str(fault))) from None
        seconds = told.days * DAY if tagged else told.minutes * MINUTE
        try:
            window = await self._expecting.start(
                call.viewer, told.address, seconds, tagged=tagged, once=told.once, domain=domain
            )
        except Refused as refused:
            raise Problem("conflict", str(refused)) from None
        if window is None:
            raise not_found()
        return Created(_window(window, True, ()), f"/expecting/{window.id}")

    async def stop(self, call: Call[Nothing, None]) -> None:
        """Shut a window."""
        if not await self._expecting.stop(call.viewer, call.id):
            raise not_found()


def _window(window: Window, is_open: bool, passed: tuple[PassedMail, ...]) -> ExpectedWindow:
    return ExpectedWindow(
        window.id,
        window.address,
        window.opens,
        is_open,
        when(window.starts_at),
        when(window.ends_at),
        window.once,
        window.domain,
        window.uses,
        passed,
    )
