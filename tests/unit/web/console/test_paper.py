from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256

import pytest

from challenge_web.console.paper import Paper, paper, plain_paper
from tests.unit.web.console.markup import faults

FACTS = (("From", "Desk <desk@example.org>"), ("Subject", "A & B"))


def written(html: str) -> str:
    """Return what became of a mail's HTML, without our own head."""
    return of(html).text.partition("</dl>")[2].removesuffix("</body></html>")


def of(html: str) -> Paper:
    made = paper("Preview", FACTS, html)
    hashes = {b64decode(text) for text in re.findall(r"'sha256-([^']+)'", made.policy)}
    sheets = re.findall(r"<style>(.*?)</style>", made.text, re.DOTALL)
    assert {sha256(sheet.encode()).digest() for sheet in sheets} == hashes
    assert not re.search(r"\sstyle=|\son\w+=|\ssrc=|url\(|unsafe", made.text + made.policy, re.IGNORECASE)
    return made


def rules(html: str) -> list[str]:
    """Return the declarations that stood in attributes."""
    return re.findall(r'\[data-s="\d+"\]:not\(#a#b#c#d\)\{([^}]*)\}', of(html).text)


def test_style_of_an_element_becomes_a_rule_for_it_alone() -> None:
    html = '<p style="color: red">a</p><p>b</p><td style="background:#eee;width:10px">c</td>'
    assert written(html) == '<p data-s="0">a</p><p>b</p><td data-s="1">c</td>'
    assert rules(html) == ["color: red", "background:#eee;width:10px"]


def test_document_of_a_mail_becomes_a_part_of_ours() -> None:
    html = (
        '<!doctype html><html lang="de"><head><title>x</title><meta http-equiv="refresh" content="0"><style>p{color:red}\r\n'
        '</style></head><body bgcolor="#fff" style="margin:0 auto"><p>Hi &amp; bye<br>&lt;b&gt;</p></body></html>'
    )
    assert written(html).replace("\n", "") == (
        '<div lang="de"><div bgcolor="#fff" data-s="0"><p>Hi &amp; bye<br>&lt;b&gt;</p></div></div>'
    )
    assert "p{color:red}\n" in of(html).text
    assert rules(html) == ["background-color:#fff;margin:0 auto"]
    assert faults(of(html).text) == []


def test_facts_stand_above_it_as_text() -> None:
    assert "<dt>From</dt> <dd>Desk &lt;desk@example.org&gt;</dd>" in of("").text
    assert "A &amp; B" in of("").text


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<script>alert(1)</script>x", "x"),
        ("<SCRIPT src=//evil>x</SCRIPT >y", "y"),
        ('<p onclick="x()" id="a">b</p>', '<p id="a">b</p>'),
        ('<a href="javascript:x()">b</a>', '<a href="#" title="javascript:x()">b</a>'),
        ('<img src="https://evil/t.gif" alt="Our <logo>">', '<span class="paper-image">Our &lt;logo&gt;</span>'),
        ("<img src=x onerror=y>", '<span class="paper-image">image</span>'),
        ('<img alt="" src=x>', ""),
        ("<iframe src=x>in</iframe><object data=x>in</object><svg><style>x</style></svg>b", "b"),
        ("<form action=//evil><input name=a><button>b</button></form>", "b"),
        ("<link rel=stylesheet href=//evil><base href=//evil>b", "b"),
        ('<table background="//evil/x"><tr><td>b</table>', "<table><tr><td>b</table>"),
        ("<x:y onx=1>b</x:y>", "<span>b</span>"),
        ("<!--[if mso]><v:fill src=x><![endif]-->b", "b"),
        ("<noscript><p>a</noscript>b", "b"),
        ("<p>a", "<p>a"),
        ("</script></p>b", "</p>b"),
    ],
)
def test_what_the_policy_would_stop_is_left_out(html: str, left: str) -> None:
    assert written(html) == left


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("background:url(//evil/x) #fff", ["background:none #fff"]),
        ("background:URL( '//evil/x' )", ["background:none"]),
        ("font-family:'Open Sans',&quot;Arial&quot;", ["font-family:'Open Sans',\"Arial\""]),
        ("color:rgb(1,2,3)", ["color:rgb(1,2,3)"]),
        ("color:red}body{display:none", []),
        ("color:red/*", []),
        ("content:'</style><script>'", []),
        ("content:'", []),
        ("color:rgb(1", []),
        ("background:u\\72l(//evil)", []),
        ("a[b", []),
        ("", []),
        ("color\n:\nred", ["color : red"]),
    ],
)
def test_style_that_would_reach_beyond_its_element_is_none(style: str, kept: list[str]) -> None:
    assert rules(f'<p style="{style}">a</p>') == kept


def test_style_sheet_of_a_mail_loads_nothing_and_ends_where_it_ends() -> None:
    text = of("<style>@import url(//evil);p{background:url(x)}\rq{}</style ></style>a").text
    assert "p{background:none}\nq{}" in text
    assert "evil" not in text
    assert "<b>" not in of("<style>p{}</style x><b>c</style>").text.partition("</dl>")[0]


def test_first_of_two_styles_counts() -> None:
    assert rules('<p style="color:red" style="color:blue">a</p>') == ["color:red"]


def test_markup_of_our_own_has_the_same_policy() -> None:
    made = plain_paper("Preview", "<ul><li>x</li></ul>")
    assert "<ul><li>x</li></ul>" in made.text
    assert made.policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "sandbox" in made.policy
    assert faults(made.text) == []


def test_picture_of_the_mail_is_shown_and_no_other() -> None:
    html = '<img src="cid:a.png" alt="A" width="9" style="width:2em" onerror="x()"><img src="cid:b.png" alt="B"><img src="http://x/" alt="C">'
    made = paper("Preview", (), html, {"a.png": "data:image/png;base64,AA=="})
    assert '<img src="data:image/png;base64,AA==" width="9" alt="A" data-s="0">' in made.text
    assert '<span class="paper-image">B</span><span class="paper-image">C</span>' in made.text
    assert " img-src data:;" in made.policy
    assert "img-src" not in paper("Preview", (), html).policy
