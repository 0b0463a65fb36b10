"""DKIM signatures on what we send ourselves (RFC 6376, RFC 8463)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path

import dkim

_PEM = re.compile(rb"-----BEGIN [A-Z ]+-----\s+(.+?)\s+-----END [A-Z ]+-----", re.DOTALL)
_ED25519_OID = b"\x06\x03\x2b\x65\x70"
_FIELDS = (
    b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"auto-submitted",
    b"mime-version", b"content-type",
    # RFC 8058 §4: one-click counts only where both are signed.
    b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip


class KeyFault(Exception):
    """The private key cannot be read or used."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key and the name under which its public half is found: `<selector>._domainkey.<domain>`."""

    domain: str
    """In A-labels."""
    selector: str
    _key: bytes
    """PEM for RSA, base64 of the 32 octets of the seed for Ed25519."""
    _algorithm: bytes

    @classmethod
    def load(cls, key_file: Path, selector: str, domain: str) -> Signer:
        """Read an RSA or Ed25519 key (PEM, or the bare base64 seed) and try it. Raises KeyFault."""
        try:
            octets = key_file.read_bytes()
        except OSError as fault:
            raise KeyFault(f"{key_file} cannot be read") from fault
        pem = _PEM.search(octets)
        try:
            der = base64.b64decode(pem[1]) if pem else b""
            if pem and _ED25519_OID not in der[:32]:
                signer = cls(domain, selector, octets.replace(b"\r\n", b"\n"), b"rsa-sha256")
            else:
                # RFC 8410 §7: the seed ends the PKCS#8 structure.
                seed = der[-32:] if pem else base64.b64decode(octets.strip(), validate=True)
                if len(seed) != 32:
                    raise KeyFault(f"{key_file} is neither an RSA nor an Ed25519 key")
                signer = cls(domain, selector, base64.b64encode(seed), b"ed25519-sha256")
            signer.sign(b"From: <a@b.example>\r\n\r\n\r\n")
        except (dkim.DKIMException, binascii.Error, ValueError, IndexError, TypeError) as fault:
            raise KeyFault(f"{key_file} is not a key that can sign: {type(fault).__name__}") from fault
        return signer

    def sign(self, content: bytes) -> bytes:
        """Return the content with a DKIM-Signature on top."""
        message = dkim.DKIM(content, signature_algorithm=self._algorithm)
        names = [name.lower() for name, _ in message.headers]
        # From once more than it is there: nobody can add a second one (RFC 6376 §8.15).
        fields = [name for name in _FIELDS if name in names] + [b"from"]
        signature: bytes = message.sign(
            self.selector.encode("ascii"),
            self.domain.encode("ascii"),
            self._key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=fields,
        )
        return signature + content
