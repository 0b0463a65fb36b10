"""Where our pages are, as seen from outside: at one address, or at one for each of our domains."""

from __future__ import annotations

_DOMAIN = "{recipient_domain}"


def pages_of(public_url: str, domain: str) -> str:
    """Return the address below which the pages of a domain stand, without a slash at its end.

    public_url: as configured; may contain {recipient_domain}. It is never built from what a client says: else a link in
    our mail could lead wherever that client wants.
    """
    return public_url.replace(_DOMAIN, domain).rstrip("/")
