"""Names of files that others chose: made safe to be shown and to be saved under, and looked at for disguises."""

from __future__ import annotations

import re
import unicodedata

from gateway.domain.phrase import phrase

LONGEST = 120
_NEVER_IN_NAMES = re.compile(r'[/\\:*?"<>|]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
"""Names of devices to some systems, with any ending."""

_RUNS = frozenset(
    [
        "ade",
        "adp",
        "apk",
        "app",
        "appimage",
        "appx",
        "bat",
        "cab",
        "chm",
        "cmd",
        "com",
        "cpl",
        "deb",
        "desktop",
        "dll",
        "dmg",
        "docm",
        "dotm",
        "exe",
        "gadget",
        "hta",
        "htm",
        "html",
        "img",
        "inf",
        "ins",
        "iso",
        "jar",
        "jnlp",
        "js",
        "jse",
        "lnk",
        "mht",
        "mhtml",
        "msc",
        "msi",
        "msix",
        "msp",
        "mst",
        "one",
        "pif",
        "pkg",
        "potm",
        "ppam",
        "pptm",
        "ps1",
        "ps1xml",
        "ps2",
        "psc1",
        "py",
        "reg",
        "rpm",
        "scf",
        "scr",
        "sct",
        "sh",
        "shb",
        "svg",
        "sys",
        "url",
        "vb",
        "vbe",
        "vbs",
        "vhd",
        "vhdx",
        "vxd",
        "wsc",
        "wsf",
        "wsh",
        "xhtml",
        "xlam",
        "xll",
        "xlsm",
        "xltm",
        "xpi",
    ]
)
"""Endings of what can run something when it is opened."""
_ENDING = re.compile(r"\.([A-Za-z0-9]{1,8})[ .]*\Z")


def safe_name(text: str, fallback: str = "") -> str:
    """Return the last piece of a path, without what is not seen or turns the direction, at most LONGEST characters.

    Its ending is kept; a name that begins with a dot, or that some systems take for a device, gets a line before it.
    """
    last = re.split(r"[/\\]", text.replace("\0", ""))[-1]
    seen = "".join(" " if _hidden(letter) else letter for letter in last)
    plain = " ".join(_NEVER_IN_NAMES.sub("_", seen).split()).rstrip(". ")
    if not plain.strip("._ "):
        return fallback
    if plain.startswith(".") or _RESERVED.match(plain):
        plain = f"_{plain}"
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 17]}…{plain[-16:]}"


def warning_of(name: str) -> str:
    """Say what to beware of in a file's name, one sentence; "" where there is nothing."""
    match = _ENDING.search(name)
    if match is None or match.group(1).lower() not in _RUNS:
        return ""
    ending = match.group(1).lower()
    before = _ENDING.search(name[: match.start()])
    if before is not None and not before.group(1).isdigit() and before.group(1).lower() not in _RUNS:
        claimed = before.group(1).lower()
        return phrase(
            "It pretends to be a .{claimed} file, but it is a program or page (.{ending}).",
            claimed=claimed,
            ending=ending,
        )
    return phrase("This kind of file (.{ending}) can run a program when it is opened.", ending=ending)


def _hidden(letter: str) -> bool:
    return (
        letter.isspace()
        or letter == "\N{REPLACEMENT CHARACTER}"
        or unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
