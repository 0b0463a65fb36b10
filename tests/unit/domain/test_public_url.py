from __future__ import annotations

import pytest

from gateway.domain.public_url import pages_of


@pytest.mark.parametrize(
    ("public_url", "pages"),
    [
        ("https://mail.example.org", "https://mail.example.org"),
        ("https://ask.{recipient_domain}:8443/mail/", "https://ask.oak.example:8443/mail"),
        ("https://{recipient_domain}/{recipient_domain}", "https://oak.example/oak.example"),
    ],
)
def test_pages_of_a_domain_are_where_the_configuration_says(public_url: str, pages: str) -> None:
    assert pages_of(public_url, "oak.example") == pages
