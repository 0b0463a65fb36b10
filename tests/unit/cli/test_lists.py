"""`lists`: entries by hand, and by the hundred thousand."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lists import Entry, Verdict, parse_pattern, parse_scope
from gateway.flow.list_files import COLUMNS, cells, read_csv
from gateway.flow.list_ports import EntryView
from tests.unit.cli.shell import Shell


def entries(shell: Shell) -> list[tuple[str, str, str, str]]:
    """Return what stands in the lists: it is told as people type it."""
    return [
        (one["verdict"], parse_pattern(one["pattern"]), parse_scope(one["for"]), one["proof"])
        for one in shell("lists", "show", "--json").data
    ]


def imported(shell: Shell, text: str | bytes, *words: str) -> tuple[int, str, str]:
    outcome = shell("lists", "import", "-", *words, stdin=text if isinstance(text, bytes) else text.encode())
    return outcome.status, outcome.out, outcome.err


# --- by hand ---


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Anna@Oak.Example", "anna@oak.example"),
        ("oak.example", "@oak.example"),
        ("@oak.example", "@oak.example"),
        ("*.oak.example", "@.oak.example"),
        ("Jürgen@Bücher.example", "jürgen@xn--bcher-kva.example"),
    ],
)
def test_lists_add_and_remove_take_what_people_type(shell: Shell, typed: str, stored: str) -> None:
    outcome = shell("lists", "add", "allow", typed, "--for", "Example.org", "--note", "a friend")
    assert outcome.status == 0
    assert entries(shell) == [("allow", stored, "@example.org", "aligned")]
    assert shell("lists", "remove", "allow", typed).status == 1
    assert shell("lists", "remove", "deny", typed, "--for", "example.org").status == 1
    assert shell("lists", "remove", "allow", typed, "--for", "example.org").status == 0
    assert entries(shell) == []


def test_lists_add_says_what_the_entry_demands(shell: Shell) -> None:
    assert shell("lists", "add", "allow", "oak.example").out == (
        "allow oak.example for everybody, if SPF or DKIM vouches for its author\n"
    )
    assert shell("lists", "add", "deny", "elm.example", "--for", "joe@example.org").out == (
        "deny elm.example for joe@example.org\n"
    )
    assert "without any proof" in shell("lists", "add", "allow", "ash.example", "--proof", "none").out


def test_lists_add_for_a_domain_that_is_not_ours_says_that_it_acts_on_nothing(shell: Shell) -> None:
    assert (
        "elm.example is none of our domains"
        in shell("lists", "add", "allow", "a@b.example", "--for", "elm.example").err
    )
    assert shell("lists", "add", "allow", "a@b.example", "--for", "joe@Example.org").err == ""
    assert shell("lists", "add", "allow", "a@b.example").err == ""


def test_lists_add_of_what_is_there_says_so(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example")
    again = shell("lists", "add", "allow", "oak.example")
    assert (again.status, again.err) == (0, "(the entry was there already)\n")
    assert shell("lists", "add", "allow", "oak.example", "--json").data["new"] is False


def test_lists_add_that_cannot_narrow_what_is_there_says_so(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example", "--proof", "none")
    again = shell("lists", "add", "allow", "oak.example")
    assert "without any proof" in again.out
    assert "remove it first" in again.err


def test_lists_show_filters(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example")
    shell("lists", "add", "deny", "elm.example", "--for", "joe@example.org", "--note", "spam")
    assert [one["pattern"] for one in shell("lists", "show", "deny", "--json").data] == ["elm.example"]
    assert [one["pattern"] for one in shell("lists", "show", "--for", "joe@example.org", "--json").data] == [
        "elm.example"
    ]
    assert [one["pattern"] for one in shell("lists", "show", "--for", "", "--json").data] == ["oak.example"]


def test_lists_show_written_to_are_those_that_nobody_made(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example")
    entry = Entry(Verdict.ALLOW, "anna@oak.example", "joe@example.org")
    shell.change(lambda tx: tx.sent.learn(entry, "joe@example.org", "0a1b2c", 90.0, 1.0))
    (one,) = shell("lists", "show", "--written-to", "--json").data
    told = {name: one[name] for name in ("pattern", "origin", "origin_mail", "added_by")}
    assert told == {
        "pattern": "anna@oak.example", "origin": "written-to", "origin_mail": "0a1b2c", "added_by": "joe@example.org"
    }  # fmt: skip
    assert len(shell("lists", "show", "--json").data) == 2


def test_lists_show_of_nothing_is_no_fault(shell: Shell) -> None:
    assert shell("lists", "show", terminal=True).out == "No entries.\n"
    assert shell("lists", "show").out == "id\tlist\tpattern\tfor\tproof\tadded\tby\tused\tuntil\tnote\torigin\n"


# --- files ---


def test_lists_import_adds_what_the_file_says(shell: Shell) -> None:
    text = "list,pattern,for,proof,note\nallow,anna@oak.example,,,\ndeny,*.elm.example,example.org,none,no\n\n"
    assert imported(shell, text) == (0, "2 entries added, 0 changed, 0 known already\n", "")
    assert entries(shell) == [
        ("allow", "anna@oak.example", "", "aligned"),
        ("deny", "@.elm.example", "@example.org", "none"),
    ]


def test_lists_import_of_two_columns_in_any_order_is_enough(shell: Shell) -> None:
    assert imported(shell, "pattern, list\noak.example,allow\n")[0] == 0
    assert entries(shell) == [("allow", "@oak.example", "", "aligned")]


def test_lists_import_told_to_try_adds_nothing(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example")
    shell("lists", "add", "allow", "ash.example")
    text = "list,pattern,proof\nallow,oak.example,\nallow,elm.example,\nallow,elm.example,\nallow,ash.example,none\n"
    told = "1 entries {0}added, 1 {0}changed, 2 known already\n"
    assert imported(shell, text, "--dry-run") == (0, told.format("would be "), "")
    assert len(entries(shell)) == 2
    outcome = shell("lists", "import", "-", "--json", stdin=text.encode())
    assert outcome.data == {"new": 1, "changed": 1, "known": 2, "dry_run": False}
    assert imported(shell, text)[1] == "0 entries added, 0 changed, 4 known already\n"


def test_lists_import_names_every_faulty_line_and_adds_nothing(shell: Shell) -> None:
    text = (
        "list,pattern,for,proof,note\nallow,oak.example,,,\nmaybe,a@b.example,,,\nallow,*,,,\nallow,b.example,x,,\n"
        'allow,c.example,,arc:d,\nallow,d.example,,dkim:,\nallow,e.example,,,,more\nallow,f.example,,,"two\nlines"\n'
    )
    status, out, err = imported(shell, text)
    assert (status, out) == (1, "")
    assert [line.split(": ")[1] for line in err.splitlines()[:-1]] == [f"line {n}" for n in (3, 4, 5, 6, 7, 8, 10)]
    assert err.splitlines()[-1].endswith("7 lines are faulty; nothing was added")
    assert entries(shell) == []


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "verdict and pattern are needed"),
        (b"list;pattern;for\nallow;a@b.example;\n", "not parted by commas"),
        (b"list\tpattern\nallow\ta@b.example\n", "not parted by commas"),
        (b"allow,a@b.example\n", "there is no column 'allow'"),
        (b"list,patern\nallow,a@b.example\n", "the nearest is pattern"),
        (b"list,pattern,pattern\n", "each once"),
        ("list,pattern\nallow,a@b.example\n".encode("utf-16"), "UTF-8"),
        ("list,pattern,note\nallow,a@b.example,Grüße\n".encode("latin-1"), "UTF-8"),
        (b'list,pattern\nallow,"a@b.example\n', "line 2"),
        (b'list,pattern\nallow,"a"b@c.example\n', "line 2"),
        (b"list,pattern\nallow,a\x00@b.example\n", "line 2"),
        (b"list,pattern\nallow," + b"a" * 200_000 + b"\n", "line 2"),
    ],
)
def test_lists_import_of_a_file_that_is_none_says_what_is_wrong(shell: Shell, octets: bytes, words: str) -> None:
    status, out, err = imported(shell, octets)
    assert (status, out) == (1, "")
    assert words in err
    assert "nothing was added" in err


def test_lists_import_takes_what_excel_saves_as_csv_utf8(shell: Shell) -> None:
    assert imported(shell, "list,pattern,note\r\nallow,oak.example,Grüße\r\n".encode("utf-8-sig"))[0] == 0
    assert shell("lists", "show", "--json").data[0]["note"] == "Grüße"


def test_lists_import_escapes_what_it_tells_of_a_file(shell: Shell) -> None:
    err = imported(shell, "list,pattern\nallow,\x1b[31m\u202e@b.example\n")[2]
    assert not {"\x1b", "\u202e"} & set(err)


def test_lists_export_is_what_import_reads(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    for verdict, pattern, *more in (
        ("allow", "=cmd|x@oak.example", "--note", "=1+1"),
        ("allow", "+a@oak.example", "--note", "'=already"),
        ("deny", "-b@oak.example", "--note", 'say "no", or,'),
        ("deny", "oak.example", "--for", "joe@example.org"),
        ("allow", "*.oak.example", "--for", "example.org", "--proof", "none", "--note", "@home"),
    ):
        line = ["--config", str(shell.config), "lists", "add", *more, "--", verdict, pattern]
        assert shell.line(line).status == 0
    exported = shell("lists", "export")
    assert exported.status == 0
    for line in csv.reader(io.StringIO(exported.out)):
        assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in line)
    other = Shell(tmp_path_factory.mktemp("other")).make()
    assert other("lists", "import", "-", stdin=exported.out.encode()).status == 0
    assert entries(other) == entries(shell)
    assert other("lists", "export").out == exported.out


def test_lists_export_goes_into_a_file(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example")
    file = shell.folder / "out.csv"
    assert shell("lists", "export", str(file)).out == ""
    assert file.read_text() == "verdict,pattern,for,proof,note,expires\nallow,oak.example,,aligned,,\n"
    assert shell("lists", "export", "--for", "example.org").out == "verdict,pattern,for,proof,note,expires\n"


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cn"]), max_size=8)
LOCAL = st.text("abz=+-'@\"1", min_size=1, max_size=6).filter(lambda text: "@" not in text)
PATTERN = st.one_of(
    st.builds("{}@oak.example".format, LOCAL), st.sampled_from(["@oak.example", "@.oak.example", "@-x.example"])
)


@given(
    st.sampled_from(list(Verdict)),
    PATTERN,
    st.sampled_from(["", "@example.org", "joe@example.org"]),
    st.sampled_from(["aligned", "none", "dkim:oak.example spf:oak.example"]),
    st.one_of(TEXT, st.text("'=+-@\uff1d x", max_size=5)),
    st.sampled_from([None, 1_800_000_000.0]),
)
def test_entries_written_to_a_file_come_back(
    verdict: Verdict, pattern: str, scope: str, proof: str, remark: str, expires: float | None
) -> None:
    remark = remark.strip()
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(cells([EntryView(1, verdict.value, pattern, scope, proof, remark, "", 0.0, None, expires)]))
    found = read_csv(io.StringIO(file.getvalue()))
    assert found.faults == []
    assert [(line.entry, line.note) for line in found.lines] == [
        (Entry(verdict, pattern, scope, proof, expires_at=expires), remark)
    ]
    assert file.getvalue().count("\n") == 2


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        ('list,pattern\nallow,a@oak.example\nallow,"b@oak.example\nallow,c@oak.example\n', 3, "never closed"),
        ('list,pattern\nallow,"b@oak.example\n', 2, "never closed"),
        ('list,pattern\n\nallow,"b"@oak.example\n', 3, "double a quotation mark"),
        ('"list,pattern\nallow,b@oak.example\n', 1, "never closed"),
        ("list,pattern\nallow,b@oak\r.example\n", 2, "it is not CSV"),
    ],
)
def test_file_that_is_no_csv_says_in_which_line_that_begins(text: str, number: int, words: str) -> None:
    (fault,) = read_csv(io.StringIO(text)).faults
    assert fault.number == number
    assert words in fault.words


@given(st.binary(max_size=200))
def test_entries_read_from_any_octets_raise_nothing(octets: bytes) -> None:
    file = io.TextIOWrapper(io.BytesIO(b"list,pattern,note\n" + octets), encoding="utf-8-sig")
    read_csv(file)


def test_lists_add_takes_lists_signers_and_an_end(shell: Shell) -> None:
    assert shell("lists", "add", "allow", "list:News.Shop.example").out == (
        "allow list:news.shop.example for everybody, if the owner of the list's name vouches for it\n"
    )
    assert shell("lists", "add", "allow", "signed:shop.example", "--until", "2090-12-31").out == (
        "allow signed:shop.example for everybody, if its author is of that domain\n"
    )
    assert [one["expires_at"] for one in shell("lists", "show", "--json").data] == [None, 3818448000.0]
    wrong = shell("lists", "add", "allow", "oak.example", "--until", "some day")
    assert wrong.status == 2
    assert "write it as 2026-12-31" in wrong.err


def test_lists_import_of_plain_lines_is_for_whom_the_option_says(shell: Shell) -> None:
    text = "# from the old gateway\nanna@oak.example # a friend\n\n*.elm.example\n"
    outcome = shell("lists", "import", "-", "--plain", "deny", "--for", "example.org", stdin=text.encode())
    assert outcome.out == "2 entries added, 0 changed, 0 known already\n"
    assert entries(shell) == [
        ("deny", "anna@oak.example", "@example.org", "aligned"),
        ("deny", "@.elm.example", "@example.org", "aligned"),
    ]
    assert shell("lists", "show", "--json").data[0]["note"] == "a friend"
    faulty = shell("lists", "import", "-", "--plain", "allow", stdin=b"good@oak.example\nnot good\n")
    assert (faulty.status, len(entries(shell))) == (1, 2)
    assert "line 2: a pattern is an address" in faulty.err
    assert "UTF-8" in shell("lists", "import", "-", "--plain", "allow", stdin=b"\xff\n").err


def test_lists_import_takes_a_note_and_an_end_that_the_file_names(shell: Shell) -> None:
    shell("lists", "add", "allow", "oak.example", "--note", "old")
    head = "verdict,pattern,note,expires\n"
    assert imported(shell, f"{head}allow,oak.example,,\n")[1] == "0 entries added, 0 changed, 1 known already\n"
    assert imported(shell, f"{head}allow,oak.example,new,2090-12-31\n")[1].startswith("0 entries added, 1 changed")
    (one,) = shell("lists", "show", "--json").data
    assert (one["note"], one["expires_at"]) == ("new", 3818448000.0)
    assert "no date" in imported(shell, f"{head}allow,elm.example,,soon\n")[2]


def test_lists_add_deny_also_deletes_what_waits_from_there(shell: Shell) -> None:
    shell.hold("one")
    shell.hold("two")
    done = shell("lists", "add", "deny", "anna@oak.example", "--for", "joe@example.org", "--also-waiting", "--json")
    assert done.data["waiting"] == 2
    shell.carry_out_orders()
    assert [one["state"] for one in shell("pending", "list", "--state", "all", "--json").data] == ["deleted"] * 2
    assert "0 that wait from there" in shell("lists", "add", "deny", "bo@oak.example", "--also-waiting").out
    assert "--also-waiting is for deny" in shell("lists", "add", "allow", "a@oak.example", "--also-waiting").err
