"""What the pages say of an order: what was done, how far it is, and what can still be undone."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.phrase import chain, phrase, phrases
from gateway.flow.moderate import Action
from gateway.flow.order_ports import Order, OrderState

_DONE = {
    Action.DELIVER: phrase("Delivered"),
    Action.AUTHORIZE: phrase("Delivered, and the sender is allowed"),
    Action.BLACKLIST: phrase("Blocked"),
    Action.DELETE: phrase("Deleted"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """An order in words."""

    order: Order
    text: str
    more: str
    """What did not go well; "" where all did."""
    button: str
    """What can still be done: Undo, Stop, or nothing."""
    seconds: int
    """Left to undo."""
    done: int
    most: int
    open: bool
    under_way: bool
    """True while mails are moved one after the other: how far it has come is worth a look."""
    kind: str


def told(order: Order, now: float) -> Told:
    """Put an order into words."""
    settled = order.done + order.failed
    rows = phrases(order.total, "{n} mail", "{n} mails")
    verb, button, seconds = _DONE[order.action], "", 0
    done = order.done
    if order.state is OrderState.GATHERING:
        text, button = phrase("{verb}: {rows} so far; more are being looked for.", verb=verb, rows=rows), phrase("Undo")
    elif order.state is OrderState.WAITING:
        seconds = max(0, round(order.due_at - now))
        text, button = phrase("{verb}: {rows}.", verb=verb, rows=rows), phrase("Undo")
    elif order.state is OrderState.RUNNING:
        text, button = phrase("{verb}: {count} of {rows}.", verb=verb, count=settled, rows=rows), phrase("Stop")
    elif order.state is OrderState.UNDOING:
        text = phrase("Taking it back: {rows}.", rows=rows)
    elif order.state is OrderState.UNDONE:
        text = phrases(order.total, "Undone. {n} mail is back in the list.", "Undone. {n} mails are back in the list.")
    elif order.total == 0:
        text = phrase("Nothing was done.")
    elif settled < order.total:
        text = phrase(
            "Stopped. {verb}: {count} of {rows}; the others are back in the list.", verb=verb, count=done, rows=rows
        )
    elif order.failed:
        text = phrase("{verb}: {count} of {rows}.", verb=verb, count=done, rows=rows)
    else:
        text = phrase("{verb}: {rows}.", verb=verb, rows=rows)
    problems: list[str] = []
    if order.missed:
        problems.append(
            phrases(
                order.missed,
                "{n} could not be had: not there, settled meanwhile, or somebody else was faster.",
                "{n} could not be had: not there, settled meanwhile, or somebody else was faster.",
            )
        )
    if order.failed:
        problems.append(phrases(order.failed, "{n} could not be moved any more.", "{n} could not be moved any more."))
    is_open = order.state not in (OrderState.DONE, OrderState.UNDONE)
    return Told(
        order=order,
        text=text,
        more=chain(" ", problems) if problems else "",
        button=button,
        seconds=seconds,
        done=settled,
        most=order.total,
        open=is_open,
        under_way=order.state in (OrderState.RUNNING, OrderState.UNDOING),
        kind="warn" if problems else "done",
    )
