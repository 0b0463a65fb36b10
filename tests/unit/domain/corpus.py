"""Real and malformed mails, kept beside the repository."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get("CORPUS_DIR") or ROOT.parent / "shared" / "corpus")


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail of the corpus."""

    path: str
    flags: frozenset[str]
    content: bytes
    """With CRLF line ends, as it comes out of SMTP."""


def samples() -> list[Sample]:
    """Read them all; a missing corpus is a failure, not a reason to test nothing."""
    index = FOLDER / "index.tsv"
    if not index.is_file():
        raise FileNotFoundError(f"the corpus is not at {FOLDER}: set CORPUS_DIR to the folder that holds index.tsv")
    with index.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [
        Sample(row["path"], frozenset(row["flags"].split()), with_crlf((FOLDER / row["path"]).read_bytes()))
        for row in rows
    ]


def with_crlf(octets: bytes) -> bytes:
    """Return octets with every line end as CRLF, the last line ended too."""
    octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"
