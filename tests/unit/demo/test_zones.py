"""Zone data and the answers it gives."""

from __future__ import annotations

import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from gateway.demo.zones import Answer, Zones

ZONES = Zones(
    {
        "oak.example": {
            "@": {"MX": ["10 mail"], "TXT": ["v=spf1 ip4:127.0.0.1 -all"]},
            "mail": {"A": ["127.0.0.1"], "AAAA": ["::1"]},
            "www": {"CNAME": ["mail"]},
            "far": {"CNAME": ["host.river.example."]},
            "lost": {"CNAME": ["nowhere.river.example."]},
            "loop": {"CNAME": ["loop"]},
            "*.wild": {"A": ["192.0.2.7"]},
            "sel._domainkey": {"TXT": ["p=" + "A" * 400]},
            "odd": {"TXT": ['"two" "strings"', 'a "quote" and \\']},
        },
        "river.example": "@ SOA ns.river.example. host.river.example. 7 1 1 1 42\n@ 60 NS ns\nhost 60 A 192.0.2.9\n",
        "127.in-addr.arpa": {"1.0.0": {"PTR": ["mail.oak.example."]}},
    }
)


def ask(name: str, kind: str) -> Answer:
    return ZONES.answer(dns.name.from_text(name), dns.rdatatype.from_text(kind))


def values(name: str, kind: str) -> list[str]:
    return [item.to_text() for rrset in ask(name, kind).answer for item in rrset]


def test_zones_record_is_found_relative_names_are_completed() -> None:
    assert values("oak.example", "MX") == ["10 mail.oak.example."]
    assert values("mail.oak.example", "A") == ["127.0.0.1"]
    assert values("mail.oak.example", "AAAA") == ["::1"]
    assert values("1.0.0.127.in-addr.arpa", "PTR") == ["mail.oak.example."]


def test_zones_name_in_other_case_is_the_same_name() -> None:
    assert values("MAIL.Oak.EXAMPLE", "A") == ["127.0.0.1"]


def test_zones_missing_name_is_nxdomain_with_soa() -> None:
    answer = ask("none.oak.example", "A")
    assert (answer.rcode, answer.answer) == (dns.rcode.NXDOMAIN, ())
    assert [(rrset.name.to_text(), rrset.rdtype) for rrset in answer.authority] == [("oak.example.", dns.rdatatype.SOA)]


@pytest.mark.parametrize("name", ["mail.oak.example", "_domainkey.oak.example", "wild.oak.example"])
def test_zones_missing_type_or_empty_name_between_is_nodata_with_soa(name: str) -> None:
    answer = ask(name, "MX")
    assert (answer.rcode, answer.answer) == (dns.rcode.NOERROR, ())
    assert answer.authority[0].rdtype == dns.rdatatype.SOA


def test_zones_name_outside_every_zone_does_not_exist() -> None:
    answer = ask("example.com", "MX")
    assert answer.rcode == dns.rcode.NXDOMAIN
    assert answer.authority[0].name == dns.name.root


def test_zones_alias_is_followed_within_and_between_zones() -> None:
    assert values("www.oak.example", "A") == ["mail.oak.example.", "127.0.0.1"]
    assert values("far.oak.example", "A") == ["host.river.example.", "192.0.2.9"]
    assert values("www.oak.example", "CNAME") == ["mail.oak.example."]


def test_zones_alias_to_nothing_gives_alias_and_nxdomain() -> None:
    answer = ask("lost.oak.example", "A")
    assert answer.rcode == dns.rcode.NXDOMAIN
    assert [rrset.rdtype for rrset in answer.answer] == [dns.rdatatype.CNAME]
    assert answer.authority[0].name.to_text() == "river.example."


def test_zones_alias_of_itself_is_a_failure() -> None:
    assert ask("loop.oak.example", "A").rcode == dns.rcode.SERVFAIL


def test_zones_wildcard_covers_names_below_it_only() -> None:
    assert values("a.b.wild.oak.example", "A") == ["192.0.2.7"]
    assert ask("a.wild.oak.example", "TXT").rcode == dns.rcode.NOERROR
    assert ask("a.oak.example", "A").rcode == dns.rcode.NXDOMAIN


def test_zones_long_text_is_cut_into_strings_of_255_octets() -> None:
    (rrset,) = ask("sel._domainkey.oak.example", "TXT").answer
    assert [len(piece) for piece in rrset[0].strings] == [255, 147]


def test_zones_text_with_quotes_and_backslash_comes_out_as_written() -> None:
    found = {b"".join(item.strings) for item in ask("odd.oak.example", "TXT").answer[0]}
    assert found == {b"twostrings", b'a "quote" and \\'}


def test_zones_own_soa_of_zone_text_is_used() -> None:
    soa = ask("river.example", "A").authority[0]
    assert "ns.river.example. host.river.example. 7" in soa.to_text()


def test_zones_wrong_data_names_the_zone() -> None:
    with pytest.raises(ValueError, match=r"zone bad\.example"):
        Zones({"bad.example": {"@": {"A": ["not an address"]}}})
