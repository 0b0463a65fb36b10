"""What the pages say of a file that is being saved: how far it is, and what it did."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.phrase import chain, phrase, phrases
from gateway.flow.list_work import Bringing
from gateway.flow.order_ports import OrderState


@dataclass(frozen=True, slots=True)
class Told:
    """How far a file is, in words."""

    text: str
    more: str
    """What was saved; "" before there is anything."""
    button: str
    """What can be done about it; "" for nothing."""


def told(order: Bringing) -> Told:
    """Put it into words."""
    lines = phrases(order.total, "{n} line", "{n} lines")
    if order.state is OrderState.GATHERING:
        return Told(phrase("The file is being read."), "", phrase("Stop"))
    if order.open:
        text = phrase("{count} of {lines} saved.", count=order.done, lines=lines)
    elif order.state is OrderState.UNDONE:
        text = phrase("Stopped: {count} of {lines} saved.", count=order.done, lines=lines)
    else:
        text = phrase("The file is saved. The entries count from the next mail on.")
    saved = order.saved
    parts = [
        phrase("{count} new", count=saved.new),
        phrase("{count} changed", count=saved.changed),
        phrase("{count} there already", count=saved.known),
        phrase("{count} left out", count=saved.refused),
    ]
    return Told(text, chain(", ", parts), phrase("Stop") if order.open else "")
