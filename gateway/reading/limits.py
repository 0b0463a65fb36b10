"""How much of a mail is looked at, and for how long: no mail may hang, fill or crash what shows it."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1_048_576


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one mail. What lies beyond is left out, and said to be."""

    seconds: float = 5.0
    """For one question; the worker is killed then."""
    memory_octets: int = 640 * MIB
    """Address space of a worker."""
    parts: int = 500
    depth: int = 30
    part_header_octets: int = 16_384
    lines: int = 500
    """Header fields that are shown."""
    line_characters: int = 4_000
    text_octets: int = 262_144
    """Of one part, before it is decoded."""
    text_characters: int = 200_000
    """Of all parts together."""
    html_octets: int = MIB
    image_octets: int = 3 * MIB
    """Of one image that is shown within the mail."""
    images_octets: int = 8 * MIB
    """Of all of them together."""
    answer_octets: int = 80 * MIB
    """What a worker may send back."""


LIMITS = Limits()
