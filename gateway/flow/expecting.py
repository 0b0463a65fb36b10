"""Expecting: people say that they expect mail, see what came, and shut the door again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.address import Address, without_tag
from gateway.domain.challenge import token_text
from gateway.domain.durations import DAY
from gateway.domain.expecting import (
    LONGEST,
    LONGEST_TAG,
    MOST_TAGS,
    MOST_WINDOWS,
    SHORTEST,
    TAG_OCTETS,
    Window,
    tagged_address,
)
from gateway.domain.levels import effective_policy, levels_above
from gateway.domain.phrase import phrase, words_of
from gateway.domain.policy import Policy
from gateway.domain.roles import Right, Viewer
from gateway.flow.arrangements import PolicyTx
from gateway.flow.transactions import StoreOf
from gateway.log import event

_log = logging.getLogger("gateway.expected")

MOST_SHOWN = 100
MEMORY = 30 * DAY
"""Seconds for which a window that has ended is shown with what came in through it."""


@dataclass(frozen=True, slots=True)
class NewWindow:
    """A window about to be kept."""

    address: str
    opens: str
    starts_at: float
    ends_at: float
    once: bool
    domain: str


@dataclass(frozen=True, slots=True)
class Passed:
    """One mail that came in through a window."""

    window: int
    at: float
    recipient: str
    sender: str
    subject: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A window as its owner sees it."""

    window: Window
    open: bool
    passed: tuple[Passed, ...]
    """The newest first; of very many, not all."""


@dataclass(frozen=True, slots=True)
class Hall:
    """What one person has to do with windows."""

    windows: tuple[Shown, ...]
    """Open ones first, then those that ended last."""
    addresses: tuple[str, ...]
    """The person's own."""
    forbidden: frozenset[str]
    """Of those: where the policy forbids windows."""
    any_address: bool
    """More addresses than his own are within the person's reach."""
    may_open: bool
    tags: bool
    """The site's mail server takes tagged addresses."""


class Refused(Exception):
    """It cannot be opened; the text is one sentence that says why."""


class ExpectingTable(Protocol):
    """Windows in the store, as people need them."""

    def add(self, new: NewWindow, made_by: str) -> Window:
        """Keep a window."""

    def get(self, window_id: int) -> Window | None:
        """Return a window by its id; None where there is none."""

    def stop(self, window_id: int, now: float) -> None:
        """Shut one now; one that has ended stays as it was."""

    def of_address(self, address: str) -> Sequence[Window]:
        """Return the windows of one address that end last."""

    def within(
        self, addresses: Collection[str], domains: Collection[str] | None, ending_after: float, most: int
    ) -> Sequence[Window]:
        """Return windows of these addresses and domains, those that end last first. domains: None is all."""

    def passed(self, windows: Sequence[int], most: int) -> Sequence[Passed]:
        """Return the mails that came in through these windows, the newest first."""


class ExpectingTx(Protocol):
    """What this service needs of a transaction."""

    @property
    def expecting(self) -> ExpectingTable:
        """Windows."""

    @property
    def policies(self) -> PolicyTx:
        """Choices of policy."""


ExpectingStore = StoreOf[ExpectingTx]


class Expecting:
    """Opens and shuts windows for people within their reach."""

    def __init__(
        self,
        store: ExpectingStore,
        policy: Policy,
        domains: frozenset[str],
        delimiter: str,
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
    ) -> None:
        """policy: the configuration's. domains: ours, as A-labels. delimiter: of sub-addresses; "" is none."""
        self._store = store
        self._policy = policy
        self._domains = domains
        self._delimiter = delimiter
        self._now = now
        self._random_octets = random_octets

    async def hall(self, viewer: Viewer) -> Hall:
        """Return the windows within a person's reach."""
        now, reach = self._now(), viewer.reach
        domains = None if reach.site else reach.domains
        addresses = tuple(sorted(reach.addresses))

        def work(tx: ExpectingTx) -> Hall:
            if not viewer.may(Right.SEE_PENDING):
                return Hall((), (), frozenset(), any_address=False, may_open=False, tags=False)
            windows = tx.expecting.within(addresses, domains, now - MEMORY, MOST_SHOWN)
            passed: dict[int, list[Passed]] = {}
            for one in tx.expecting.passed([window.id for window in windows], MOST_SHOWN):
                passed.setdefault(one.window, []).append(one)
            shown = [Shown(window, window.open_at(now), tuple(passed.get(window.id, ()))) for window in windows]
            return Hall(
                windows=tuple(sorted(shown, key=lambda one: not one.open)),
                addresses=addresses,
                forbidden=frozenset(address for address in addresses if not self._allowed(tx, address)),
                any_address=reach.site or bool(reach.domains),
                may_open=viewer.may(Right.MODERATE),
                tags=bool(self._delimiter),
            )

        return await self._store.look(work)

    async def start(
        self,
        viewer: Viewer,
        address: str,
        seconds: float,
        *,
        tagged: bool = False,
        once: bool = False,
        domain: str = "",
    ) -> Window | None:
        """Open a window; None for an address beyond reach, or without the right to let mail in.

        domain: as `parse_sender_domain` gives it. Raises Refused.
        """
        base = without_tag(Address.of(address.strip()).key)
        if not viewer.may(Right.MODERATE) or not self._ours(base) or not viewer.reach.covers_recipient(base):
            return None
        if not SHORTEST <= seconds <= (LONGEST_TAG if tagged else LONGEST):
            raise Refused(phrase("A window lasts from 15 to 120 minutes, and a tagged address at most 365 days."))
        now = self._now()
        opens = self._tagged(base) if tagged else base
        new = NewWindow(base, opens, now, now + seconds, once, domain)

        def work(tx: ExpectingTx) -> Window:
            if not self._allowed(tx, base):
                raise Refused(phrase("The policy for this address forbids it."))
            alive = [each for each in tx.expecting.of_address(base) if each.tagged is tagged and each.open_at(now)]
            if len(alive) >= (MOST_TAGS if tagged else MOST_WINDOWS):
                raise Refused(
                    phrase("{count} tagged addresses are open already; stop one first.", count=MOST_TAGS)
                    if tagged
                    else phrase("{count} windows are open already; stop one first.", count=MOST_WINDOWS)
                )
            return tx.expecting.add(new, viewer.name)

        window = await self._store.transact(work)
        event(_log, "expecting", window=window.id, opens=window.opens, until=window.ends_at, actor=viewer.name)
        return window

    async def stop(self, viewer: Viewer, window_id: int) -> bool:
        """Shut a window; False where there is none within reach, or without the right."""
        now = self._now()

        def work(tx: ExpectingTx) -> bool:
            window = tx.expecting.get(window_id)
            if window is None or not viewer.reach.covers_recipient(window.address):
                return False
            tx.expecting.stop(window_id, now)
            return True

        if not viewer.may(Right.MODERATE) or not await self._store.transact(work):
            return False
        event(_log, "no-longer-expecting", window=window_id, actor=viewer.name)
        return True

    def _ours(self, address: str) -> bool:
        local, _, domain = address.rpartition("@")
        return bool(local) and domain in self._domains

    def _tagged(self, address: str) -> str:
        try:
            return tagged_address(address, self._delimiter, token_text(self._random_octets(TAG_OCTETS)))
        except ValueError as fault:
            raise Refused(words_of(fault)) from fault

    def _allowed(self, tx: ExpectingTx, address: str) -> bool:
        choices = tx.policies.choices(levels_above(address))
        return effective_policy(self._policy, address, choices).expecting
