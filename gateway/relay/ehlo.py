"""What a server says it can do: the EHLO reply, read."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.flow.ports import Features


@dataclass(frozen=True, slots=True)
class Offer:
    """The service extensions of one server, as far as we use them."""

    features: Features
    """What concerns whoever hands mail to us."""
    pipelining: bool = False
    """RFC 2920."""
    starttls: bool = False
    """RFC 3207."""
    size: bool = False
    """SIZE may be declared (RFC 1870 §5), whether or not a limit was told."""
    auth: frozenset[str] = frozenset()
    """SASL mechanisms, upper case (RFC 4954 §3)."""
    xforward: frozenset[str] = frozenset()
    """XFORWARD attributes, upper case."""


HELO_ONLY = Offer(Features(known=True, eight_bit=False))
"""A server that knows HELO alone offers nothing (RFC 5321 §3.2)."""


def read_offer(text: str) -> Offer:
    """Read the text of a 250 to EHLO: a greeting line, then one keyword with parameters in each line."""
    offered: dict[str, list[str]] = {}
    for line in text.split("\n")[1:]:
        words = line.upper().split()
        if not words:
            continue
        keyword, *parameters = words
        if keyword.startswith("AUTH="):  # A spelling from before RFC 2554, which some servers still add.
            parameters.append(keyword[5:])
            keyword = "AUTH"
        offered.setdefault(keyword, []).extend(parameters)
    return Offer(
        features=Features(
            known=True,
            size=_size(offered.get("SIZE", [])),
            eight_bit="8BITMIME" in offered,
            smtputf8="SMTPUTF8" in offered,
            dsn="DSN" in offered,
            xforward="XFORWARD" in offered,
        ),
        pipelining="PIPELINING" in offered,
        starttls="STARTTLS" in offered,
        size="SIZE" in offered,
        auth=frozenset(offered.get("AUTH", [])),
        xforward=frozenset(offered.get("XFORWARD", [])),
    )


def _size(parameters: list[str]) -> int:
    if parameters and parameters[0].isascii() and parameters[0].isdecimal() and len(parameters[0]) <= 20:
        return int(parameters[0])
    return 0
