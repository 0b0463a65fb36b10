"""The pending page: what waits, and the actions on it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from aiohttp import hdrs, web

from challenge_web.console.deed_words import order_deed
from challenge_web.console.forms import number_of, text_of
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.mail_view import MailView
from challenge_web.console.order_words import told
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.pending_address import address, read_ask, read_back, read_mail, with_mail, write_key
from challenge_web.console.pending_filters import chips_off, chips_on
from challenge_web.console.pending_range import range_words, rank_of, read_rank
from challenge_web.console.pending_words import SORT_NAMES, count_words, days, tabs
from challenge_web.console.routes import Route
from challenge_web.console.saved_searches import links
from challenge_web.pages import root_of
from gateway.domain.roles import Right, Viewer
from gateway.flow.moderate import Action, Breadth
from gateway.flow.order_ports import Wish
from gateway.flow.orders import AT_ONCE, Orders
from gateway.flow.queue import SIZES, Ask, Page, Queue
from gateway.flow.queue_ports import MACHINE, PEOPLE, Key
from gateway.flow.reader_days import zone_of
from gateway.flow.saved_searches import SavedSearches, packed

NOTHING_CHOSEN = say("nothing-chosen", "Nothing was chosen. Tick some mails first.", done=False)
TOLD_SECONDS = 30.0
"""How long the list still tells of an order that has ended."""
_ACTIONS = {action.value: action for action in Action}


class PendingPages:
    """The list of what waits, with the actions on its rows."""

    def __init__(
        self,
        queue: Queue,
        orders: Orders,
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
        self._pages = pages
        self._searches = searches
        self._now = now
        self._scored = scored

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (Route("pending", "/console/pending", Right.SEE_PENDING, self.show, self.act, act_right=Right.MODERATE),)

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
            request, "pending/list", {**words, "tabs": tabs(root_of(request), counts, ask)}, here="pending"
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
