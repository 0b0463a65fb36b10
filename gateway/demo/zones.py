"""Zone data and the answers it gives (RFC 1034 §4.3.2). Pure: no sockets, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone

Records = Mapping[str, Mapping[str, Sequence[str]]]
"""Owner name (`@` is the zone itself) → record type → values: `{"@": {"TXT": ["v=spf1 -all"], "MX": ["10 mail"]}}`."""

ZoneData = Mapping[str, str | Records]
"""Origin → its records, as a mapping or as zone text (RFC 1035 §5). SOA and $TTL may be left out."""

_TTL = 300
_MAX_CHAIN = 8
_QUOTED = frozenset({"TXT", "SPF"})

_Node = dict[dns.rdatatype.RdataType, dns.rdataset.Rdataset]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says to one question."""

    rcode: dns.rcode.Rcode
    answer: tuple[dns.rrset.RRset, ...] = ()
    authority: tuple[dns.rrset.RRset, ...] = ()


@dataclass(frozen=True, slots=True)
class _Zone:
    origin: dns.name.Name
    nodes: Mapping[dns.name.Name, _Node]
    names: frozenset[dns.name.Name]
    """Every name that exists: owners, and the empty names between them and the origin (RFC 4592 §2.2.2)."""
    soa: dns.rrset.RRset

    def node(self, name: dns.name.Name) -> _Node | None:
        """Return the records of a name, those of a wildcard that covers it, or None where it does not exist."""
        if name in self.names:
            return self.nodes.get(name, {})
        closest = name
        while closest not in self.names:
            closest = closest.parent()
        # RFC 4592 §3.3.1: only the wildcard right below the closest name that exists.
        return self.nodes.get(dns.name.Name((b"*", *closest.labels)))


class Zones:
    """A closed world: what is not in it does not exist, and nobody further on is ever asked."""

    def __init__(self, data: ZoneData) -> None:
        """Read the zones. Raises ValueError that names the zone whose data is wrong."""
        self._zones = {zone.origin: zone for zone in (_read(origin, records) for origin, records in data.items())}
        self._nowhere = _soa(dns.name.root)

    def answer(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer:
        """Answer one question of class IN; CNAMEs are followed from zone to zone."""
        chain: list[dns.rrset.RRset] = []
        for _ in range(_MAX_CHAIN):
            zone = self._zone_of(name)
            if zone is None:
                return Answer(dns.rcode.NXDOMAIN, tuple(chain), (self._nowhere,))
            node = zone.node(name)
            if node is None:
                # RFC 2308 §2.1; with a CNAME before it the code is that of the last name (RFC 6604 §3).
                return Answer(dns.rcode.NXDOMAIN, tuple(chain), (zone.soa,))
            found = [rdataset for type_, rdataset in node.items() if kind in (type_, dns.rdatatype.ANY)]
            if found:
                return Answer(dns.rcode.NOERROR, (*chain, *(_rrset(name, rdataset) for rdataset in found)))
            alias = node.get(dns.rdatatype.CNAME)
            if alias is None:
                return Answer(dns.rcode.NOERROR, tuple(chain), (zone.soa,))
            chain.append(_rrset(name, alias))
            name = alias[0].target
        return Answer(dns.rcode.SERVFAIL)

    def _zone_of(self, name: dns.name.Name) -> _Zone | None:
        while True:
            if (zone := self._zones.get(name)) is not None:
                return zone
            if name == dns.name.root:
                return None
            name = name.parent()


def _rrset(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))


def _soa(origin: dns.name.Name) -> dns.rrset.RRset:
    text = f"ns.invalid. hostmaster.invalid. 1 3600 600 86400 {_TTL}"
    return dns.rrset.from_text(origin, _TTL, dns.rdataclass.IN, dns.rdatatype.SOA, text)


def _read(origin_text: str, records: str | Records) -> _Zone:
    text = records if isinstance(records, str) else _zone_text(records)
    try:
        origin = dns.name.from_text(origin_text)
        zone = dns.zone.from_text(f"$TTL {_TTL}\n{text}\n", origin, relativize=False, check_origin=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"zone {origin_text}: {error}") from None
    nodes: dict[dns.name.Name, _Node] = {
        name: {rdataset.rdtype: rdataset for rdataset in node} for name, node in zone.nodes.items()
    }
    names = {origin}
    for owner in nodes:
        name = owner
        while name != origin:
            names.add(name)
            name = name.parent()
    apex = nodes.setdefault(origin, {})
    soa = _rrset(origin, apex[dns.rdatatype.SOA]) if dns.rdatatype.SOA in apex else _soa(origin)
    apex.setdefault(dns.rdatatype.SOA, soa)
    return _Zone(origin, nodes, frozenset(names), soa)


def _zone_text(records: Records) -> str:
    return "\n".join(
        f"{owner} {kind} {_quoted(value) if kind.upper() in _QUOTED and not value.startswith(_QUOTE) else value}"
        for owner, kinds in records.items()
        for kind, values in kinds.items()
        for value in values
    )


_QUOTE = '"'


def _quoted(value: str) -> str:
    """Cut a text into the strings of at most 255 octets that a TXT record is made of (RFC 1035 §3.3.14)."""
    octets = value.encode("utf-8")
    pieces = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(_escaped(octet) for octet in piece) + '"' for piece in pieces)


def _escaped(octet: int) -> str:
    char = chr(octet)
    return char if 32 <= octet < 127 and char not in '"\\' else f"\\{octet:03d}"
