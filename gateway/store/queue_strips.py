"""The pending list, cut into strips.

Each of them lies in the order wanted in one index: a lane of the site, of a domain or of a recipient, or the rows of one
state that no longer wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.domain.lifecycle import State
from gateway.flow.queue_ports import MACHINE, Key, Owner, Place, Selection
from gateway.store.queue_order import behind, sign_of
from gateway.store.queue_sql import Clause, Values


@dataclass(frozen=True, slots=True)
class Strip:
    """A stretch of the list."""

    where: Clause
    arrival: str
    """The index that holds it, in the order of arrival."""
    ordered: str
    """The index that holds it in the order wanted, maybe with other rows between."""
    line: Clause
    """What that index knows of `where`."""
    scored: str
    """The index that holds it, and knows the scores."""
    place: Place
    lane: str = ""
    """"" where it is none that waits."""
    state: State = State.PENDING

    def within(self, chosen: Selection) -> Selection:
        """Return what of a selection lies in it."""
        lanes = (self.lane,) if self.lane else chosen.lanes
        return replace(chosen, place=self.place, lanes=lanes, states=(self.state,))

    @property
    def alone(self) -> bool:
        """True where the index in the order wanted holds nothing else between the rows."""
        return self.line == self.where


def places_of(strips: Iterable[Strip]) -> Place:
    """Return where some strips lie; none of them is the site's."""
    places = dict.fromkeys(strip.place for strip in strips)
    domains = tuple(domain for place in places for domain in place.domains)
    return Place(domains=domains, owners=tuple(owner for place in places for owner in place.owners))


def behind_in(strip: Strip, sort: str, key: Key | None, descending: bool, *, itself: bool = False) -> Clause | None:
    """Return the same condition for a strip; None where all of it lies in front of the key."""
    if key is None or sort != "recipient" or strip.place.site:
        return behind(sort, key, descending, itself=itself)
    # Within a domain, or a recipient's mail, what all rows share is not compared: no index would be of use for it.
    (domain, owner), own = key[:2], strip.place
    mine = own.domains[0] if own.domains else own.owners[0].domain
    if mine != domain:
        return Clause("") if (mine < str(domain)) is descending else None
    sign = sign_of(descending, itself)
    if own.domains:
        return Clause(f"(owner, age) {sign} (?, ?)", key[1:])
    mine = own.owners[0].key
    if mine != owner:
        return Clause("") if (mine < str(owner)) is descending else None
    return Clause(f"age {sign} ?", key[2:])


def waiting_strips(chosen: Selection, sort: str) -> Iterator[Strip]:
    """Cut what waits into strips."""
    name = "age" if sort == "arrival" else sort
    near = "queue_place" if sort == "recipient" else f"queue_domain_{name}"
    source = Clause("source = ?", (chosen.source,)) if chosen.source else Clause("")
    for lane in chosen.lanes:
        if source.sql and lane != MACHINE:
            continue  # People's mail has no source; and no index would know of it.
        # A partial index is used only where the statement bears its condition letter for letter.
        line = Clause("listed = 1 AND lane = 'machine'" if lane == MACHINE else "listed = 1 AND lane = 'people'")
        if chosen.place.site:
            here = "queue_place" if sort == "recipient" else f"queue_{name}"
            arrival, scored = ("queue_source",) * 2 if source.sql else ("queue_age", "queue_score")
            yield Strip(line.and_(source), arrival, here, line, scored, Place(site=True), lane)
        for domain in chosen.place.domains:
            mine = line.and_(Clause("domain = ?", (domain,)))
            arrival, scored = ("queue_domain_source",) * 2 if source.sql else ("queue_domain_age", "queue_domain_score")
            yield Strip(mine.and_(source), arrival, near, mine, scored, Place(domains=(domain,)), lane)
        for owner in chosen.place.owners:
            mine = line.and_(Clause("domain = ?", (owner.domain,)))
            his = mine.and_(Clause("owner = ?", (owner.key,)))
            where = his.and_(tagged(owner)).and_(source)
            by_owner = sort in ("arrival", "recipient")
            arrival = "queue_domain_source" if source.sql else "queue_place"
            here = "queue_place" if by_owner else near
            yield Strip(where, arrival, here, his if by_owner else mine, arrival, Place(owners=(owner,)), lane)


def ended_strips(chosen: Selection) -> Iterator[Strip]:
    """Cut what no longer waits into strips; by arrival only."""
    for state in ended_states(chosen):
        line = Clause("listed = 0 AND state = ?", (state.value,))
        if chosen.place.site:
            yield _ended(line, line, "queue_ended", Place(site=True), state)
        for domain in chosen.place.domains:
            mine = line.and_(Clause("domain = ?", (domain,)))
            yield _ended(mine, mine, "queue_domain_ended", Place(domains=(domain,)), state)
        for owner in chosen.place.owners:
            mine = line.and_(Clause("owner = ?", (owner.key,)))
            yield _ended(mine.and_(tagged(owner)), mine, "queue_owner_ended", Place(owners=(owner,)), state)


def _ended(where: Clause, line: Clause, index: str, place: Place, state: State) -> Strip:
    return Strip(where, index, index, line, index, place, state=state)


def ended_states(chosen: Selection) -> list[State]:
    """Return the states asked for that are not waiting."""
    return [state for state in chosen.states if state is not State.PENDING]


def waiting_in(chosen: Selection) -> Clause:
    """Return the condition for rows that wait in the lanes and the place of a selection, wherever they lie."""
    lanes = Clause(f"listed = 1 AND lane IN ({', '.join('?' * len(chosen.lanes))})", chosen.lanes)
    return lanes.and_(in_place(chosen.place))


def ended_in(chosen: Selection) -> Clause:
    """Return the same for what no longer waits."""
    states = tuple(state.value for state in ended_states(chosen))
    return Clause(f"listed = 0 AND state IN ({', '.join('?' * len(states))})", states).and_(in_place(chosen.place))


def in_place(place: Place) -> Clause:
    """Return the condition for rows that may lie anywhere."""
    if place.site:
        return Clause("")
    # No index would help: rows are looked at where they lie in another order.
    pieces = [Clause(f"+domain IN ({', '.join('?' * len(place.domains))})", place.domains)]
    pieces += [Clause("owner = ?", (owner.key,)).and_(tagged(owner)) for owner in place.owners]
    values: Values = tuple(value for piece in pieces for value in piece.values)
    return Clause(f"({' OR '.join(f'({piece.sql})' for piece in pieces)})", values)


def tagged(owner: Owner) -> Clause:
    """Return the condition for mail to the sub-address that is seen; none where all of his is."""
    return Clause("recipient_key = ?", (owner.tagged,)) if owner.tagged else Clause("")
