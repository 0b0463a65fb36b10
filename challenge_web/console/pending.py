"""The pending page: what waits, in two lanes, with the actions on it and their undo."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from challenge_web.console.deed_words import order_deed
from challenge_web.console.forms import number_of, text_of
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.mail_view import MailView
from challenge_web.console.order_words import told
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.pending_range import range_words, rank_of, read_rank
from challenge_web.console.pending_words import (
    SORT_NAMES,
    address,
    chips_off,
    chips_on,
    clock,
    count_words,
    days,
    doubts_about,
    octets,
    read_ask,
    read_back,
    read_mail,
    source_title,
    with_mail,
    write_key,
)
from challenge_web.console.routes import Names, Route
from challenge_web.console.saved_searches import links
from challenge_web.page_language import spoken
from challenge_web.pages import root_of
from gateway.domain.lookalike import look_of
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right, Viewer
from gateway.flow.moderate import Action, Breadth
from gateway.flow.orders import AT_ONCE, Orders, Wish
from gateway.flow.queue import SIZES, Ask, Page, Queue
from gateway.flow.queue_ports import MACHINE, PEOPLE, Key
from gateway.flow.reader_days import zone_of
from gateway.flow.saved_searches import SavedSearches, packed
from gateway.flow.sources import NoSource, Settled, Unvouched

NOTHING_CHOSEN = say("nothing-chosen", "Nothing was chosen. Tick some mails first.", done=False)
NOT_UNDONE = say("too-late", "That can no longer be undone.", done=False)
ACCEPTED = say("source-accepted", "This source is accepted. What waits from it with as good a proof is on its way.")
REFUSED = say("source-refused", "This source is blocked. What waits from it is gone.")
UNVOUCHED = say(
    "source-unvouched",
    "Nobody vouches for this source, so it cannot be accepted: anyone could write in its name.",
    done=False,
)
NO_SOURCE = say("source-gone", "Nothing from this source waits any more.", done=False)
TOLD_SECONDS = 30.0
"""How long the list still tells of an order that has ended."""
_ACTIONS = {action.value: action for action in Action}


class Sources(Protocol):
    """Accepts and refuses sources of machine mail."""

    async def accept(self, viewer: Viewer, source: int | str, scope: str | None = None) -> Settled | None:
        """Let its mail in from now on; None for what is not there."""

    async def refuse(self, viewer: Viewer, source: int | str, scope: str | None = None) -> Settled | None:
        """Keep its mail out from now on; None for what is not there."""


class PendingPages:
    """The list, the machine lane, and the page of an order."""

    def __init__(
        self,
        queue: Queue,
        orders: Orders,
        sources: Sources,
        view: MailView,
        pages: ConsolePages,
        searches: SavedSearches,
        *,
        now: Callable[[], float],
        scored: bool = False,
    ) -> None:
        """view: for the preview beside the list. scored: a filter in front says how spam-like a mail is."""
        self._queue = queue
        self._view = view
        self._orders = orders
        self._sources = sources
        self._pages = pages
        self._searches = searches
        self._now = now
        self._scored = scored

    def routes(self) -> Sequence[Route]:
        """All of them."""
        order = "/console/pending/order/{id:[0-9]{1,18}}"
        return (
            Route("pending", "/console/pending", Right.SEE_PENDING, self.show, self.act, act_right=Right.MODERATE),
            Route(
                "pending-machine", "/console/pending/machine", Right.SEE_PENDING, self.machine, self.settle_source,
                act_right=Right.MODERATE,
            ),
            Route("order", order, Right.MODERATE, self.order, self.undo, Names.ORDER),
            Route("order-state", f"{order}/state", Right.MODERATE, self.order_state, None, Names.ORDER),
        )  # fmt: skip

    # --- the list ---

    async def show(self, request: web.Request) -> web.Response:
        """Show one page of the list."""
        viewer, here = viewer_of(request), dict(request.query)
        ask = read_ask(here)
        page = await self._page(viewer, ask)
        if not page.rows and (ask.after or ask.before):
            # All of it was settled meanwhile: the rows next to where it was.
            ask = replace(ask, after=None, before=_just_behind(ask.after, ask.reverse))
            here = {**here, "at": str(max(read_rank(here) - ask.size, 0))}
            page = await self._page(viewer, ask)
        counts = await self._queue.counts(viewer)
        words = await self._list_words(viewer, ask, page, here)
        mail = read_mail(here)
        preview = await self._view.preview(here, viewer, mail) if mail else None
        if preview is not None and request.method == hdrs.METH_GET:
            await self._view.see(viewer, mail)
        words |= {"preview": preview, "back_here": with_mail(address(here), mail if preview else 0).partition("?")[2]}
        return self._pages.page(
            request, "pending/list", {**words, "tabs": _tabs(root_of(request), counts, ask)}, here="pending"
        )

    async def _page(self, viewer: Viewer, ask: Ask) -> Page:
        # Who searches looks everywhere, unless a source is chosen; else people's mail comes first.
        lane = MACHINE if ask.source else ask.lane or ("" if ask.box.strip() else PEOPLE)
        return await self._queue.page(viewer, replace(ask, lane=lane))

    async def _list_words(self, viewer: Viewer, ask: Ask, page: Page, here: Mapping[str, str]) -> dict[str, object]:
        now, zone = self._now(), zone_of(viewer)
        plain = {**here, "after": "", "before": "", "at": ""}
        rank = rank_of(page, read_rank(here))
        behind = str(rank + len(page.rows)) if rank >= 0 else ""
        before = str(max(rank - ask.size, 0) or "") if rank >= 0 else ""
        reach = viewer.reach
        return {
            "page": page,
            "days": days(page.rows, now, zone, grouped=page.sort == "arrival"),
            "total": count_words(page.total),
            "range": range_words(page, rank),
            "box": ask.box[:300],
            "filtered": bool(ask.box.strip() or ask.source),
            "source": ask.source,
            "saved": links(await self._searches.all(viewer), here),
            "savable": bool(packed(here)),
            "on": chips_on(page.query, plain),
            "off": chips_off(
                page.query,
                plain,
                content=viewer.may(Right.READ_CONTENT),
                scored=self._scored,
                told=page.told_at is not None,
            ),
            "told_at": page.told_at,
            "scored": self._scored,
            "sorts": _sorts(page, ask, plain, scored=self._scored, content=viewer.may(Right.READ_CONTENT)),
            "sizes": [(size, address(plain, size=str(size)), size == ask.size) for size in SIZES],
            "first": address(plain) if page.previous is not None else "",
            "previous": address(plain, before=write_key(page.previous), at=before) if page.previous is not None else "",
            "next": address(plain, after=write_key(page.next), at=behind) if page.next is not None else "",
            "back": address(here).partition("?")[2],
            "kept": {name: value for name in ("sort", "desc", "size") if (value := here.get(name, ""))},
            "nonce": secrets.token_hex(16),
            "whole": page.total > len(page.rows),
            "many_recipients": reach.site or bool(reach.domains) or len(reach.addresses) > 1,
            "orders": [told(order, now) for order in await self._orders.latest(viewer, TOLD_SECONDS)],
        }

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Take an order for the rows that are ticked, for one row, or for all that match."""
        viewer, form = viewer_of(request), await request.post()
        back = read_back(text_of(form, "back"))
        one, _, named = text_of(form, "one").partition(":")
        wanted, _, wide = (one or text_of(form, "do")).partition(".")
        action = _ACTIONS.get(wanted)
        if action is None:
            raise web.HTTPBadRequest
        breadth = Breadth(wide) if wide in {breadth.value for breadth in Breadth} else Breadth.ADDRESS
        ids = _ids([named] if one else form.getall("id", []))
        everything = not one and form.get("all") == "1"
        wish = Wish(action, _nonce(text_of(form, "nonce"), wanted, wide, "all" if everything else ids), breadth)
        if everything:
            ask = read_ask(back)
            query = await self._queue.query(viewer, ask.box)
            lane = MACHINE if ask.source else ask.lane or ("" if ask.box.strip() else PEOPLE)
            if query.faults:
                # What was not understood is not part of the search: it would hit more than was meant.
                raise see_other(request, address(back))
            chosen = self._queue.selection(viewer, query, lane, ask.source)
            order = await self._orders.give_all(viewer, wish, chosen)
        else:
            order = await self._orders.give(viewer, wish, ids)
        if order is None:
            raise see_other(request, address(back), NOTHING_CHOSEN)
        tell(request, order_deed(order, [] if everything else ids))
        if everything:
            raise see_other(request, f"console/pending/order/{order.id}?{address(back).partition('?')[2]}")
        following = _next_row(text_of(form, "shown"), ids)
        mail = read_mail({"mail": text_of(form, "mail")})
        # What was read beside the list is done with: its next one takes its place.
        mail = following if mail in ids else mail
        raise see_other(request, with_mail(address(back), mail) + (f"#r{following}" if following else ""))

    # --- machine mail by its sources ---

    async def machine(self, request: web.Request) -> web.Response:
        """Show the machine lane, a line for each source."""
        viewer = viewer_of(request)
        zone = zone_of(viewer)
        page = await self._queue.groups(viewer, request.query.get("behind", "")[:200])
        counts = await self._queue.counts(viewer)
        groups = [
            {
                "group": group,
                "title": source_title(group),
                "time": clock(group.newest.held_at, zone, dated=True),
                "size": octets(group.newest.size),
                "url": address({}, source=group.source),
                "ascii": look_of(group.source.partition(":")[2]).ascii_domain,
                "doubts": doubts_about(group.newest),
                "vouched": not group.source.startswith("from:"),
            }
            for group in page.groups
        ]
        words = {
            "groups": groups,
            "more": page.more_groups,
            "tabs": _tabs(root_of(request), counts, Ask(lane=MACHINE)),
            "total": count_words(page.total),
        }
        return self._pages.page(request, "pending/machine", words, here="pending")

    async def settle_source(self, request: web.Request) -> web.StreamResponse:
        """Accept a source, or block it."""
        viewer, form = viewer_of(request), await request.post()
        source, wish = text_of(form, "source")[:200], text_of(form, "do")
        if wish not in ("accept", "refuse"):
            raise web.HTTPBadRequest
        settle = self._sources.accept if wish == "accept" else self._sources.refuse
        try:
            done = await settle(viewer, source)
        except (Unvouched, NoSource):
            raise see_other(request, "console/pending/machine", UNVOUCHED) from None
        if done is not None:
            tell(request, f"{wish}: {source}, {len(done.rows)}")
        said = NO_SOURCE if done is None else ACCEPTED if wish == "accept" else REFUSED
        raise see_other(request, "console/pending/machine", said)

    # --- orders ---

    async def order(self, request: web.Request) -> web.Response:
        """Show how far an order has come."""
        viewer, order_id = viewer_of(request), int(request.match_info["id"])
        order = await self._orders.get(viewer, order_id)
        if order is None:
            raise web.HTTPNotFound
        words = {
            "told": told(order, self._now()),
            "problems": await self._orders.problems(viewer, order_id),
            "list": address(request.query),
            "again": f"console/pending/order/{order_id}?{address(request.query).partition('?')[2]}",
            "back": address(request.query).partition("?")[2],
        }
        return self._pages.page(request, "pending/order", words, here="pending")

    async def order_state(self, request: web.Request) -> web.Response:
        """Tell the same to the page's script."""
        order = await self._orders.get(viewer_of(request), int(request.match_info["id"]))
        if order is None:
            raise web.HTTPNotFound
        words = told(order, self._now())
        return web.json_response(
            {
                "state": order.state.value,
                "text": spoken().said(words.text),
                "more": spoken().said(words.more),
                "button": spoken().said(words.button),
                "seconds": words.seconds,
                "done": words.done,
                "most": words.most,
                "open": words.open,
            }
        )

    async def undo(self, request: web.Request) -> web.StreamResponse:
        """Take an order back, or stop it."""
        viewer, order_id = viewer_of(request), int(request.match_info["id"])
        if await self._orders.get(viewer, order_id) is None:
            raise web.HTTPNotFound
        back = text_of(await request.post(), "back")
        undone = await self._orders.undo(viewer, order_id)
        there = with_mail(address(read_back(back)), read_mail(dict(parse_qsl(back[:4000]))))
        raise see_other(request, there, "" if undone else NOT_UNDONE)


def _tabs(root: str, counts: Mapping[str, int], ask: Ask) -> list[tuple[str, str, bool, str]]:
    machine = ask.lane == MACHINE or bool(ask.source)
    both = not machine and not ask.lane and bool(ask.box.strip())
    tabs: list[tuple[str, str, bool, str]] = [
        (f"{root}console/pending", phrase("People"), not machine and not both, count_words(counts[PEOPLE])),
        (f"{root}console/pending/machine", phrase("Newsletters and machines"), machine, count_words(counts[MACHINE])),
    ]
    return [*tabs, (f"{root}{address({'q': ask.box})}", phrase("Found"), True, "")] if both else tabs


def _sorts(
    page: Page, ask: Ask, plain: Mapping[str, str], *, scored: bool, content: bool
) -> list[tuple[str, str, bool]]:
    """Return each sort as a link in both directions: text, address, whether it is this one."""
    links: list[tuple[str, str, bool]] = []
    for sort, texts in SORT_NAMES.items():
        if (sort == "score" and not scored) or (sort == "subject" and not content):
            continue
        for reverse in (False, True):
            this = page.sort == sort and ask.reverse is reverse
            chosen = {"sort": "" if sort == "arrival" else sort, "desc": "1" if reverse else ""}
            links.append((texts[reverse], address(plain, **chosen), this))
    return links


def _next_row(shown: str, acted: Sequence[int]) -> int:
    """Return the row behind those that were acted on, where the reader goes on; 0 where there is none."""
    ids = _ids(shown.split(","))
    places = [place for place, row_id in enumerate(ids) if row_id in acted]
    for row_id in ids[places[-1] + 1 :] if places else ():
        return row_id
    return 0


def _just_behind(key: Key | None, reverse: bool) -> Key | None:
    """Return a key between a row's and the next one's, so that what lies in front of it ends with that row."""
    if key is None or isinstance(key[-1], str):
        return None
    return (*key[:-1], key[-1] + (-0.5 if reverse else 0.5))


def _nonce(nonce: str, *parts: object) -> str:
    """Tie a form's nonce to what it was sent with: only the very same is a repetition."""
    return hashlib.sha256("\0".join(map(str, (nonce[:64], *parts))).encode()).hexdigest()


def _ids(texts: Sequence[object]) -> list[int]:
    found = [number for text in texts if isinstance(text, str) and (number := number_of(text))]
    return found[:AT_ONCE]
