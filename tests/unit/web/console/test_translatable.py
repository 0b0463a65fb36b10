"""Each page of the console in a language that marks what it says: what is not marked, nobody can translate."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from zoneinfo import available_timezones

import pytest

from challenge_web.console.gate import CSRF_FIELD, csrf_token
from gateway.domain.phrase import phrase
from gateway.domain.roles import Role
from gateway.languages.language import known, language_name
from tests.architecture.tree import ROOT
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.house import JOE, House, open_house
from tests.unit.web.pseudo import PSEUDO, unmarked

# Names of people and places, what mails and programs say, and the words of protocols.
DATA = re.compile(
    r"[^\s,]+@[^\s,]+|[\w.*-]*\boak\.example|[\w.]*(?:other\.|new\.)?example(?:\.org)?|[a-z]\.example|Anna Roth|Hello|(?:More )?[Ff]or"
    r"|tests|please|a-[\w-]+|UTC|\d{4}-\d\d-\d\d.*|unknown-sender|pass|fail|SPF|DKIM|DMARC|MAIL FROM|HELO|ESMTPS|HTML|URL|Message-ID"
    r"|<1|3fX|4XyZ|[0-9a-f]{64}|550 5.1.1 no|\{\w+\}|verdict|pattern|for|proof|note|expires"
)
NAMES = frozenset({language_name(tag) for tag in known()} | {zone.replace("_", " ") for zone in available_timezones()})


# What a refusal repeats: what was typed, in quotes, and the words to choose from, which programs take as they are.
REPEATED = re.compile(
    r"https://\S+|'[^']*'|\{\{.*?\}\}|<a href=[^>]*>|unexpected end of template.*statement'|\b(?:a|q|y|z|zz|why|mail desk|x)\b|\b[a-z]+:(?:read|act|write)\b|nowhere\.example|totp|otpauth\S*|(?:[a-z_-]+, )+[a-z_-]+"
    r"|patern|pattern|\b(?:before|waiting|disowned|from|subject|file|day|has|is|score|state|reason|7d|yesterday)\b:?|\b(?:off|quarantine|challenge|mode|days|Mode|Days|en|cs|de|es|fr)\b"
)


def test_no_template_hands_bare_words_to_a_macro() -> None:
    words = re.compile(
        r"""\b(?:chip|note|empty|button|crumb|bar|field|select|check|area)\((?:"[^"]*", )?"[^"]* [^"]*"|\b(?:chip|note|empty|button)\("[A-Za-z]"""
    )
    for file in (ROOT / "templates/web").rglob("*.html"):
        assert words.findall(file.read_text("utf-8")) == [], file.name


def strange(page: str, also: str = "") -> list[str]:
    """Return what stands on a page and is neither marked nor data. also: a pattern of more data."""
    data = re.compile(f"{DATA.pattern}|{also}") if also else DATA
    return [text for text in unmarked(page) if text not in NAMES and re.search(r"[^\W\d_]", data.sub("", text))]


@pytest.fixture
async def marking(tmp_path: Path, make_client: MakeClient) -> AsyncIterator[House]:
    async for house in open_house(tmp_path, make_client, language_for=lambda request: PSEUDO):
        yield house


WRONG: tuple[tuple[str, Mapping[str, str] | None], ...] = (
    ("pending?q=has:x is:y score:z state:q reason:zz before:x from:a subject:b day:today file:c&sort=sender", None),
    ("policies?scope=nowhere", None),
    ("digests?scope=nowhere", None),
    ("history?address=nobody&state=pending", None),
    ("log?words=nothing", None),
    ("lists?words=ann@oak.example&to=joe@example.org", None),
    ("lists?words=nobody", None),
    ("accounts?words=nobody", None),
    ("lists/new", {"verdict": ""}),
    ("lists/new", {"verdict": "deny", "pattern": "not one"}),
    ("lists/new", {"verdict": "deny", "pattern": "a@b.example", "for": "x y"}),
    ("lists/new", {"verdict": "deny", "pattern": "a@b.example", "expires": "x"}),
    ("lists/new", {"verdict": "deny", "pattern": "a@b.example", "expires": "2001-01-01"}),
    ("lists/new", {"verdict": "deny", "pattern": "a@b.example", "do": "count"}),
    ("lists/import", {"form": "csv", "text": ""}),
    (
        "lists/import",
        {
            "form": "csv",
            "text": "verdict,pattern,for\nallow,a b,\nx,a@b.example,\nallow,@c.example,@d.example\nallow,new@b.example,joe@example.org\n",
        },
    ),
    ("lists/import/1", {"do": "save"}),
    ("lists/import", {"form": "csv", "text": "verdict,patern\n"}),
    ("lists/import", {"form": "deny", "text": "spam.example # why\n*\n"}),
    ("expecting", {"address": JOE, "minutes": "7"}),
    ("expecting", {"address": JOE, "minutes": "15", "from": "a b"}),
    ("expecting", {"address": JOE, "minutes": "15"}),
    ("expecting", {"address": JOE, "days": "7", "kind": "tag"}),
    ("pending/saved", {"name": "", "back": "q=a"}),
    ("policies/site/preview?days=x&mode=x", None),
    ("policies/site/preview?days=9&mode=observe", None),
    ("policies/joe@example.org/preview?days=9&lock-days=1", None),
    (
        "digests/joe@example.org",
        {
            "rhythm": "daily",
            "hour": "99",
            "time_zone": "x",
            "subject": "{x}",
            "phrase": "x" * 61,
            "kind": "x",
            "kinds-shown": "1",
            "language": "xx",
        },
    ),
    ("digests/joe@example.org", {"rhythm": "days", "hour": "7", "day": "mon", "kinds-shown": "1", "kind": "spam"}),
    ("digests/joe@example.org", None),
    (
        "templates/site",
        {
            "do": "check",
            "subject": "{{ x",
            "text": "{% for a in b %}{% endfor %}",
            "html": "{{ nope }}",
            "from_line": "x",
        },
    ),
    ("templates/site", {"do": "check", "subject": "{{ sender|nope }}", "text": "a", "html": "b"}),
    ("templates/site", {"do": "check", "subject": "x", "text": "a", "html": "b"}),
    ("templates/site", {"do": "check", "subject": "x", "text": "{{ url }}", "html": '<a href="{{ url }}">x</a>'}),
    ("templates/site/preview", {"subject": "{{ x", "text": "{{ url }}", "html": "b", "from_line": "x"}),
    ("templates/site/preview", {"subject": "x", "text": "{{ url }}", "html": '<a href="{{ url }}">x</a>'}),
    ("templates/site", {"do": "save", "subject": "x", "text": "{{ url }}", "html": '<a href="{{ url }}">x</a>'}),
    ("accounts", {"name": "a b"}),
    ("accounts", {"name": JOE, "role": "user"}),
    ("accounts", {"name": "new@far.example", "role": "user"}),
    ("accounts", {"name": "dan", "role": "domain-admin"}),
    ("accounts", {"name": "dan", "role": "domain-admin", "domains": "far.example"}),
    ("accounts", {"name": "dan", "role": "site-admin", "domains": "example.org"}),
    ("accounts", {"name": "eve@example.org", "role": "user", "password": "x"}),
    ("accounts/1", {"do": "give", "address": "nobody", "kind": "alias"}),
    ("accounts/1", {"do": "give", "address": "kim@other.example", "kind": "alias"}),
    ("accounts/1", {"do": "give", "address": "x@far.example", "kind": "alias"}),
    ("accounts/1", {"do": "take", "address": "x@example.org"}),
    ("accounts/5", {"do": "disable"}),
    ("accounts/5/remove", {}),
    ("account", {"full_name": "x" * 101}),
    ("account", {"time_zone": "Nowhere"}),
    ("account", {"language": "no language"}),
    ("account/password", {"new": "x"}),
    ("account/tokens", {"name": ""}),
    ("account/tokens", {"name": "x", "days": "9"}),
    ("account/tokens", {"name": "x", "days": "0", "scope": "account"}),
    ("account/proof", {"code": "000000"}),
    ("account/proof", {"answer": "{}"}),
    ("account/tokens", {"name": ""}),
    ("account/tokens", {"name": "a", "scope": "pending:read", "days": "30"}),
    ("account/tokens", {"name": "a", "days": "999"}),
    ("account/tokens", None),
    ("account/app", None),
    ("account/app", {"code": "1"}),
    ("account/password", {"new": "1"}),
    ("account", {"time_zone": "x", "language": "xx"}),
    ("account", {"language": "xx"}),
    ("accounts", {"name": "a b", "role": "user"}),
    ("accounts", {"name": "a", "role": "domain-admin"}),
    ("accounts", {"name": "a", "role": "domain-admin", "domains": "nowhere.example"}),
    ("accounts", {"name": "a", "role": "none"}),
    ("accounts", {"name": "a@nowhere.example", "role": "user"}),
    ("accounts/1", {"do": "give", "address": "x"}),
    ("../sign-in", {"address": "x"}),
    ("../sign-in", {"address": "joe@example.org"}),
    ("../sign-in/password", {"name": "joe@example.org", "password": "wrong"}),
    ("../sign-in/second", {"code": "1"}),
    ("nowhere", None),
)
ENTERING: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("sign-in", {"address": "nobody"}),
    ("sign-in", {"address": "asked@example.org"}),
    ("sign-in", {"address": "asked@example.org"}),
    *(("sign-in/password", {"name": "nobody", "password": "x"}) for _ in range(7)),
)


async def test_page_says_nothing_that_cannot_be_translated(marking: House) -> None:
    for route in marking.routes:
        for role in (None, Role.USER, Role.SITE_ADMIN):
            if route.show is not None and route.name != "account-app":
                answer = await marking.answer("GET", route, role, marking.named(route, role or Role.USER, own=True))
                if answer.content_type == "text/html":
                    assert strange(await answer.text()) == [], (route.name, role)


async def test_refusal_and_search_say_nothing_that_cannot_be_translated(marking: House) -> None:
    secret = marking.secrets[Role.SITE_ADMIN]
    for path, form in WRONG:
        answer = await marking.client.request(
            "GET" if form is None else "POST",
            f"/console/{path}".replace("/console/../", "/"),
            data=None if form is None else {CSRF_FIELD: csrf_token(secret), **form},
            headers={"Cookie": f"session={secret}"} if "../" not in path else {},
        )
        assert strange(await answer.text(), REPEATED.pattern) == [], (path, form, answer.status)


async def test_sign_in_says_nothing_that_cannot_be_translated(marking: House) -> None:
    said = []
    for path, form in ENTERING:
        answer = await marking.client.post(f"/{path}", data=form, headers={"Origin": "http://127.0.0.1:8080"})
        said.append(answer.status)
        assert strange(await answer.text(), "nobody") == [], (path, form, answer.status)
    assert said == [400, 200, 429, 403, 403, 403, 403, 403, 429, 429]


def test_unmarked_text_is_found_out() -> None:
    say = PSEUDO.said
    assert unmarked(f"<p>{say(phrase('For {who}', who='me'))}</p>") == ["… me"]
    assert unmarked(f"<p>{say(phrase('For {who}', who=phrase('all')))} <b>1</b></p>") == []
    assert unmarked('<img alt="Hello"><input type="submit" value="Go"><code>x</code>') == ["Hello", "Go"]
