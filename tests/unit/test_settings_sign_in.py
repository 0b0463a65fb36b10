"""Settings of the ways to sign in that ask another system."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import SettingsError, load


def test_environment_reaches_sections_of_several_words() -> None:
    settings = load(
        None,
        {
            "GATEWAY_SIGN_IN_LINKS": "false",
            "GATEWAY_SIGN_IN_MAILBOX_SERVER": "imap.example.org:993",
            "GATEWAY_SIGN_IN_LDAP_SERVER": "[::1]:636",
            "GATEWAY_SIGN_IN_LDAP_SEARCH_BASE": "dc=example,dc=org",
        },
    )
    assert not settings.sign_in.links
    assert str(settings.sign_in_mailbox.server) == "imap.example.org:993"
    assert str(settings.sign_in_ldap.server) == "[::1]:636"
    assert settings.sign_in_openid.issuer == ""


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("MAILBOX_DOMAIN", "elsewhere.example", "not one of ours"),
        ("MAILBOX_NAMES", "local-part", "sign_in_mailbox.domain: is missing"),
        ("MAILBOX_TLS", "none", "does not fit"),
        ("LDAP_SERVER", "ldap.example.org:636", "sign_in_ldap.search_base: is missing"),
        ("LDAP_BIND_DN", "cn=gateway", "bind_password_file: is missing"),
        ("LDAP_BIND_PASSWORD_FILE", "secret", "bind_dn: is missing"),
        ("LDAP_SEARCH_FILTER", "(uid=joe)", "{name}"),
        ("LDAP_SEARCH_FILTER", "(uid={name}", "parentheses"),
        ("LDAP_SEARCH_FILTER", "(uid={name})(mail={mail})", "no other braces"),
        ("OPENID_ISSUER", "http://id.example.org", "https://"),
        ("OPENID_ISSUER", "https://id.example.org/?tenant=1", "without a query"),
        ("OPENID_ISSUER", "https://id.example.org", "sign_in_openid.client_id: is missing"),
        ("PROXY_HEADER", "X-Remote-User", "sign_in_proxy.proxies: is empty"),
        ("PROXY_HEADER", "X-Forwarded-For", "nobody else uses"),
        ("PROXY_HEADER", "X Remote", "nobody else uses"),
        ("PROXY_DOMAIN", "elsewhere.example", "not one of ours"),
    ],
)
def test_setting_that_would_not_work_is_named(key: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as told:
        load(None, {f"GATEWAY_SIGN_IN_{key}": value})
    assert len(told.value.faults) == 1
    assert words in told.value.faults[0]


def test_directory_without_its_library_is_told_before_anybody_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"GATEWAY_SIGN_IN_LDAP_SERVER": "ldap.example.org:636", "GATEWAY_SIGN_IN_LDAP_SEARCH_BASE": "dc=example"}
    load(None, environ, serving=True)
    monkeypatch.setattr("gateway.settings.checks.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"challenge-gateway\[ldap\]"):
        load(None, environ, serving=True)


def test_files_of_other_systems_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"sign_in_mailbox\.ca_file: .* cannot be read"):
        load(None, {"GATEWAY_SIGN_IN_MAILBOX_CA_FILE": str(tmp_path / "missing.pem")}, serving=True)
