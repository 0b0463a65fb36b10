"""The challenge page: GET shows it, POST takes an answer.

Looking at a page makes puzzles, and these are texts that carry their own proof: nothing is stored until somebody
answers one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum

from aiohttp import hdrs, web

from challenge_web.pages import Pages, segment, stamp, wants_data, whole_minutes
from challenge_web.public.answers import Answers
from challenge_web.public.by_link import add_page
from challenge_web.public.form import read_submission
from challenge_web.puzzle import ITERATIONS, LETTERS, LIFETIME_SECONDS, Kind, Puzzle, Puzzles
from challenge_web.site import AUDIO, IMAGE, WORK
from challenge_web.studio import Studio
from gateway.flow.answer import OpenChallenge, Paused, PuzzleSpent


class Notice(Enum):
    """What the page says first. The value is what programs are told."""

    NONE = ""
    EMPTY = "empty"  # Nothing was typed. Not counted.
    WRONG = "wrong"  # Counted; the puzzle is used up.
    STALE = "stale"  # The puzzle was open too long, used before, or not ours. Not counted.
    PAUSED = "paused"  # Too many wrong answers.


@dataclass(frozen=True, slots=True)
class Offer:
    """The puzzles on one page."""

    letters: Puzzle | None
    work: Puzzle | None


class ChallengePage:
    """Handlers of /challenge/{token} and what lies below it to be seen and heard."""

    def __init__(
        self,
        answers: Answers,
        puzzles: Puzzles,
        pages: Pages,
        captcha: Collection[str],
        *,
        now: Callable[[], float],
        chance: Callable[[int], bytes],
    ) -> None:
        """captcha: kinds of puzzles to offer. Raises ValueError where they are none, or unknown."""
        self._captcha = frozenset(captcha)
        if not self._captcha or not self._captcha <= {IMAGE, AUDIO, WORK}:
            raise ValueError(f"captcha must name some of {IMAGE}, {WORK}, {AUDIO}")
        self._answers = answers
        self._puzzles = puzzles
        self._pages = pages
        self._studio = Studio(puzzles.picture_key)
        self._now = now
        self._chance = chance

    def add_to(self, app: web.Application) -> None:
        """Add the routes; what draws and speaks ends with the application."""
        add_page(app, "/challenge/{token}", "challenge", self.show, self.answer)
        if IMAGE in self._captcha:
            app.router.add_get("/challenge/{token}/picture/{puzzle}", self.picture, name="picture")
        if AUDIO in self._captcha:
            app.router.add_get("/challenge/{token}/sound/{puzzle}", self.sound, name="sound")

        async def close_studio(app: web.Application) -> None:
            self._studio.close()

        app.on_cleanup.append(close_studio)

    async def show(self, request: web.Request) -> web.Response:
        """GET: the page, or the same facts as JSON."""
        challenge = await self._look(request)
        paused = challenge.paused_until is not None and challenge.paused_until > self._now()
        return self._page(request, challenge, Notice.PAUSED if paused else Notice.NONE, 200)

    async def answer(self, request: web.Request) -> web.Response:
        """POST: 303 to the status page, or the page again with a fresh puzzle and a word on what was wrong."""
        token = request.match_info["token"]
        sent = await read_submission(request)
        puzzle = self._puzzles.read(sent.puzzle, token)
        if puzzle is not None and (self._puzzles.is_stale(puzzle, self._now()) or not self._offers(puzzle.kind)):
            puzzle = None
        right = puzzle is not None and self._puzzles.is_solved(puzzle, sent.answer)
        if puzzle is not None and right:
            # Without a look before: the second click on a button finds the link used, and must lead to the same place.
            try:
                status = await self._answers.solved(token, puzzle.nonce, WORK if puzzle.kind is Kind.WORK else IMAGE)
            except PuzzleSpent:
                puzzle, right = None, False
            except Paused as pause:
                return self._paused(request, await self._look(request), pause.until)
            else:
                if status is None:
                    raise web.HTTPNotFound
                return web.Response(status=303, headers={hdrs.LOCATION: f"../status/{segment(status)}"})
        return await self._again(request, puzzle, sent.answer)

    async def _again(self, request: web.Request, puzzle: Puzzle | None, answer: str) -> web.Response:
        challenge = await self._look(request)
        if challenge.paused_until is not None and challenge.paused_until > self._now():
            return self._paused(request, challenge, challenge.paused_until)
        if puzzle is None:
            return self._page(request, challenge, Notice.STALE, 422)
        if not answer.strip():
            return self._page(request, challenge, Notice.EMPTY, 422, keep=puzzle)
        until = await self._answers.failed(request.match_info["token"], puzzle.nonce)
        if until is not None and until > self._now():
            return self._paused(request, challenge, until)
        return self._page(request, challenge, Notice.WRONG, 422)

    async def picture(self, request: web.Request) -> web.Response:
        """GET: the picture of one puzzle; the same octets each time."""
        return web.Response(
            body=await self._studio.picture((await self._drawn(request)).nonce), content_type="image/png"
        )

    async def sound(self, request: web.Request) -> web.Response:
        """GET: the letters of one puzzle, spoken."""
        return web.Response(body=await self._studio.sound((await self._drawn(request)).nonce), content_type="audio/wav")

    async def _look(self, request: web.Request) -> OpenChallenge:
        challenge = await self._answers.look(request.match_info["token"])
        if challenge is None:
            raise web.HTTPNotFound
        return challenge

    async def _drawn(self, request: web.Request) -> Puzzle:
        # The token first: a wrong one takes the same way and time, whatever follows it.
        await self._look(request)
        puzzle = self._puzzles.read(request.match_info["puzzle"], request.match_info["token"])
        if puzzle is None or puzzle.kind is not Kind.LETTERS or self._puzzles.is_stale(puzzle, self._now()):
            raise web.HTTPNotFound
        return puzzle

    def _offers(self, kind: Kind) -> bool:
        return bool(self._captcha & ({WORK} if kind is Kind.WORK else {IMAGE, AUDIO}))

    def _offer(self, token: str, keep: Puzzle | None) -> Offer:
        def fresh(kind: Kind) -> Puzzle | None:
            if not self._offers(kind):
                return None
            return keep if keep is not None and keep.kind is kind else self._made(kind, token)

        return Offer(fresh(Kind.LETTERS), fresh(Kind.WORK))

    def _made(self, kind: Kind, token: str) -> Puzzle:
        return self._puzzles.make(kind, token, self._now(), self._chance)

    def _paused(self, request: web.Request, challenge: OpenChallenge, until: float) -> web.Response:
        response = self._page(request, challenge, Notice.PAUSED, 429, until)
        response.headers[hdrs.RETRY_AFTER] = str(whole_minutes(until - self._now()) * 60)
        return response

    def _page(
        self,
        request: web.Request,
        challenge: OpenChallenge,
        notice: Notice,
        status: int,
        paused_until: float | None = None,
        keep: Puzzle | None = None,
    ) -> web.Response:
        token = request.match_info["token"]
        until = paused_until or challenge.paused_until
        offer = Offer(None, None) if notice is Notice.PAUSED else self._offer(token, keep)
        here = f"./{segment(token)}"
        if wants_data(request):
            return self._pages.data(self._facts(challenge, notice, offer, here, until), status)
        words = {
            "challenge": challenge,
            "notice": notice.value,
            "minutes": whole_minutes((until or 0) - self._now()),
            "here": here,
            "letters": offer.letters,
            "work": offer.work,
            "picture": IMAGE in self._captcha,
            "sound": AUDIO in self._captcha,
            "count": LETTERS,
            "iterations": ITERATIONS,
        }
        return self._pages.page(request, "public/challenge", words, status)

    def _facts(
        self, challenge: OpenChallenge, notice: Notice, offer: Offer, here: str, until: float | None
    ) -> dict[str, object]:
        puzzles: list[dict[str, object]] = []
        if offer.work is not None:
            puzzles.append(
                {
                    "kind": WORK,
                    "puzzle": offer.work.text,
                    "bits": offer.work.bits,
                    "iterations": ITERATIONS,
                    "expires_at": stamp(offer.work.made_at + LIFETIME_SECONDS),
                }
            )
        if offer.letters is not None:
            letters: dict[str, object] = {
                "kind": IMAGE if IMAGE in self._captcha else AUDIO,
                "puzzle": offer.letters.text,
                "letters": LETTERS,
                "expires_at": stamp(offer.letters.made_at + LIFETIME_SECONDS),
            }
            for kind, name in ((IMAGE, "picture"), (AUDIO, "sound")):
                if kind in self._captcha:
                    letters[f"{name}_url"] = f"{here}/{name}/{offer.letters.text}"
            puzzles.append(letters)
        return {
            "error": notice.value or None,
            "sender": challenge.sender,
            "recipient": challenge.recipient,
            "recipient_domain": challenge.recipient_domain,
            "subject": challenge.subject,
            "received_at": stamp(challenge.received_at),
            "expires_at": stamp(challenge.expires_at),
            "waiting": challenge.waiting,
            "paused_until": stamp(until) if notice is Notice.PAUSED and until is not None else None,
            "answer_url": here,
            "puzzles": puzzles,
        }
