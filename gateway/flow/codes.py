"""Codes of a second factor: of an app, and for recovery, as somebody shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.domain.challenge import token_hash
from gateway.flow.account_ports import Account, AccountsTx


class Codes(Protocol):
    """Time-based one-time codes."""

    def fresh(self) -> str:
        """Return a new secret, in base32."""

    def picture(self, secret: str, name: str) -> str:
        """Return its QR code as SVG."""

    def step_of(self, secret: str, code: str, now: float) -> int | None:
        """Return the time step a code is of, or None."""


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code that somebody typed, of an app or for recovery."""

    account: int
    step: int | None
    """The time step of the app that it is of; None: of none."""
    recovery: bytes
    """Its hash, as a recovery code."""

    @property
    def factor(self) -> str:
        """One word, for log lines."""
        return "recovery" if self.step is None else "code"

    def use(self, tx: AccountsTx) -> bool:
        """Use it up. False: it is wrong, or was used before, for somebody may have looked over the shoulder."""
        if self.step is None:
            return tx.accounts.use_recovery(self.account, self.recovery)
        return tx.accounts.use_totp(self.account, self.step)


def shown_code(codes: Codes, account: Account, code: str, now: float) -> ShownCode:
    """Return a code as what it can be for this account."""
    step = codes.step_of(account.totp_secret, code, now) if account.totp_secret else None
    return ShownCode(account.id, step, recovery_hash(code))


def recovery_hash(code: str) -> bytes:
    """Return the hash under which a recovery code is kept, however it was typed."""
    return token_hash("".join(code.lower().replace("-", " ").split()))
