from __future__ import annotations

import pytest

from gateway.flow.mailbox_name import MailboxNames, MailServer
from gateway.relay.mailbox_auth import SmtpPassword
from gateway.sign_in_methods.mailbox_imap import ImapPassword

OURS = frozenset({"example.org", "example.net"})


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("joe@example.org", "joe@example.org"),
        ("Joe+shop@Example.NET", "joe@example.net"),
        ("joe", "joe@example.org"),
        ("grüße@example.org", "grüße@example.org"),
    ],
)
def test_name_of_a_mailbox_of_ours_is_asked_for_by_its_address(name: str, asked: str) -> None:
    assert MailboxNames(OURS, "example.org").read(name) == (asked, asked)


@pytest.mark.parametrize(
    "name",
    ["", "@", "joe@", "@example.org", "joe@elsewhere.example", "joe@example.org@example.org", "a@b@example.org",
     "joe\r\nA LOGOUT", "joe\n@example.org", "joe\0@example.org", "joe smith@example.org", '"joe"@example.org',
     "joe*admin@example.org", "joe(x)@example.org", "joe\u202e@example.org", "j" * 300, "example.org@", "joe\\@example.org"],
)  # fmt: skip
@pytest.mark.parametrize("domain", ["", "example.org"])
def test_name_that_is_no_mailbox_of_ours_is_never_asked_for(name: str, domain: str) -> None:
    assert MailboxNames(OURS, domain).read(name) is None


def test_name_without_a_domain_needs_a_configured_one() -> None:
    assert MailboxNames(OURS).read("joe") is None


def test_server_that_knows_local_parts_is_asked_for_its_own_domain_only() -> None:
    names = MailboxNames(OURS, "example.org", local_part=True)
    assert names.read("Joe") == ("joe", "joe@example.org")
    assert names.read("joe@example.org") == ("joe", "joe@example.org")
    # Another domain's joe is another person.
    assert names.read("joe@example.net") is None


@pytest.mark.parametrize("password", ["", "a\r\nb", "a\nb", "a\0b"])
async def test_password_that_could_end_a_command_is_refused_before_any_connection(password: str) -> None:
    # Port 1 would raise CheckDown.
    server, names = MailServer("127.0.0.1", 1), MailboxNames(OURS)
    assert await ImapPassword(server, names).check("joe@example.org", password) is None
    assert await SmtpPassword(server, names, "gateway.example.org").check("joe@example.org", password) is None
