"""Addresses that can be taken for others: scripts that are mixed, letters that look like others, A-labels read out.

The scripts are told by the letters' Unicode names, the rules follow the "highly restrictive" profile of Unicode's
report on security (UTS 39 §5.2). Nothing here raises.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from gateway.domain.phrase import chain, phrase, phrase_in

# Letters that stand for an ASCII letter in most typefaces. Words made of these alone are names in disguise.
_TWINS = dict(
    zip(
        "аеорсухіјѕԁһԛԝӏмтвнкгпбзѵΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαινυρκτγωъıɡɩո",
        "aeopcyxijsdhqwlmtbhkrnb3vABEZHIKMNOPTYXoaivupktywbigin",
        strict=True,
    )
)
_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""Scripts that people write in one word."""
_NAMES = {
    "ARABIC": phrase_in("a script", "Arabic"),
    "ARMENIAN": phrase_in("a script", "Armenian"),
    "CJK": phrase_in("a script", "Chinese"),
    "CYRILLIC": phrase_in("a script", "Cyrillic"),
    "GEORGIAN": phrase_in("a script", "Georgian"),
    "GREEK": phrase_in("a script", "Greek"),
    "HEBREW": phrase_in("a script", "Hebrew"),
    "LATIN": phrase_in("a script", "Latin"),
}
"""Scripts that disguises are made of, as people call them; all others bear Unicode's name."""
_LONGEST_LABEL = 63
_ADDRESS = re.compile(r"[^\s@<>\"'(),;:\[\]]+@((?:[^\s@<>\"'(),;:\[\].]+\.)+[^\s@<>\"'(),;:\[\].]{2,})")


@dataclass(frozen=True, slots=True)
class Look:
    """How an address is to be shown."""

    text: str
    """With its domain in the letters that its A-labels stand for."""
    ascii_domain: str = ""
    """The domain in A-labels, where that is another spelling than the one in `text`; else ""."""
    doubt: str = ""
    """What to beware of, one sentence; "" where there is nothing."""


@lru_cache(maxsize=4096)
def look_of(address: str) -> Look:
    """Return how an address, or a bare domain, is to be shown."""
    local, at, domain = address.rpartition("@")
    labels = [_letters(label) for label in domain.split(".")]
    spelled = [_a_label(label) for label in labels]
    shown = f"{local}{at}{'.'.join(labels)}"
    ascii_domain = "" if labels == spelled else ".".join(spelled)
    for word in (*labels, local):
        doubt = _doubt(word)
        if doubt:
            return Look(shown, ascii_domain, doubt)
    return Look(shown, ascii_domain)


def name_of_another(name: str, address: str) -> str:
    """Return the domain that a display name claims by an address in it, where the mailbox itself is of another; else ""."""
    own = address.rpartition("@")[2].lower()
    for match in _ADDRESS.finditer(name[:1000]):
        claimed = match.group(1).lower()
        if claimed != own:
            return claimed
    return ""


def cautions(name: str, address: str) -> tuple[str, ...]:
    """Say in whole sentences what to beware of in an author's mailbox, before anybody lets it in; mostly nothing."""
    doubt, claimed = look_of(address).doubt, name_of_another(name, address)
    said = [phrase("Take care with the address: {doubt}", doubt=doubt)] if doubt else []
    if claimed:
        said.append(
            phrase("Take care: the name speaks of {claimed}, but the address is of another domain.", claimed=claimed)
        )
    return tuple(said)


def _doubt(word: str) -> str:
    if word.isascii():
        return ""
    if any(unicodedata.category(letter) in ("Cf", "Cc", "Co", "Cn", "Cs") for letter in word):
        return phrase("It holds characters that cannot be seen.")
    scripts = {script for letter in word if (script := _script(letter))}
    if len(scripts) > 1 and not any(scripts <= known for known in _TOGETHER):
        named = chain(", ", [_NAMES.get(script, script.capitalize()) for script in sorted(scripts)])
        return phrase("It mixes letters of different scripts: {scripts}.", scripts=named)
    folded = unicodedata.normalize("NFKC", word)
    if folded.isascii():
        return phrase("Its letters only look like {text}.", text=folded)
    bare = [letter for letter in word if not letter.isascii()]
    if all(letter in _TWINS for letter in bare):
        twin = "".join(_TWINS.get(letter, letter) for letter in word)
        return phrase("Its letters are of another script and look like {text}.", text=twin)
    return ""


def _script(letter: str) -> str:
    """Return the script of a letter, the first word of its name; "" for what all scripts share."""
    if not unicodedata.category(letter).startswith("L"):
        return ""
    name = unicodedata.name(letter, "")
    return "LATIN" if name.startswith(("FULLWIDTH LATIN", "MODIFIER")) else name.partition(" ")[0]


def _letters(label: str) -> str:
    """Return what an A-label stands for; the label itself where it stands for nothing, or for what is no letter."""
    if not label.lower().startswith("xn--") or len(label) > _LONGEST_LABEL:
        return label
    try:
        plain = label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label
    return plain if plain and not plain.isascii() and plain.isprintable() else label


def _a_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")
