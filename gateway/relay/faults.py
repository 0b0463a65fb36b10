"""Why a server further on could not be asked. None of these leaves the room: callers get a 451 instead."""

from __future__ import annotations


class Unreachable(Exception):
    """No connection that could be used: refused, timed out, no TLS where it is demanded, AUTH refused."""


class Busy(Unreachable):
    """Every connection was in use for too long, or too many waited for one already."""


class TlsFailed(Unreachable):
    """STARTTLS was offered and did not come about."""


class Unanswered(Exception):
    """A connection ended before MAIL was answered: nothing was accepted, a fresh one may be tried."""
