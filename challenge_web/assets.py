"""The style sheet, the scripts and the icon: read once, named by their content, kept by browsers for a year."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "static"
_GROUND = FOLDER / "ground.css"
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    path: str
    """Below the application's root, with the hash of the content in the name: `static/page.0123456789ab.css`."""
    body: bytes
    content_type: str


class Assets:
    """All files of a folder, in memory."""

    def __init__(self) -> None:
        self._by_name = {file.name: _read(file) for file in sorted(FOLDER.iterdir()) if _is_served(file)}
        self._by_path = {asset.path: asset for asset in self._by_name.values()}

    def path(self, name: str) -> str:
        """Return where a file is served, below the application's root. Raises KeyError."""
        return self._by_name[name].path

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a GET of one file; a name with another hash is not found, so that nobody keeps the wrong content."""
        asset = self._by_path.get(f"static/{request.match_info['name']}")
        if asset is None:
            raise web.HTTPNotFound
        return web.Response(
            body=asset.body,
            content_type=asset.content_type,
            charset="utf-8",
            headers={"Cache-Control": "public, max-age=31536000, immutable"},
        )


def style_sheet(file: Path) -> bytes:
    """Return a style sheet behind what all of ours have in common: in one file, so that no page asks twice."""
    return _GROUND.read_bytes() + b"\n" + file.read_bytes()


def _is_served(file: Path) -> bool:
    return file.suffix in _TYPES and file != _GROUND


def _read(file: Path) -> Asset:
    body = style_sheet(file) if file.suffix == ".css" else file.read_bytes()
    mark = hashlib.sha256(body).hexdigest()[:12]
    return Asset(f"static/{file.stem}.{mark}{file.suffix}", body, _TYPES[file.suffix])
