from __future__ import annotations

import pytest

from gateway.checks.names import aligned, is_domain, organisational_domain


@pytest.mark.parametrize(
    "name", ["oak.example", "a.b-c.example", "_dmarc.oak.example", "xn--bcher-kva.example", "1.2.example"]
)
def test_name_of_several_labels_is_a_domain(name: str) -> None:
    assert is_domain(name)


@pytest.mark.parametrize(
    "name",
    ["", "example", "a..b", ".oak.example", "oak.example.", "[192.0.2.1]", "192.0.2.1", "-a.example", "a-.example", "a b.example", "bücher.example", "x" * 64 + ".example", ("a." * 130) + "example", "a.example\n"],
)  # fmt: skip
def test_text_that_is_no_mail_domain_is_refused(name: str) -> None:
    assert not is_domain(name)
    assert organisational_domain(name) == ""


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("oak.example", "oak.example"),
        ("a.b.oak.example", "oak.example"),
        ("mail.oak.co.uk", "oak.co.uk"),
        ("co.uk", ""),
        ("github.io", ""),
        ("anna.github.io", "anna.github.io"),
        ("x.anna.github.io", "anna.github.io"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),
    ],
)
def test_organisational_domain_is_what_was_registered(name: str, owner: str) -> None:
    assert organisational_domain(name) == owner


@pytest.mark.parametrize(
    ("author", "identity", "relaxed", "strict"),
    [
        ("oak.example", "oak.example", True, True),
        ("oak.example", "mail.oak.example", True, False),
        ("news.oak.example", "mail.oak.example", True, False),
        ("oak.example", "elm.example", False, False),
        ("oak.example", "evil-oak.example", False, False),
        ("anna.github.io", "ben.github.io", False, False),
        ("anna.github.io", "github.io", False, False),
        ("github.io", "anna.github.io", False, False),
        ("oak.co.uk", "elm.co.uk", False, False),
        ("oak.co.uk", "co.uk", False, False),
        ("co.uk", "github.io", False, False),
        ("", "", False, False),
        ("oak.example", "", False, False),
    ],
)
def test_identity_speaks_only_for_its_owners_names(author: str, identity: str, relaxed: bool, strict: bool) -> None:
    assert aligned(author, identity, strict=False) is relaxed
    assert aligned(author, identity, strict=True) is strict
