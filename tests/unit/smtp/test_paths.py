"""The grammar of MAIL and RCPT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import reply
from gateway.domain.envelope import Recipient
from gateway.domain.reply import Reply
from gateway.smtp import paths
from gateway.smtp.paths import Mail, Offer, parse_mail, parse_rcpt

ALL = Offer(max_octets=1000, smtputf8=True, dsn=True, auth=True)
BARE = Offer(max_octets=1000)


def rcpt(argument: str, offer: Offer = ALL, smtputf8: bool = False) -> Recipient | Reply:
    return parse_rcpt(argument, offer, smtputf8, "example.org")


GOOD = [
    "a@b",
    "anna.smith@example.org",
    "a+tag@example.org",
    "prvs=123=x@example.org",
    "!#$%&'*+-/=?^_`{|}~@example.org",
    '"a b"@example.org',
    '"a\\"b"@example.org',
    '"a>b"@example.org',
    "a@[192.0.2.1]",
    "a@[IPv6:2001:db8::1]",
    "a@xn--mnchen-3ya.example",
    "a@my_host.example.org",
    "a@" + "b" * 63 + ".example",
    "a" * 64 + "@example.org",
]
BAD = [
    "",
    "a",
    "@b",
    "a@",
    "a@b@c",
    "a b@c",
    ".a@b",
    "a.@b",
    "a..b@c",
    "a@-b",
    "a@b-",
    "a@.b",
    "a@b.",
    "a@b..c",
    "a@b c",
    "a@b (comment)",
    '"a@b',
    '"a"b@c',
    '"a\x01"@b',
    '"a\r"@b',
    '"a\\\x7f"@b',
    "a\x00@b",
    "a\t@b",
    "a\\b@c",
    "a,b@c",
    "<a@b>",
    "a@[",
    "a@[]",
    "a@[192.0.2.256]",
    "a@[192.0.2]",
    "a@[IPv6:::g]",
    "a@[IPv6:fe80::1%eth0]",
    "a@[tag:x]",
    "a@[192.0.2.1",
    "a@b[192.0.2.1]",
    "@a:b",
    "@a,:b@c",
    "@a b@c",
    "a" * 65 + "@b",
    "a@" + "b" * 64 + ".example",
    "a@" + ".".join(["b" * 60] * 5),
    "a@b\u0085",
    "a\u2028@b",
    "a\udce9@b",
    "\ufdd0@b",
]


@pytest.mark.parametrize("mailbox", GOOD)
def test_path_well_formed_is_read_as_written(mailbox: str) -> None:
    mail = parse_mail(f"FROM:<{mailbox}>", BARE)
    assert isinstance(mail, Mail)
    assert mail.reverse_path.text == mailbox


@pytest.mark.parametrize("mailbox", BAD)
def test_path_malformed_is_refused_for_good(mailbox: str) -> None:
    offers = Offer(smtputf8=True)
    if mailbox:
        assert parse_mail(f"FROM:<{mailbox}> SMTPUTF8", offers) == reply.BAD_SENDER
    assert rcpt(f"TO:<{mailbox}>", smtputf8=True) == reply.BAD_RECIPIENT


@pytest.mark.parametrize("argument", ["", "FROM", "FROM:", "FROM:a@b", "FROM:<a@b", "FROM:a@b>", "FROM:<", 'FROM:<"'])
def test_mail_without_whole_path_is_refused(argument: str) -> None:
    answer = parse_mail(argument, ALL)
    assert isinstance(answer, Reply)
    assert answer.code == 501


@pytest.mark.parametrize("argument", ["<a@b>", "TO:<a@b>", "FROM <a@b>", "FROM :<a@b>"])
def test_mail_with_wrong_keyword_is_refused(argument: str) -> None:
    assert parse_mail(argument, ALL) == reply.BAD_SYNTAX


def test_mail_with_null_path_gives_null_reverse_path() -> None:
    mail = parse_mail("FROM:<> SIZE=10", ALL)
    assert isinstance(mail, Mail)
    assert mail.reverse_path.is_null


def test_rcpt_with_null_path_is_refused() -> None:
    assert rcpt("TO:<>") == reply.BAD_RECIPIENT


@pytest.mark.parametrize("spelling", ["FROM:<a@b>", "from:<a@b>", "From: <a@b>", "FROM:   <a@b>"])
def test_mail_keyword_in_any_case_and_with_blank_is_read(spelling: str) -> None:
    assert isinstance(parse_mail(spelling, BARE), Mail)


@pytest.mark.parametrize("route", ["@x:", "@x,@y.example:", "@x-y:"])
def test_source_route_is_ignored(route: str) -> None:
    recipient = rcpt(f"TO:<{route}anna@example.org>")
    assert isinstance(recipient, Recipient)
    assert recipient.address.text == "anna@example.org"


@pytest.mark.parametrize("spelling", ["postmaster", "Postmaster", "POSTMASTER"])
def test_rcpt_to_bare_postmaster_is_ours(spelling: str) -> None:
    recipient = rcpt(f"TO:<{spelling}>")
    assert isinstance(recipient, Recipient)
    assert recipient.address.text == "postmaster@example.org"


def test_mail_from_bare_postmaster_is_refused() -> None:
    assert parse_mail("FROM:<postmaster>", ALL) == reply.BAD_SENDER


@pytest.mark.parametrize(
    "local", ["user%elsewhere.example", "elsewhere.example!user", '"user@elsewhere.example"', '"a%b"']
)
def test_rcpt_with_hidden_route_is_refused_as_relaying(local: str) -> None:
    assert rcpt(f"TO:<{local}@example.org>") == reply.NOT_OUR_DOMAIN
    assert isinstance(parse_mail(f"FROM:<{local}@example.org>", ALL), Mail)


def test_mail_parameters_are_read_with_their_case() -> None:
    mail = parse_mail("FROM:<a@b> size=999 Body=8bitmime SMTPUTF8 RET=hdrs ENVID=aB+2Bc AUTH=<>", ALL)
    assert isinstance(mail, Mail)
    assert (mail.size, mail.body_8bit, mail.smtputf8, mail.ret, mail.envid) == (999, True, True, "HDRS", "aB+2Bc")


def test_rcpt_parameters_are_read_with_their_case() -> None:
    recipient = rcpt("TO:<a@b> NOTIFY=success,DELAY ORCPT=rfc822;Anna+2BX@Example.ORG")
    assert isinstance(recipient, Recipient)
    assert (recipient.notify, recipient.orcpt) == ("SUCCESS,DELAY", "rfc822;Anna+2BX@Example.ORG")


@pytest.mark.parametrize(
    "parameter",
    [
        "SIZE",
        "SIZE=",
        "SIZE=-1",
        "SIZE=1a",
        "SIZE=" + "9" * 21,
        "SIZE=1 SIZE=1",
        "BODY=BINARYMIME",
        "BODY",
        "RET=ALL",
        "ENVID",
        "ENVID=a+b",
        "ENVID=" + "a" * 101,
        "SMTPUTF8=1",
        "AUTH",
        "AUTH=+",
        "=",
        "-X=1",
        "Xé=1",
        "RET=FULL=X",
    ],
)
def test_mail_parameter_malformed_gives_501(parameter: str) -> None:
    assert parse_mail(f"FROM:<a@b> {parameter}", ALL) == reply.BAD_SYNTAX


@pytest.mark.parametrize(
    "parameter",
    [
        "NOTIFY",
        "NOTIFY=NEVER,DELAY",
        "NOTIFY=DELAY,DELAY",
        "NOTIFY=,",
        "ORCPT=x",
        "ORCPT=rfc822;a+b",
        "ORCPT=;x",
        "ORCPT=rfc822;" + "a" * 500,
        "NOTIFY=NEVER NOTIFY=NEVER",
    ],
)
def test_rcpt_parameter_malformed_gives_501(parameter: str) -> None:
    assert rcpt(f"TO:<a@b> {parameter}") == reply.BAD_SYNTAX


@pytest.mark.parametrize("parameter", ["FOO", "FOO=bar", "X-TRA=1", "NOTIFY=NEVER"])
def test_mail_parameter_unknown_gives_555(parameter: str) -> None:
    assert parse_mail(f"FROM:<a@b> {parameter}", ALL) == reply.BAD_PARAMETER


@pytest.mark.parametrize("parameter", ["SMTPUTF8", "RET=FULL", "ENVID=x", "AUTH=<>"])
def test_mail_parameter_not_offered_gives_555(parameter: str) -> None:
    assert parse_mail(f"FROM:<a@b> {parameter}", BARE) == reply.BAD_PARAMETER


def test_rcpt_parameter_not_offered_gives_555() -> None:
    assert rcpt("TO:<a@b> NOTIFY=NEVER", BARE) == reply.BAD_PARAMETER
    assert rcpt("TO:<a@b> SIZE=1") == reply.BAD_PARAMETER


def test_mail_parameter_after_helo_gives_555() -> None:
    assert parse_mail("FROM:<a@b> SIZE=1", Offer(extended=False)) == reply.BAD_PARAMETER


def test_mail_size_over_limit_gives_552() -> None:
    assert parse_mail("FROM:<a@b> SIZE=1001", ALL) == reply.TOO_BIG
    assert isinstance(parse_mail("FROM:<a@b> SIZE=1000", ALL), Mail)


def test_parameter_glued_to_path_is_refused() -> None:
    assert parse_mail("FROM:<a@b>SIZE=1", ALL) == reply.BAD_SYNTAX


def test_utf8_path_needs_smtputf8() -> None:
    assert parse_mail("FROM:<ä@b>", ALL) == reply.NEEDS_SMTPUTF8
    assert rcpt("TO:<ä@b>") == reply.NEEDS_SMTPUTF8
    assert rcpt("TO:<a@ä.example>") == reply.NEEDS_SMTPUTF8
    mail = parse_mail("FROM:<ä@münchen.example> SMTPUTF8", ALL)
    assert isinstance(mail, Mail)
    assert mail.reverse_path.key == "ä@xn--mnchen-3ya.example"
    assert isinstance(rcpt('TO:<"ä b"@b>', smtputf8=True), Recipient)


def test_utf8_local_part_is_measured_in_octets() -> None:
    assert parse_mail(f"FROM:<{'ä' * 32}@b> SMTPUTF8", ALL) != reply.BAD_SENDER
    assert parse_mail(f"FROM:<{'ä' * 33}@b> SMTPUTF8", ALL) == reply.BAD_SENDER


@pytest.mark.parametrize(
    "host", ["a", "mx.example.org", "my_host", "[192.0.2.1]", "[IPv6:::1]", "a.", "1.2.3.4", "a--b"]
)
def test_host_well_formed_is_taken(host: str) -> None:
    assert paths.is_host(host)


@pytest.mark.parametrize(
    "host", ["", "a b", ".", "-a", "a-", "[1.2.3]", "[", "[]", "a\x00", "ä", "<x>", "a" * 256, "a;b"]
)
def test_host_malformed_is_refused(host: str) -> None:
    assert not paths.is_host(host)


@given(st.text(), st.booleans())
def test_grammar_never_raises_on_any_text(argument: str, smtputf8: bool) -> None:
    for prefix in ("", "FROM:<", "TO:<", "FROM:<a@b> ", "TO:<a@b> "):
        parse_mail(prefix + argument, ALL)
        rcpt(prefix + argument, smtputf8=smtputf8)


@given(st.binary())
def test_grammar_lets_no_broken_utf8_through(octets: bytes) -> None:
    text = octets.decode("utf-8", "surrogateescape")
    for mailbox in (f"{text}@example.org", f'"{text}"@example.org', f"a@{text}"):
        mail = parse_mail(f"FROM:<{mailbox}> SMTPUTF8", ALL)
        if isinstance(mail, Mail):
            mail.reverse_path.text.encode()
            assert mail.reverse_path.text.isprintable() or not mail.reverse_path.is_ascii


_ATOM = st.from_regex(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~-]{1,8}", fullmatch=True)
_LOCAL = st.one_of(
    st.lists(_ATOM, min_size=1, max_size=4).map(".".join),
    st.from_regex(r'"(?:[ !#-\[\]-~]|\\[ -~]){0,20}"', fullmatch=True),
)
_DOMAIN = st.one_of(
    st.lists(
        st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,6}[A-Za-z0-9])?", fullmatch=True), min_size=1, max_size=5
    ).map(".".join),
    st.ip_addresses(v=4).map(lambda ip: f"[{ip}]"),
    st.ip_addresses(v=6).map(lambda ip: f"[IPv6:{ip}]"),
)


@given(_LOCAL, _DOMAIN)
def test_grammar_reads_back_what_it_wrote(local: str, domain: str) -> None:
    mailbox = f"{local}@{domain}"
    mail = parse_mail(f"FROM:<{mailbox}>", BARE)
    assert isinstance(mail, Mail)
    assert mail.reverse_path.text == mailbox
    assert parse_mail(f"FROM:<{mail.reverse_path}>", BARE) == mail
