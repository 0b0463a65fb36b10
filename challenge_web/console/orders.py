"""The page of an order: how far it has come, and the button that takes it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

from aiohttp import web

from challenge_web.console.forms import text_of
from challenge_web.console.gate import viewer_of
from challenge_web.console.order_words import told
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.pending_address import address, read_back, read_mail, with_mail
from challenge_web.console.routes import Names, Route
from challenge_web.page_language import spoken
from gateway.domain.roles import Right
from gateway.flow.orders import Orders

NOT_UNDONE = say("too-late", "That can no longer be undone.", done=False)


class OrderPages:
    """The page, and its state for the page's script."""

    def __init__(self, orders: Orders, pages: ConsolePages, *, now: Callable[[], float]) -> None:
        self._orders = orders
        self._pages = pages
        self._now = now

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        path = "/console/pending/order/{id:[0-9]{1,18}}"
        return (
            Route("order", path, Right.MODERATE, self.show, self.undo, Names.ORDER),
            Route("order-state", f"{path}/state", Right.MODERATE, self.state, None, Names.ORDER),
        )

    async def show(self, request: web.Request) -> web.Response:
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

    async def state(self, request: web.Request) -> web.Response:
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
