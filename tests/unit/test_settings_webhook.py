from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gateway.settings import SettingsError, load

GOOD = f"whsec_{base64.b64encode(bytes(32)).decode()}"


@pytest.mark.parametrize(
    "url", ["https://a.example/x?y=1", "http://127.0.0.1:8000/", "http://[::1]/", "http://localhost/x", ""]
)
def test_address_of_a_webhook_is_taken(url: str) -> None:
    assert load(None, {"GATEWAY_WEBHOOK_URL": url, "GATEWAY_WEBHOOK_SECRET_FILE": "x"}).webhook.url == url


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "ftp://a.example/", "https://", "https://a@b.example/", "https://a.example/#x",
     "https://a.example/ x", "https://a.example:99999/", "http://127.0.0.1.example/", "a.example"],
)  # fmt: skip
def test_address_of_a_webhook_that_is_unsafe_or_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"webhook\.url"):
        load(None, {"GATEWAY_WEBHOOK_URL": url, "GATEWAY_WEBHOOK_SECRET_FILE": "x"})


def test_webhook_without_a_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"webhook\.secret_file: is missing"):
        load(None, {"GATEWAY_WEBHOOK_URL": "https://a.example/"})


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (f"{GOOD}\n", True),
        (f"{GOOD}\n\n{GOOD}\n", True),
        (f"{GOOD}\n{GOOD}\n{GOOD}\n", False),
        ("correct horse battery staple\n", False),
        ("whsec_AAAA\n", False),
        ("whsec_!\n", False),
        (GOOD.removeprefix("whsec_"), False),
        ("\n", False),
    ],
)
def test_file_with_secrets_is_read_before_the_service_starts(tmp_path: Path, text: str, good: bool) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    environ = {"GATEWAY_WEBHOOK_URL": "https://a.example/", "GATEWAY_WEBHOOK_SECRET_FILE": str(file)}
    if good:
        load(None, environ, serving=True)
        return
    with pytest.raises(SettingsError, match=r"webhook\.secret_file"):
        load(None, environ, serving=True)
