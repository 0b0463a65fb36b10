"""`python -m gateway.settings sample|page` prints the sample configuration or the page of the documentation."""

from __future__ import annotations

import sys

from gateway.settings.reference import page, sample

if __name__ == "__main__":
    texts = {"sample": sample, "page": page}
    if len(sys.argv) != 2 or sys.argv[1] not in texts:
        sys.exit("usage: python -m gateway.settings sample|page")
    sys.stdout.write(texts[sys.argv[1]]())
