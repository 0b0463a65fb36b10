"""Watch: what needs a person, known beforehand, so that each page of the console can tell it without looking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.phrase import phrase, phrases
from gateway.domain.roles import Right, Viewer
from gateway.flow.overview_ports import HopState, HopWatch, OverviewStore, Standing
from gateway.flow.ports import StoreDown

PATIENCE = 300.0
"""Seconds for which a webhook may fail, as while its receiver is restarted, before anybody is called."""
WEBHOOK_FAILS = phrase("The webhook takes nothing: another program is not told what becomes of mail.")


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs a person."""

    text: str
    """A whole sentence."""
    path: str
    """Where to see to it, below the console's root."""
    grave: bool = False
    """Mail is at a stand."""
    domains: frozenset[str] = frozenset()
    """Whose admins it concerns; empty: the site's only."""


async def _nobody() -> Mapping[str, int]:
    return {}


def _asking(count: int) -> str:
    return phrases(count, "{n} request of release waits for an answer.",
                   "{n} requests of release wait for an answer.")  # fmt: skip


class Watch:
    """Looks every few seconds, and remembers."""

    def __init__(
        self,
        store: OverviewStore,
        hops: HopWatch,
        *,
        max_per_hour: int,
        webhook_failing_since: Callable[[], Awaitable[float | None]] | None = None,
        asked: Callable[[], Awaitable[Mapping[str, int]]] = _nobody,
    ) -> None:
        """webhook_failing_since: None where there is no webhook. asked: how many requests of release are open, by domain."""
        self._webhook_failing_since = webhook_failing_since
        self._store = store
        self._hops = hops
        self._max_per_hour = max_per_hour
        self._open_requests = asked
        self._needs: tuple[Need, ...] = ()
        self._asked: Mapping[str, int] = {}

    async def look(self, now: float) -> None:
        """See what needs a person now."""
        try:
            standing = await self._store.look(lambda tx: tx.overview.standing(None, now))
            failing = None if self._webhook_failing_since is None else await self._webhook_failing_since()
            self._asked = await self._open_requests()
        except StoreDown:
            self._needs = (
                Need(phrase("The store cannot be read. No mail is taken meanwhile."), "overview", grave=True),
            )
            return
        found = needs(standing, await self._hops.states(), self._max_per_hour)
        if failing is not None and now - failing >= PATIENCE:
            found.append(Need(WEBHOOK_FAILS, "webhook"))
        self._needs = tuple(found)

    def needs_of(self, viewer: Viewer) -> Sequence[Need]:
        """Return what this viewer should see to, as it was a few seconds ago."""
        if not viewer.may(Right.SEE_OVERVIEW):
            return ()
        reach = viewer.reach
        found = [need for need in self._needs if reach.site or need.domains & reach.domains]
        asked = sum(count for domain, count in self._asked.items() if reach.covers_domain(domain))
        return [*found, Need(_asking(asked), "requests")] if asked else found


def needs(standing: Standing, hops: Sequence[HopState], max_per_hour: int) -> list[Need]:
    """Return what should be seen to, the gravest first."""
    found = [
        Need(
            phrase("The server {place} does not answer. Mail for it waits here.", place=hop.place),
            "overview",
            grave=True,
            domains=frozenset(hop.domains),
        )
        for hop in hops
        if not hop.reachable
    ]
    if standing.refused:
        text = phrases(
            standing.refused,
            "{n} mail was refused by the next server: try again, or delete.",
            "{n} mails were refused by the next server: try again, or delete.",
        )
        found.append(Need(text, "outgoing"))
    if standing.untold:
        text = phrases(
            standing.untold,
            "{n} mailbox does not take digests: nobody there is told what waits.",
            "{n} mailboxes do not take digests: nobody there is told what waits.",
        )
        found.append(Need(text, "digests"))
    if standing.asked_last_hour >= max_per_hour:
        text = phrase("No more senders are asked in this hour: the limit of challenges is reached.")
        found.append(Need(text, "overview"))
    return found
