"""One mail in words, as the message page and the preview beside the list have them in common."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from aiohttp import web

from challenge_web.console.message_words import (
    dated,
    facts,
    files,
    only_for,
    people,
    place_words,
    source_words,
    who,
    why,
)
from challenge_web.console.pending_address import address, read_ask
from challenge_web.console.pending_words import STATE_KINDS, octets
from challenge_web.page_language import spoken
from gateway.domain.explain import SILENCES
from gateway.domain.lifecycle import State
from gateway.domain.outline import Outline, Unreadable
from gateway.domain.phrase import phrase, words_of
from gateway.domain.roles import Right, Viewer
from gateway.domain.sentences import STATES, short_reason
from gateway.domain.timeline import timeline
from gateway.flow.forward import Forwarder
from gateway.flow.queue import Queue, Spot
from gateway.flow.read import ContentGone, Held, Reading, WrongContent
from gateway.languages.marks import marks_in

GONE = phrase("The content of this mail is not kept any more. What is known about it remains.")
WRONG = phrase(
    "The store gave other octets than those of this mail. Nothing of them is shown; please tell your administrator."
)
_NOT_THE_LIST_S = ("said", "page", "images", "part", "of")


class MailView:
    """Gathers what is shown of one mail."""

    def __init__(self, reading: Reading, forwarder: Forwarder, queue: Queue, *, now: Callable[[], float]) -> None:
        self.reading = reading
        self.forwarder = forwarder
        self._queue = queue
        self._now = now

    async def held(self, viewer: Viewer, row_id: int) -> Held:
        """Return a row; what is beyond reach is not found."""
        held = await self.reading.held(viewer, row_id)
        if held is None:
            raise web.HTTPNotFound
        return held

    async def see(self, viewer: Viewer, row_id: int) -> None:
        """Note that the viewer has had it before him."""
        await self._queue.see(viewer, row_id)

    async def outline(self, viewer: Viewer, held: Held) -> tuple[Outline | None, str]:
        """Return what is in it; or nothing, and why in a sentence."""
        if not viewer.may(Right.READ_CONTENT):
            return None, phrase("Your role does not show the content of mails.")
        if not held.content_kept:
            return None, GONE
        try:
            return await self.reading.outline(viewer, held.id, marks_in(spoken())), ""
        except Unreadable as unreadable:
            return None, phrase("{why} Its source can still be looked at and downloaded.", why=words_of(unreadable))
        except ContentGone:
            return None, GONE
        except WrongContent:
            return None, WRONG

    def forwards(self, viewer: Viewer, held: Held) -> bool:
        """True where the viewer may send it on, and there is somebody to send it to."""
        readable = held.content_kept and viewer.may(Right.READ_CONTENT)
        return readable and viewer.may(Right.FORWARD) and bool(self.forwarder.addresses)

    async def words(
        self, query: Mapping[str, str], viewer: Viewer, held: Held, outline: Outline | None
    ) -> dict[str, object]:
        """Return what the templates ask for. query: of the page's address, with what says which list it is from."""
        now = self._now()
        waits = held.state is State.PENDING
        spot = await self._spot(query, viewer, held.id) if waits else None
        in_hand = waits and await self._queue.in_hand(held.id)
        back = address({name: value for name, value in query.items() if name not in _NOT_THE_LIST_S})
        return {
            "held": held,
            "outline": outline,
            "content": viewer.may(Right.READ_CONTENT),
            "author": who(held.author_name, held.author or held.sender),
            "envelope": held.sender if held.author and held.sender.lower() != held.author.lower() else "",
            "null_path": bool(held.author) and not held.sender,
            "others_too": outline is not None and not only_for(held.recipient, outline.recipients),
            "dated": dated(outline.date, held.received_at) if outline else None,
            "to": people(outline.recipients if outline else ()),
            "cc": people(outline.copies if outline else ()),
            "reply_to": people(outline.reply_to if outline else ()),
            "parts_": files(outline) if outline else [],
            "size": octets(held.size),
            "state": STATES[held.state],
            "state_kind": STATE_KINDS.get(held.state, ""),
            "reason": short_reason(held.reason),
            "why": why(held, now),
            "facts": facts(held),
            "steps": timeline(held.history, (*held.asked_before, *([held.asked] if held.asked else ()))),
            "source_": source_words(held),
            "silences": SILENCES,
            "downloads": self.reading.may_download(viewer),
            "forwards": self.forwards(viewer, held),
            "acts": (waits and not in_hand) or held.state is State.REFUSED,
            "in_hand": in_hand,
            "mark": held.sha256.hex()[:16],
            "nonce": secrets.token_hex(16),
            "list": back,
            "back": back.partition("?")[2],
            "kept": f"?{back.partition('?')[2]}" if "?" in back else "",
            "place": place_words(spot) if spot else "",
            "previous": spot.previous if spot else 0,
            "next": spot.next if spot else 0,
        }

    async def preview(self, query: Mapping[str, str], viewer: Viewer, row_id: int) -> dict[str, object] | None:
        """Return the words of the preview beside the list; None for what is not there, or beyond reach."""
        held = await self.reading.held(viewer, row_id)
        if held is None:
            return None
        outline, fault = await self.outline(viewer, held)
        return {**await self.words(query, viewer, held, outline), "fault": fault}

    async def _spot(self, query: Mapping[str, str], viewer: Viewer, row_id: int) -> Spot | None:
        row = await self._queue.one(viewer, row_id)
        return None if row is None else await self._queue.spot(viewer, read_ask(query), row)
