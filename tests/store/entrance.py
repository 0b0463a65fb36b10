"""Everything behind the sign-in pages, on a store, with a clock that stands still and hashes that cost nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.domain.address import Address
from gateway.domain.challenge import token_hash
from gateway.domain.envelope import Envelope, Recipient
from gateway.domain.reply import Reply
from gateway.flow.account_ports import Account
from gateway.flow.accounts import Accounts, operator
from gateway.flow.courier import Courier
from gateway.flow.own_account import OwnAccount
from gateway.flow.own_mail import OwnMail
from gateway.flow.ports import Delivery, Features
from gateway.flow.proof import FreshProof
from gateway.flow.second_factor import SecondFactor
from gateway.flow.session_ports import Link
from gateway.flow.sessions import Arrival, Entered, Lifetimes, Sessions
from gateway.flow.sign_in import SignIn, SignInRules
from gateway.flow.sign_in_mail import LinkMail, SignInLetter
from gateway.flow.sign_in_ports import Identity
from gateway.sign_in_methods.codes import TimeCodes
from gateway.sign_in_methods.passkeys import Passkeys
from gateway.store.store import Store

HERE = Arrival("192.0.2.7", "Firefox Linux")
ROOT = operator("cli:root")
ORIGIN = "https://console.example.org"
HOST = "console.example.org"


class PlainHashes:
    """Passwords as they are."""

    async def make(self, password: str) -> str:
        return password

    async def matches(self, hashed: str, password: str) -> bool:
        return bool(hashed) and hashed == password


@dataclass
class Mailboxes:
    """A next hop that takes what it is told to take."""

    refused: dict[str, Reply] = field(default_factory=dict)
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    features: Features = field(default_factory=Features)

    async def verify(self, reverse_path: Address, recipient: Recipient, smtputf8: bool) -> Reply:
        return self.refused.get(recipient.address.key, Reply(250, "ok", "2.1.5"))

    async def deliver(self, envelope: Envelope, content: Sequence[bytes], all_or_nothing: bool) -> Delivery:
        (recipient,) = envelope.recipients
        assert envelope.reverse_path.is_null
        self.taken.append((recipient.address.key, b"".join(content)))
        return Delivery((Reply(250, "ok", "2.0.0"),), True)


class OnePassword:
    """Knows one name and one password."""

    name = "fake"

    def __init__(self, identity: Identity, password: str) -> None:
        self.identity = identity
        self._password = password

    async def check(self, name: str, password: str) -> Identity | None:
        return self.identity if (name, password) == (self.identity.name, self._password) else None


class House:
    """The whole of it."""

    def __init__(self, store: Store, *, strict: bool = False, checks: list[OnePassword] | None = None) -> None:
        self.time = 1_700_000_000.0
        self.store = store
        self.hop = Mailboxes()
        self.outside: list[tuple[str, bytes]] = []
        self.languages: list[str] = []
        self.wordless = False
        # The same in each run: a code of six digits drawn anew would now and then be the one that a test takes for wrong.
        octets = random.Random(1).randbytes
        rules = SignInRules(frozenset({"example.org", "second.example"}))
        self.sessions = Sessions(
            store,
            Lifetimes(3600, 86_400),
            now=self.now,
            random_octets=octets,
            admins_need_second_factor=strict,
        )
        self.sign_in = SignIn(rules, store, self.sessions, checks or [], now=self.now, random_octets=octets)
        self.accounts = Accounts(rules, store, self.sessions, PlainHashes(), now=self.now, random_octets=octets)
        self.own_account = OwnAccount(store, self.sessions, PlainHashes(), now=self.now)
        self.codes = TimeCodes("Example", random.Random(2).randbytes)
        self.factors = SecondFactor(
            store, self.sessions, self.codes, Passkeys([ORIGIN], "Example"), now=self.now,
            random_octets=octets,
        )  # fmt: skip
        self.proof = FreshProof(
            store, self.sessions, self.sign_in, self.codes, Passkeys([ORIGIN], "Example"), now=self.now,
            random_octets=octets,
        )  # fmt: skip
        courier = Courier(rules.domains, lambda domain: self.hop, self._outside, now=self.now, mark_key=octets(32))
        self.mail = LinkMail(
            rules, store, "https://{recipient_domain}", self._compose, lambda domain: self.hop, courier,
            now=self.now, random_octets=octets,
        )  # fmt: skip

    def now(self) -> float:
        return self.time

    async def _compose(self, letter: SignInLetter, now: float) -> OwnMail:
        if self.wordless:
            raise ValueError("not as it should be")
        self.languages.append(letter.language)
        return OwnMail(letter.url.encode(), "<1@gateway>", False)

    async def _outside(self, reverse_path: str, recipient: str, content: bytes, smtputf8: bool) -> Reply:
        self.outside.append((recipient, content))
        return Reply(250, "ok", "2.0.0")

    async def enter(self, account: Account, wanted: str = "") -> Entered:
        """Sign an account in by a link that was handed over."""
        link = Link("", account.id, wanted, self.time + 60)
        await self.store.transact(lambda tx: tx.sessions.add_link(token_hash("handed over"), link))
        entered = await self.sign_in.enter_by_link("handed over", HERE)
        assert entered is not None
        return entered

    async def token_for(self, address: str, wanted: str = "") -> str:
        """Ask for a link, and return the token that came by mail."""
        asked = await self.sign_in.ask_link(address, wanted, HERE)
        assert (asked.wait, asked.fault) == (0.0, "")
        await self.mail.run_once()
        return self.hop.taken[-1][1].decode().rpartition("/")[2]
