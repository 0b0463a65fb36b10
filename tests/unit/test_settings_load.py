"""Reading the settings: defaults, file, environment, and every fault named at once."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import get_args

import pytest

from gateway.domain.challenge import Asking
from gateway.domain.policy import Expiry, Scope
from gateway.settings import Endpoint, Settings, SettingsError, load, read_secret
from gateway.settings.load import kinds_of
from gateway.settings.schema import Challenge, Pending


def written(folder: Path, text: str) -> Path:
    """Write a configuration and return its file."""
    file = folder / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return file


def loaded(folder: Path, text: str, **environ: str) -> Settings:
    """Return the settings of a configuration, as the service takes them."""
    return load(written(folder, text), environ, serving=True)


def faults(folder: Path, text: str, **environ: str) -> list[str]:
    """Return the faults of a configuration, without the name of its folder."""
    with pytest.raises(SettingsError) as raised:
        loaded(folder, text, **environ)
    assert str(raised.value) == "\n".join(raised.value.faults)
    return [fault.replace(f"{folder}/", "") for fault in raised.value.faults]


def test_settings_without_a_file_are_the_defaults() -> None:
    settings = load(None, {}, serving=True)
    assert settings.smtp.listen == (Endpoint("127.0.0.1", 2525),)
    assert settings.smtp.max_message_octets == 52_428_800
    assert settings.domains.names == ("example.org",)
    assert settings.relay.next_hop == Endpoint("127.0.0.1", 10026)
    assert settings.challenge.mode == "authenticated"
    assert settings.pending.days == 14


def test_settings_in_a_file_replace_the_defaults(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        """
        [smtp]
        listen = ["0.0.0.0:25", "[::]:25"]
        trusted_clients = ["192.0.2.0/24", "2001:db8::1"]
        [domains]
        names = ["Example.ORG", "bücher.example"]
        [relay]
        next_hop = "mail.example.org:25"
        [relay.domains]
        "example.org" = "[2001:db8::2]:2525"
        [web]
        public_url = "https://{recipient_domain}/challenge/"
        [dns]
        servers = ["127.0.0.1:5353", "::1"]
        [pending]
        days = 0.5
        """,
    )
    assert settings.smtp.listen == (Endpoint("0.0.0.0", 25), Endpoint("::", 25))
    assert settings.smtp.trusted_clients == (
        ipaddress.ip_network("192.0.2.0/24"),
        ipaddress.ip_network("2001:db8::1/128"),
    )
    assert settings.domains.names == ("example.org", "xn--bcher-kva.example")
    assert settings.relay.next_hop == Endpoint("mail.example.org", 25)
    assert settings.relay.domains == {"example.org": Endpoint("2001:db8::2", 2525)}
    assert settings.web.public_url == "https://{recipient_domain}/challenge"
    assert settings.dns.servers == (Endpoint("127.0.0.1", 5353), Endpoint("::1", 53))
    assert settings.pending.days == 0.5


def test_relative_path_starts_from_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "chain.pem").write_text("chain")
    (tmp_path / "key.pem").write_text("key")
    settings = loaded(tmp_path, '[smtp]\ntls_certificate = "chain.pem"\ntls_key = "./key.pem"')
    assert settings.smtp.tls_certificate == tmp_path / "chain.pem"
    assert settings.smtp.tls_key == tmp_path / "key.pem"
    assert settings.store.url == f"sqlite:///{tmp_path}/var/gateway.db"
    assert not (tmp_path / "var").exists()


def test_store_url_with_an_absolute_path_stays(tmp_path: Path) -> None:
    assert loaded(tmp_path, '[store]\nurl = "sqlite:////srv/mail/g.db"').store.url == "sqlite:////srv/mail/g.db"


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        '[smtp]\nhostname = "a.example"\nmax_recipients = 5',
        GATEWAY_SMTP_HOSTNAME="b.example",
        GATEWAY_SMTP_LISTEN="127.0.0.1:25, [::1]:25",
        GATEWAY_SMTP_TLS_REQUIRED="false",
        GATEWAY_SMTP_TRUSTED_CLIENTS="[]",
        GATEWAY_RELAY_DOMAINS='{ "example.org" = "h.example:25" }',
        GATEWAY_CHALLENGE_MODE="off",
        GATEWAY_CHALLENGE_CAPTCHA='["image"]',
        GATEWAY_PENDING_DAYS="3",
        GATEWAY_STORE_URL="sqlite:///here.db",
    )
    assert settings.smtp.hostname == "b.example"
    assert settings.smtp.max_recipients == 5
    assert settings.smtp.listen == (Endpoint("127.0.0.1", 25), Endpoint("::1", 25))
    assert settings.smtp.trusted_clients == ()
    assert settings.relay.domains == {"example.org": Endpoint("h.example", 25)}
    assert settings.challenge.mode == "off"
    assert settings.challenge.captcha == ("image",)
    assert settings.pending.days == 3
    assert settings.store.url == f"sqlite:///{tmp_path}/here.db"


def test_environment_takes_a_list_that_begins_with_an_ipv6_address(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "", GATEWAY_SMTP_LISTEN="[::1]:25, 127.0.0.1:25", GATEWAY_WEB_LISTEN="[::]:8080")
    assert settings.smtp.listen == (Endpoint("::1", 25), Endpoint("127.0.0.1", 25))
    assert settings.web.listen == (Endpoint("::", 8080),)


def test_environment_of_other_programs_is_left_alone(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "", GATEWAY_PORT="tcp://192.0.2.1", GATEWAY_SERVICE_HOST="192.0.2.1", HOME="/")
    assert settings == loaded(tmp_path, "")


def test_environment_with_a_slip_names_the_nearest(tmp_path: Path) -> None:
    assert faults(tmp_path, "", GATEWAY_SMTP_LISTE="x", GATEWAY_SMPT_LISTEN="x", GATEWAY_PENDING_DAYS="many") == [
        "GATEWAY_PENDING_DAYS: pending.days: 'many' does not fit; write a number above 0 (days)",
        "GATEWAY_SMPT_LISTEN: there is no section smpt; the nearest is smtp",
        "GATEWAY_SMTP_LISTE: smtp.liste: there is no such key; the nearest is GATEWAY_SMTP_LISTEN",
    ]


def test_faults_in_a_file_are_all_named(tmp_path: Path) -> None:
    text = """
        loose = 1
        web = 1
        [smtp]
        listn = []
        listen = ["127.0.0.1", "[::1]:99999", "127.0.0.1:25"]
        stage = "queue"
        max_recipients = 0
        max_errors = "10"
        hostname = 5
        tls_required = 1
        [domans]
        names = []
        [pending]
        days = -1
    """
    form = "write host:port with a port up to 65535, as 127.0.0.1:25 or [::1]:25"
    assert faults(tmp_path, text) == [
        "gateway.toml: loose: there is no such section; the nearest is log",
        "gateway.toml: web: is a section; write [web] and its keys below",
        "gateway.toml: smtp.listn: there is no such key; the nearest is smtp.listen",
        f'gateway.toml: smtp.listen: "127.0.0.1": {form}',
        f'gateway.toml: smtp.listen: "[::1]:99999": {form}',
        'gateway.toml: smtp.stage: "queue" does not fit; write one of before-queue, after-queue, edge',
        "gateway.toml: smtp.max_recipients: 0 does not fit; write a whole number above 0",
        'gateway.toml: smtp.max_errors: "10" does not fit; write a whole number above 0',
        "gateway.toml: smtp.hostname: 5 is not text; write it in quotes: domain name",
        "gateway.toml: smtp.tls_required: 1 does not fit; write true or false",
        "gateway.toml: domans: there is no such section; the nearest is domains",
        "gateway.toml: pending.days: -1 does not fit; write a number above 0 (days)",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[relay]\nnext_hop = "mail.example.org"', "write host:port"),
        ('[relay]\nnext_hop = "mail.example.org:0"', "port 0"),
        ('[relay]\nnext_hop = "::1:25"', "stands in brackets: [::1]:25"),
        ('[relay]\nnext_hop = "-x.example:25"', "write a domain name"),
        ('[relay]\nnext_hop = "300.1.1.1:25"', "not permitted"),
        ('[smtp]\nlisten = ["*:25"]', "write 0.0.0.0:25 or [::]:25"),
        ('[smtp]\nlisten = "127.0.0.1:25"', "is not a list"),
        ('[smtp]\ntrusted_clients = ["10.0.0.1/8"]', "write 10.0.0.0/8"),
        ('[smtp]\ntrusted_clients = ["localhost"]', "write an address or a network"),
        ('[domains]\nnames = ["exa mple.org"]', "write a domain name"),
        ('[domains]\nnames = ["@example.org"]', "write a domain name"),
        ('[domains]\nrecipient_delimiter = "++"', "write one character"),
        ('[relay]\ndomains = 1', "is not a table"),
        ('[relay]\nnext_hop_tls = "yes"', "write one of none, opportunistic, verify"),
        ("[pending]\ndays = inf", "pending.days: Infinity is too large"),
        ("[smtp]\nmax_recipients = 99999999999999999999", "is too large; write a whole number above 0, 1e+15 at most"),
        ('[web]\npublic_url = "ftp://example.org/"', "http:// or https://"),
        ('[web]\npublic_url = "example.org"', "http:// or https://"),
        ('[web]\npublic_url = "https://example.org/?a=1"', "without a query"),
        ('[web]\npublic_url = "https://example.org/#a"', "without a query"),
        ('[web]\npublic_url = "https://{domain}/"', "only {recipient_domain} is"),
        ('[web]\npublic_url = "https://{recipient_domain!r}/"', "only {recipient_domain} is"),
        ('[web]\npublic_url = "https://{recipient_domain/"', "'}'"),
        ('[web]\npublic_url = "https://user@example.org/"', "without user name"),
        ('[web]\npublic_url = "https://example.org:99999/"', "Port out of range"),
        ('[store]\nurl = "postgresql://db/gateway"', "only sqlite:///FILE is supported"),
        ('[store]\nurl = "sqlite://"', "only sqlite:///FILE is supported"),
        ('[store]\nurl = "sqlite:///"', "write sqlite:///FILE"),
        ('[dns]\nservers = ["dns.example.org:53"]', "named by its IP address"),
        ('[challenge]\nsender = "postmaster"', "write an address"),
        ('[challenge]\nsender = "a@b c"', "write an address"),
        ('[challenge]\norganisation = "a\\nBcc: b"', "one line without control characters"),
        ('[challenge]\nwork_bits = 31', "write a whole number from 1 up to 30 (bits)"),
        ('[challenge]\ncaptcha = ["imag"]', "write one of image, proof-of-work, audio"),
        ('[pending]\nspam_plus_address = "a b"', "write letters, digits"),
        ('[smtp]\ntls_key = "a\\u0000b"', "no NUL"),
        ('[relay]\nnext_hop_password_file = 7', "is not text"),
    ],
)  # fmt: skip
def test_value_that_does_not_fit_is_named_with_what_to_write(tmp_path: Path, text: str, fault: str) -> None:
    header, _, line_of_key = text.partition("\n")
    section, key = header.strip("[]"), line_of_key.partition(" ")[0]
    (line,) = faults(tmp_path, text)
    assert line.startswith(f"gateway.toml: {section}.{key}: ")
    assert fault in line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[smtp]\nlisten = []", 'smtp.listen: is empty; write at least one, as ["127.0.0.1:2525"]'),
        ("[web]\nlisten = []", 'web.listen: is empty; write at least one, as ["127.0.0.1:8080"]'),
        ("[domains]\nnames = []", 'domains.names: is empty, so no mail would be taken; write our domains, as ["exa'),
        ('[smtp]\ntls_certificate = "c"', "smtp.tls_key: is missing; smtp.tls_certificate needs its key"),
        ('[smtp]\ntls_key = "c"', "smtp.tls_certificate: is missing; smtp.tls_key needs its certificate"),
        ("[smtp]\ntls_required = true", "smtp.tls_required: needs smtp.tls_certificate and smtp.tls_key"),
        ("[smtp]\nmax_memory_octets = 9", "smtp.max_memory_octets: is less than one message"),
        ('[web]\nlisten = ["127.0.0.1:2525"]', "web.listen: 127.0.0.1:2525 is taken by smtp.listen"),
        ('[relay.domains]\n"other.example" = "h:25"', "relay.domains: other.example is not one of ours"),
        ('[relay]\nnext_hop = "127.0.0.1:2525"', "relay.next_hop: 127.0.0.1:2525 is smtp.listen, so mail would loop"),
        ('[relay]\nsmart_host_user = "u"', "relay.smart_host_password_file: is missing; relay.smart_host_user needs"),
        ('[relay]\nnext_hop_password_file = "c"', "relay.next_hop_user: is missing; relay.next_hop_password_file"),
        ('[outgoing]\nlisten = ["127.0.0.1:2525"]', "outgoing.listen: 127.0.0.1:2525 is taken by smtp.listen"),
        ('[outgoing]\nlisten = ["127.0.0.1:10027"]', "relay.smart_host: 127.0.0.1:10027 is outgoing.listen, so mail"),
        ('[outgoing]\nlisten = ["127.0.0.1:10026"]', "relay.next_hop: 127.0.0.1:10026 is outgoing.listen; name the"),
        ('[outgoing]\nnext_hop = "127.0.0.1:2525"', "outgoing.next_hop: 127.0.0.1:2525 is smtp.listen, so mail"),
        ('[outgoing]\nlisten = ["127.0.0.1:2526"]\nclients = []', "outgoing.clients: is empty; name our mail server"),
        ("[outgoing]\ntls_required = true", "outgoing.tls_required: needs smtp.tls_certificate and smtp.tls_key"),
        ('[outgoing]\nnext_hop_user = "u"\nnext_hop_password_file = "c"', "outgoing.next_hop: is missing; outgoing."),
        ('[outgoing]\nnext_hop = "h:25"\nnext_hop_user = "u"', "outgoing.next_hop_password_file: is missing;"),
        ('[outgoing]\nnext_hop = "h:25"\nnext_hop_password_file = "c"', "outgoing.next_hop_user: is missing;"),
        ("[challenge]\ncaptcha = []", "challenge.captcha: is empty; name a kind, or set challenge.mode"),
        ('[challenge]\ncaptcha = ["image", "image"]', "challenge.captcha: names one kind twice"),
        ('[challenge]\ntemplates = "nowhere"', "challenge.templates: nowhere is not a folder"),
        (
            '[domains]\nrecipient_delimiter = ""\n[pending]\nspam_plus_address = "spam"',
            "pending.spam_plus_address: needs a delimiter",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_named(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "c").write_text("content")
    (line,) = faults(tmp_path, text)
    assert line.startswith(f"gateway.toml: {expected}")


def test_signature_settings_that_are_incomplete_are_each_named(tmp_path: Path) -> None:
    assert faults(tmp_path, '[challenge]\ndkim_domain = "example.org"') == [
        "gateway.toml: challenge.dkim_selector: is missing; challenge.dkim_domain needs it",
        "gateway.toml: challenge.dkim_key_file: is missing; challenge.dkim_domain needs it",
    ]


def test_fault_between_settings_names_the_variable_that_made_it(tmp_path: Path) -> None:
    assert faults(tmp_path, "", GATEWAY_RELAY_NEXT_HOP="127.0.0.1:2525") == [
        "GATEWAY_RELAY_NEXT_HOP: relay.next_hop: 127.0.0.1:2525 is smtp.listen, so mail would loop; "
        "name the server behind"
    ]


def test_file_that_is_not_there_matters_to_the_service_only(tmp_path: Path) -> None:
    text = '[smtp]\ntls_certificate = "chain.pem"\ntls_key = "key.pem"'
    (tmp_path / "key.pem").write_text("")
    assert faults(tmp_path, text) == [
        "gateway.toml: smtp.tls_certificate: chain.pem cannot be read (No such file or directory); "
        "the service's user must be able to",
        "gateway.toml: smtp.tls_key: key.pem is empty",
    ]
    assert load(written(tmp_path, text), {}).smtp.tls_key == tmp_path / "key.pem"


def test_configuration_that_cannot_be_read_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere.toml: cannot be read .*; name the file with --config FILE"):
        load(tmp_path / "nowhere.toml", {})
    assert faults(tmp_path, "[smtp\n")[0].startswith("gateway.toml: is not TOML: ")
    (tmp_path / "gateway.toml").write_bytes(b"# \xff\n")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        load(tmp_path / "gateway.toml", {})


def test_endpoint_written_has_brackets_for_ipv6() -> None:
    assert str(Endpoint("::1", 25)) == "[::1]:25"
    assert str(Endpoint("mail.example.org", 25)) == "mail.example.org:25"


def test_secret_read_has_no_line_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pass word \r\n")
    assert read_secret(tmp_path / "secret") == "pass word "
    assert read_secret(None) == ""


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        (kinds_of(Challenge)["mode"], Asking),
        (kinds_of(Challenge)["scope"], Scope),
        (kinds_of(Pending)["on_expiry"], Expiry),
    ],
)
def test_words_of_a_setting_are_those_of_the_domain(kind: object, members: type[Asking | Scope | Expiry]) -> None:
    assert set(get_args(kind)) == {member.value for member in members}
