"""Time-based one-time codes (RFC 6238), as authenticator apps show them."""

from __future__ import annotations

import io
from base64 import b32encode
from collections.abc import Callable

_SECRET_OCTETS = 20
_STEP = 30
_DRIFT = 1
"""Steps that a telephone's clock may be off."""


class TimeCodes:
    """Makes secrets, and tells which step a code is of."""

    def __init__(self, issuer: str, random_octets: Callable[[int], bytes]) -> None:
        """issuer: whose codes they are, as the app shows it."""
        self._issuer = issuer
        self._random_octets = random_octets

    def fresh(self) -> str:
        """Return a new secret: 160 bits in base32."""
        return b32encode(self._random_octets(_SECRET_OCTETS)).decode()

    def uri(self, secret: str, name: str) -> str:
        """Return what a QR code says to an app."""
        import pyotp  # Here: only who has a second factor needs it.

        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self._issuer)

    def picture(self, secret: str, name: str) -> str:
        """Return the QR code of it as SVG, black on white whatever the page's colours are."""
        import segno

        out = io.BytesIO()
        segno.make(self.uri(secret, name), error="m").save(
            out, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False, svgclass="qr", lineclass=None
        )
        return out.getvalue().decode()

    def step_of(self, secret: str, code: str, now: float) -> int | None:
        """Return the time step a code is of; None for a wrong one, or one of another time."""
        import pyotp

        code = "".join(code.split())
        if not code.isascii() or not code.isdigit():
            return None
        totp = pyotp.TOTP(secret)
        found = None
        for step in range(int(now // _STEP) - _DRIFT, int(now // _STEP) + _DRIFT + 1):
            # All of them, so that the time tells nothing.
            if pyotp.utils.strings_equal(code, totp.generate_otp(step)):
                found = step
        return found
