"""Which RFC is cited where: collected from the code, written to docs/rfcs.md by `make reference`."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath

from tests.architecture.tree import ROOT, texts

PAGE = ROOT / "docs/rfcs.md"
CITATION = re.compile(r"RFC (\d{3,5})((?:,? (?:and )?§[A-Z0-9][0-9.]*(?<!\.)(?:–[0-9.]*(?<!\.))?)*)")
SECTION = re.compile(r"§[A-Z0-9][0-9.]*(?<!\.)")
OTHER_FORM = re.compile(r"\brfc[-_ ]?\d{4,5}\b|\bRFC[-_]?\d{3,5}|RFC \d{3,5},? (?i:sec|§ |sect|chapter|par)")

TITLES = {
    1034: "Domain Names – Concepts and Facilities",
    1035: "Domain Names – Implementation and Specification",
    1047: "Duplicate Messages and SMTP",
    1123: "Requirements for Internet Hosts – Application and Support",
    1870: "SMTP Service Extension for Message Size Declaration",
    1912: "Common DNS Operational and Configuration Errors",
    2034: "SMTP Service Extension for Returning Enhanced Error Codes",
    2045: "MIME Part One: Format of Internet Message Bodies",
    2046: "MIME Part Two: Media Types",
    2047: "MIME Part Three: Message Header Extensions for Non-ASCII Text",
    2142: "Mailbox Names for Common Services, Roles and Functions",
    2181: "Clarifications to the DNS Specification",
    2231: "MIME Parameter Value and Encoded Word Extensions",
    2308: "Negative Caching of DNS Queries",
    2369: "URLs as Meta-Syntax for Core Mail List Commands in Message Header Fields",
    2387: "The MIME Multipart/Related Content-type",
    2392: "Content-ID and Message-ID Uniform Resource Locators",
    2554: "SMTP Service Extension for Authentication (first version)",
    2606: "Reserved Top Level DNS Names",
    2919: "List-Id: A Structured Field for the Identification of Mailing Lists",
    2920: "SMTP Service Extension for Command Pipelining",
    3030: "SMTP Service Extensions for Transmission of Large and Binary MIME Messages",
    3207: "SMTP Service Extension for Secure SMTP over TLS",
    3282: "Content Language Headers",
    3339: "Date and Time on the Internet: Timestamps",
    3461: "SMTP Service Extension for Delivery Status Notifications",
    3462: "The Multipart/Report Content Type",
    3463: "Enhanced Mail System Status Codes",
    3464: "An Extensible Message Format for Delivery Status Notifications",
    3492: "Punycode: A Bootstring Encoding of Unicode for IDNA",
    3501: "Internet Message Access Protocol, Version 4rev1",
    3834: "Recommendations for Automatic Responses to Electronic Mail",
    3848: "ESMTP and LMTP Transmission Types Registration",
    4291: "IP Version 6 Addressing Architecture",
    4511: "LDAP: The Protocol",
    4513: "LDAP: Authentication Methods and Security Mechanisms",
    4515: "LDAP: String Representation of Search Filters",
    4592: "The Role of Wildcards in the Domain Name System",
    4616: "The PLAIN SASL Mechanism",
    4647: "Matching of Language Tags",
    4648: "The Base16, Base32, and Base64 Data Encodings",
    4954: "SMTP Service Extension for Authentication",
    5198: "Unicode Format for Network Interchange",
    5230: "Sieve Email Filtering: Vacation Extension",
    5233: "Sieve Email Filtering: Subaddress Extension",
    5234: "Augmented BNF for Syntax Specifications",
    5248: "A Registry for SMTP Enhanced Mail System Status Codes",
    5280: "X.509 Public Key Infrastructure Certificate and CRL Profile",
    5321: "Simple Mail Transfer Protocol",
    5322: "Internet Message Format",
    5452: "Measures for Making DNS More Resilient against Forged Answers",
    5530: "IMAP Response Codes",
    5646: "Tags for Identifying Languages",
    5737: "IPv4 Address Blocks Reserved for Documentation",
    5782: "DNS Blacklists and Whitelists",
    5890: "Internationalized Domain Names for Applications: Definitions",
    5891: "Internationalized Domain Names in Applications: Protocol",
    5952: "A Recommendation for IPv6 Address Text Representation",
    6152: "SMTP Service Extension for 8-bit MIME Transport",
    6238: "TOTP: Time-Based One-Time Password Algorithm",
    6266: "Use of the Content-Disposition Header Field in the Hypertext Transfer Protocol (HTTP)",
    6376: "DomainKeys Identified Mail (DKIM) Signatures",
    6522: "The Multipart/Report Media Type",
    6531: "SMTP Extension for Internationalized Email",
    6532: "Internationalized Email Headers",
    6533: "Internationalized Delivery Status and Disposition Notifications",
    6604: "xNAME RCODE and Status Bits Clarification",
    6647: "Email Greylisting: An Applicability Statement for SMTP",
    6749: "The OAuth 2.0 Authorization Framework",
    6761: "Special-Use Domain Names",
    6891: "Extension Mechanisms for DNS (EDNS(0))",
    7208: "Sender Policy Framework (SPF)",
    7239: "Forwarded HTTP Extension",
    7372: "Email Authentication Status Codes",
    7489: "Domain-based Message Authentication, Reporting, and Conformance (DMARC)",
    7504: "SMTP 521 and 556 Reply Codes",
    7505: "A “Null MX” No Service Resource Record for Domains That Accept No Mail",
    7636: "Proof Key for Code Exchange by OAuth Public Clients",
    7766: "DNS Transport over TCP – Implementation Requirements",
    8017: "PKCS #1: RSA Cryptography Specifications Version 2.2",
    8018: "PKCS #5: Password-Based Cryptography Specification Version 2.1",
    8020: "NXDOMAIN: There Really Is Nothing Underneath",
    8032: "Edwards-Curve Digital Signature Algorithm (EdDSA)",
    8058: "Signaling One-Click Functionality for List Email Headers",
    8098: "Message Disposition Notification",
    8187: "Indicating Character Encoding and Language for HTTP Header Field Parameters",
    8301: "Cryptographic Algorithm and Key Usage Update to DKIM",
    8410: "Algorithm Identifiers for Ed25519, Ed448, X25519, and X448 in X.509",
    8446: "The Transport Layer Security (TLS) Protocol Version 1.3",
    8463: "A New Cryptographic Signature Method for DKIM",
    8601: "Message Header Field for Indicating Message Authentication Status",
    8616: "Email Authentication for Internationalized Mail",
    8617: "The Authenticated Received Chain (ARC) Protocol",
    8767: "Serving Stale Data to Improve DNS Resiliency",
    9106: "Argon2 Memory-Hard Function for Password Hashing",
    9110: "HTTP Semantics",
    9111: "HTTP Caching",
    9207: "OAuth 2.0 Authorization Server Issuer Identification",
    9457: "Problem Details for HTTP APIs",
    9562: "Universally Unique IDentifiers (UUIDs)",
}

HEAD = """\
# RFCs

Every RFC that the code, its tests or its templates cite, with the sections and the rooms that cite it. In the text a
citation has one form: `RFC 5321 §4.5.5`.

*Written by `make reference` from the citations; titles are kept in `tests/architecture/rfc_table.py`.*

| RFC | title | sections | cited in |
|---|---|---|---|
"""


def searched() -> list[tuple[str, str]]:
    """Return name and text of each file whose citations count: not this list, nor the mails of fixtures."""
    rooms = ("benchmarks/", "challenge_web/", "config/", "gateway/", "templates/", "tests/")
    left_out = ("tests/architecture/",)
    return [
        (name, text)
        for name, text in texts()
        if name.startswith(rooms) and not name.startswith(left_out) and not name.endswith(".eml")
    ]


def cited() -> dict[int, tuple[set[str], set[str]]]:
    """Return for each RFC its cited sections and the rooms that cite it."""
    found: dict[int, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for name, text in searched():
        # A citation may be broken by a comment's line end.
        for number, sections in CITATION.findall(re.sub(r"\n\s*(?:#\s*)?", " ", text)):
            found[int(number)][0].update(SECTION.findall(sections))
            found[int(number)][1].add(_room(name))
    return found


def untitled() -> list[int]:
    """Return the cited RFCs that have no title here."""
    return sorted(set(cited()) - set(TITLES))


def table() -> str:
    """Return docs/rfcs.md."""
    lines = [
        f"| {number} | {TITLES[number]} | {' '.join(sorted(sections, key=_order))} | {', '.join(sorted(rooms))} |"
        for number, (sections, rooms) in sorted(cited().items())
    ]
    return HEAD + "\n".join(lines) + "\n"


def _room(name: str) -> str:
    folders = PurePosixPath(name).parent.parts[:2]
    return f"`{'/'.join(folders) if folders else name}`"


def _order(section: str) -> tuple[tuple[bool, int, str], ...]:
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in section[1:].split("."))


if __name__ == "__main__":
    if untitled():
        raise SystemExit(f"add the titles of RFC {', '.join(map(str, untitled()))} to tests/architecture/rfc_table.py")
    PAGE.write_text(table(), "utf-8")
