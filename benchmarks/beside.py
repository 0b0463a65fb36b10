"""Something that is done again and again in a thread, beside what is measured."""

from __future__ import annotations

import threading
from typing import Self


class Beside:
    """Use as `with …(…) as beside:`; it ends with the block. Subclasses say what is done."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self.run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join()

    def run(self) -> None:
        """Do it until `ended` is set."""
        raise NotImplementedError
