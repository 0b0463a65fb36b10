from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path

import dkim
import pytest

from gateway.relay.compose import compose_challenge
from gateway.relay.signer import KeyFault, Signer
from tests.unit.relay.test_compose import MAIL, NOW, TEMPLATES


def openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


@pytest.fixture(scope="module", params=["rsa", "rsa-pkcs1", "ed25519", "ed25519-seed"])
def key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A private key file, and the TXT record of its public half."""
    file = tmp_path_factory.mktemp("dkim") / "key.pem"
    if request.param.startswith("rsa"):
        form = ["-traditional"] if request.param == "rsa-pkcs1" else []
        file.write_bytes(openssl("genrsa", *form, "2048"))
        public = openssl("pkey", "-in", str(file), "-pubout", "-outform", "DER")
        return file, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    file.write_bytes(openssl("genpkey", "-algorithm", "ed25519"))
    public = openssl("pkey", "-in", str(file), "-pubout", "-outform", "DER")[-32:]
    if request.param == "ed25519-seed":
        seed = openssl("pkey", "-in", str(file), "-outform", "DER")[-32:]
        file.write_bytes(base64.b64encode(seed) + b"\n")
    return file, b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public)


def verifies(content: bytes, record: bytes) -> bool:
    def txt(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s2026._domainkey.example.org."
        return record

    return bool(dkim.verify(content, dnsfunc=txt))


def test_signed_challenge_verifies_and_changes_break_it(key: tuple[Path, bytes]) -> None:
    file, record = key
    signer = Signer.load(file, "s2026", "example.org")
    content = compose_challenge(TEMPLATES, MAIL, NOW, "<c1@example.org>", signer).content
    assert content.startswith(b"DKIM-Signature: ")
    signed = re.search(rb"; h=([^;]+);", content)
    assert signed is not None
    assert re.findall(rb"[a-z-]+", signed[1]).count(b"from") == 2  # A second From breaks it.
    assert verifies(content, record)
    assert not verifies(content.replace(b"Auto-Submitted: auto-replied", b"Auto-Submitted: no"), record)
    assert not verifies(content.replace(b"20 seconds", b"30 seconds"), record)
    assert not verifies(content.replace(b"To: <anna@", b"From: <evil@evil.example>\r\nTo: <anna@"), record)


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", base64.b64encode(b"x" * 31),
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", b"\xff" * 100,
    ],
)  # fmt: skip
def test_key_that_is_none_is_a_fault(octets: bytes, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(octets)
    with pytest.raises(KeyFault, match=r"key\.pem"):
        Signer.load(file, "s2026", "example.org")


def test_key_file_missing_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(KeyFault, match="cannot be read"):
        Signer.load(tmp_path / "missing.pem", "s2026", "example.org")
