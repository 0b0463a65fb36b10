"""What stands in a cleaned mail where links and images were, in each language."""

from __future__ import annotations

from gateway.domain.outline import Marks
from gateway.domain.phrase import phrase
from gateway.languages.language import Language


def marks_in(language: Language) -> Marks:
    """Return what a reader of a language is told."""
    return Marks(
        elsewhere=language.said(phrase("in truth leads to {host}")),
        nowhere=language.said(phrase("an address that is none")),
        image=language.said(phrase("image")),
    )
