"""Sign-in mail: send the links that were asked for, to those who may come in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.challenge import TOKEN_OCTETS, token_hash, token_text
from gateway.domain.envelope import Recipient
from gateway.domain.public_url import pages_of
from gateway.domain.reply import TRY_LATER, Reply
from gateway.flow.account_ports import AccountsStore
from gateway.flow.attempts import all_of
from gateway.flow.courier import Courier
from gateway.flow.letter_book import LetterKind
from gateway.flow.own_mail import OwnMail
from gateway.flow.ports import Hop
from gateway.flow.session_ports import Link, LinkRequest
from gateway.flow.sign_in import LINK_SECONDS, SignInRules
from gateway.log import bug, event

_log = logging.getLogger("gateway.sign_in")

_FIRST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class SignInLetter:
    """What a sign-in mail says."""

    address: str
    url: str
    client: str
    """From where it was asked for."""
    ends_at: float
    language: str = "en"


Compose = Callable[[SignInLetter, float], Awaitable[OwnMail]]
"""What it says, and the time → mail."""


class LinkMail:
    """The worker's work, one batch at a time. Only one runs at a time, so no lease is needed."""

    def __init__(
        self,
        rules: SignInRules,
        store: AccountsStore,
        public_url: str,
        compose: Compose,
        hop_for: Callable[[str], Hop],
        courier: Courier,
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
    ) -> None:
        """public_url: see `pages_of`."""
        self._rules = rules
        self._store = store
        self._public_url = public_url
        self._compose = compose
        self._hop_for = hop_for
        self._courier = courier
        self._now = now
        self._random_octets = random_octets

    async def run_once(self, most: int = 20) -> int:
        """Attempt up to `most` links that are due, side by side; return how many there were."""
        now = self._now()
        due = await self._store.look(lambda tx: tx.sessions.link_requests(now, most))
        await all_of(self._attempt(request) for request in due)
        return len(due)

    async def _attempt(self, request: LinkRequest) -> None:
        word = await self._sent(request)
        now = self._now()
        again = now + _FIRST_PAUSE * 2**request.attempts
        late = again >= request.asked_at + LINK_SECONDS
        if word is not None and word.temporary and not late:
            await self._store.transact(lambda tx: tx.sessions.put_off(request.id, again))
        else:
            await self._store.transact(lambda tx: tx.sessions.drop_link_request(request.id))
        event(_log, "link-mail", address=request.address, attempts=request.attempts + 1,
              reply="" if word is None else str(word))  # fmt: skip

    async def _sent(self, request: LinkRequest) -> Reply | None:
        """Send one; return the far end's word, or None where nobody may come in by this address."""
        account = await self._store.look(lambda tx: tx.accounts.owner(request.address))
        if not self._rules.links or (account is not None and account.disabled):
            return None
        address = Address.of(request.address)
        ours = address.domain in self._rules.domains
        if not ours and account is None:
            return None
        if ours:
            taken = await self._hop_for(address.domain).verify(NULL_PATH, Recipient(address), not address.is_ascii)
            if not taken.accepted:
                return taken
        token = token_text(self._random_octets(TOKEN_OCTETS))
        ends_at = self._now() + LINK_SECONDS
        link = Link(request.address, None, request.wanted, ends_at)
        # Before it is sent: from then on it may be opened, whatever happens to us.
        await self._store.transact(lambda tx: tx.sessions.add_link(token_hash(token), link))
        # Who has none set, or no account yet, reads what the page was in where the link was asked for.
        language = (account.language if account is not None else "") or request.language or "en"
        url = f"{pages_of(self._public_url, address.domain)}/sign-in/link/{token}"
        try:
            mail = await self._compose(
                SignInLetter(request.address, url, request.client, ends_at, language), self._now()
            )
        except Exception:
            # A fault of ours: put off as any other, else it would be met again each second, and for ever.
            bug(_log, "letter-not-written", mailbox=request.address)
            return TRY_LATER
        return await self._courier.bring(LetterKind.SIGN_IN, address, mail)
