"""Every dialog in this folder, on each event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from gateway.smtp.listener import TlsFiles
from tests.certificates import make_certificate
from tests.dialogs.dialog import octets, perform

FOLDER = Path(__file__).parent
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate that signs itself."""
    folder = tmp_path_factory.mktemp("tls")
    files = TlsFiles(folder / "certificate.pem", folder / "key.pem")
    make_certificate(files.certificate, files.key, "mx.example.org")
    return files


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.smtp")), ids=lambda path: path.stem)
def test_dialog_on_each_loop_goes_as_written(path: Path, loop: str, tls: TlsFiles) -> None:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(perform(path, tls))


def test_dialog_escapes_become_octets() -> None:
    assert octets(r"a\r\n\x00\\ü") == b"a\r\n\x00\\" + "ü".encode()
