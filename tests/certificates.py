"""Certificates for the tests of TLS, made by the openssl command."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def make_certificate(certificate: Path, key: Path, name: str, *, address: str = "") -> None:
    """Write a certificate for a name, which signs itself, and its key. address: an IP address it is for as well."""
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)]
    words += ["-addext", f"subjectAltName=IP:{address}"] if address else []
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def unverified_tls() -> ssl.SSLContext:
    """A client that takes any certificate, as MTAs do."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
