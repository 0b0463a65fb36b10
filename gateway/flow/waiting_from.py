"""What waits from whom an entry blocks: count it, and let it be deleted with the entry, by an order that can be undone."""

from __future__ import annotations

from gateway.domain.address import without_tag
from gateway.domain.lists import SOURCE_KINDS, parse_pattern, parse_scope
from gateway.domain.query import Term, search_words
from gateway.domain.roles import Right, Viewer
from gateway.flow.moderate import Action
from gateway.flow.order_ports import Order, Wish
from gateway.flow.orders import Orders
from gateway.flow.queue import MOST_COUNTED
from gateway.flow.queue_ports import LANES, MACHINE, Owner, Place, QueueStore, Selection


class WaitingFrom:
    """Finds what waits from a sender, a domain or a source, within a person's reach."""

    def __init__(self, store: QueueStore, orders: Orders) -> None:
        self._store = store
        self._orders = orders

    async def count(self, viewer: Viewer, pattern: str, whose: str) -> int | None:
        """Return how many wait, counting to MOST_COUNTED + 1; None for a faulty entry, or one that is not his.

        pattern, whose: as they are typed for a new entry.
        """
        chosen = _selection(viewer, pattern, whose)
        return None if chosen is None else await self._store.look(lambda tx: tx.queue.count(chosen, MOST_COUNTED))

    async def delete(self, viewer: Viewer, nonce: str, pattern: str, whose: str) -> Order | None:
        """Order that all of it is deleted; None as above. A form that is sent twice makes one order."""
        chosen = _selection(viewer, pattern, whose)
        return None if chosen is None else await self._orders.give_all(viewer, Wish(Action.DELETE, nonce), chosen)


def _selection(viewer: Viewer, pattern: str, whose: str) -> Selection | None:
    try:
        named, scope = parse_pattern(pattern), parse_scope(whose)
    except ValueError:
        return None
    if not viewer.may(Right.MODERATE) or not viewer.reach.covers_scope(scope):
        return None
    place = _place(scope)
    if named.startswith(SOURCE_KINDS):
        return Selection(place, lanes=(MACHINE,), source=named)
    # The words find few rows, and the sender is what is compared.
    words = Term(tuple(search_words(named).split()), "from", whole=True)
    return Selection(place, lanes=LANES, terms=(words,), sender=named)


def _place(scope: str) -> Place:
    if not scope:
        return Place(site=True)
    if scope.startswith("@"):
        return Place(domains=(scope[1:],))
    base = without_tag(scope)
    return Place(owners=(Owner(scope.rpartition("@")[2], base, "" if base == scope else scope),))
