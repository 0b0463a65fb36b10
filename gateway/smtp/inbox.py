"""Octets that have arrived and that nobody has read yet, and the command lines in them."""

from __future__ import annotations

MAX_LINE = 4096
"""Octets of a line that are kept; a longer one is followed to its end, but not kept."""
MAX_SKIPPED = 1_048_576
"""Octets of an over-long line after which it is no mistake any more."""

TOO_LONG = b""
"""Stands for a line that was too long to be kept; a real one has at least its line end."""


class Inbox:
    """A buffer that never holds more of a line than MAX_LINE and what came with one read."""

    __slots__ = ("_octets", "_searched", "_skipped")

    def __init__(self) -> None:
        self._octets = bytearray()
        self._searched = 0
        self._skipped = 0

    def __len__(self) -> int:
        return len(self._octets)

    @property
    def idle(self) -> bool:
        """True where nothing waits, and no line is being skipped."""
        return not self._octets and not self._skipped

    def add(self, octets: bytes) -> None:
        """Put octets behind those that wait."""
        self._octets += octets

    def line(self) -> bytes | None:
        """Take the next line with its LF and what is before it; TOO_LONG; or None while its end is missing."""
        octets = self._octets
        end = octets.find(b"\n", self._searched)
        if end >= 0:
            line = TOO_LONG if self._skipped or end >= MAX_LINE else bytes(octets[: end + 1])
            del octets[: end + 1]
            self._searched = self._skipped = 0
            return line
        self._searched = len(octets)
        if self._searched > MAX_LINE:
            self._skipped += self._searched
            self._searched = 0
            octets.clear()
        return None

    @property
    def flooded(self) -> bool:
        """True where a line does not end within any reason."""
        return self._skipped > MAX_SKIPPED

    def take(self) -> bytes:
        """Take everything, lines or not."""
        octets = bytes(self._octets)
        self.clear()
        return octets

    def clear(self) -> None:
        """Forget all octets that were not read."""
        self._octets.clear()
        self._searched = self._skipped = 0
