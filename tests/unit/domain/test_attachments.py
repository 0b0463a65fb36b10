from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.attachments import DEEPEST, LONGEST_NAME, MOST_FILES, MOST_PARTS, attachment_names


def mixed(*parts: bytes, boundary: bytes = b"b", end: bytes = b"\r\n--b--\r\n", preface: bytes = b"") -> bytes:
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n'
    return head + preface + b"".join(b"\r\n--" + boundary + b"\r\n" + part for part in parts) + end


def file(name: bytes) -> bytes:
    return b"Content-Type: application/pdf\r\nContent-Disposition: attachment; " + name + b"\r\n\r\nxyz"


TEXT = b"Content-Type: text/plain\r\n\r\nHello"


def test_names_of_a_mail_without_files_are_none() -> None:
    assert attachment_names(b"Subject: x\r\n\r\nHello\r\n") == ()
    assert attachment_names(mixed(TEXT, TEXT)) == ()
    assert attachment_names(b"") == ()


def test_names_come_in_the_order_of_the_parts() -> None:
    content = mixed(TEXT, file(b'filename="roof.pdf"'), file(b"filename=plan.png"))
    assert attachment_names(content) == ("roof.pdf", "plan.png")


def test_names_are_found_in_parts_of_parts_and_by_the_type_field() -> None:
    inner = mixed(b'Content-Type: image/png; name="a.png"\r\n\r\nx', boundary=b"in", end=b"\r\n--in--").replace(
        b"MIME-Version: 1.0\r\n", b""
    )
    assert attachment_names(mixed(inner, file(b"filename=b.pdf"))) == ("a.png", "b.pdf")


def test_boundary_on_the_first_line_of_the_body_counts() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b \t\r\n" + file(b"filename=a.pdf") + b"\r\n--b--"
    assert attachment_names(content) == ("a.pdf",)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        (b"filename*=utf-8''D%C3%A4cher.pdf", "Dächer.pdf"),
        (b"filename*0=one; filename*1=two.pdf", "onetwo.pdf"),
        (b"filename*0*=iso-8859-1'de'%FCber; filename*1=.pdf", "über.pdf"),
        (b"filename*=klingon''a%C3%A4.pdf", "aä.pdf"),
        (b"filename*=plain.pdf", "plain.pdf"),
        (b"filename*1=lost; filename=kept.pdf", "kept.pdf"),
        (b'filename="=?utf-8?q?D=C3=A4cher=2Epdf?="', "Dächer.pdf"),
        (b'filename="a\\"b.pdf"', 'a"b.pdf'),
        (b'filename="..\\\\..\\\\evil.exe"', "evil.exe"),
        (b'filename="/etc/passwd"', "passwd"),
        (b'filename="a\xe2\x80\xaegnp.exe"', "a gnp.exe"),
        (b'filename="never closed', "never closed"),
        (b"size=4", "file"),
        (b"filename=first; filename=second", "first"),
    ],
)
def test_name_is_read_as_people_meant_it(parameters: bytes, name: str) -> None:
    assert attachment_names(mixed(TEXT, file(parameters))) == (name,)


def test_name_that_is_endless_keeps_its_ending() -> None:
    (name,) = attachment_names(mixed(file(b'filename="' + b"x" * 3000 + b'.pdf"')))
    assert len(name) == LONGEST_NAME
    assert name.endswith(".pdf")


def test_mail_within_the_mail_is_one_file() -> None:
    inner = b"Content-Type: message/rfc822\r\n\r\n" + mixed(file(b"filename=deep.pdf"), boundary=b"q")
    assert attachment_names(mixed(inner)) == ("mail.eml",)


def test_structure_that_is_cut_off_gives_what_is_there() -> None:
    assert attachment_names(mixed(file(b"filename=a.pdf"), end=b"")) == ("a.pdf",)
    assert attachment_names(mixed(file(b"filename=a.pdf"), end=b"\r\n--b")) == ("a.pdf",)
    assert attachment_names(mixed(file(b"filename=a.pdf"), end=b"\r\n--bb\r\nx\r\n--b--")) == ("a.pdf",)


@pytest.mark.parametrize("kind", [b"multipart/mixed", b"multipart/mixed; boundary=" + b"x" * 300])
def test_structure_without_a_sane_boundary_has_no_parts(kind: bytes) -> None:
    assert attachment_names(b"Content-Type: " + kind + b"\r\n\r\n--x\r\n" + file(b"filename=a.pdf")) == ()


def test_structure_is_followed_only_so_deep_and_so_far() -> None:
    deep = file(b"filename=deep.pdf")
    for level in range(DEEPEST + 2):
        mark = str(level).encode()
        deep = b"Content-Type: multipart/mixed; boundary=n" + mark + b"\r\n\r\n--n" + mark + b"\r\n" + deep
    assert attachment_names(deep) == ()
    assert len(attachment_names(mixed(*[file(b"filename=a.pdf")] * (MOST_FILES + 5)))) == MOST_FILES
    assert attachment_names(mixed(*[TEXT] * (MOST_PARTS + 50), file(b"filename=a.pdf"))) == ()


def test_structure_made_to_cost_time_does_not() -> None:
    begun = time.process_time()
    attachment_names(mixed(*[b"Content-Disposition: attachment" + b'; a="' * 3000 + b"\r\n\r\n"] * 300))
    attachment_names(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\r\n--b" * 200_000)
    assert time.process_time() - begun < 2


@given(st.binary(max_size=600), st.binary(max_size=60))
def test_names_of_any_octets_are_short_lines(body: bytes, parameters: bytes) -> None:
    for content in (body, mixed(body, file(parameters))):
        for name in attachment_names(content):
            assert 0 < len(name) <= LONGEST_NAME
            assert name.isprintable()
            assert "/" not in name
