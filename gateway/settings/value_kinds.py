"""The kinds of values that settings have: type, unit, and what their text may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.settings.values import (
    Endpoint,
    Network,
    Parse,
    delimiter,
    digest_subject,
    dns_server,
    domain_name,
    endpoint,
    header_name,
    issuer_url,
    listener,
    mailbox,
    network,
    one_line,
    optional_domain,
    optional_endpoint,
    path,
    public_url,
    schedule,
    search_filter,
    store_url,
    sub_address,
    time_zone,
    webhook_url,
)

Count = Annotated[int, Meta(gt=0)]
Processes = Annotated[int, Meta(ge=0, le=32)]
Octets = Annotated[int, Meta(gt=0, extra={"unit": "octets"})]
OctetsPerSecond = Annotated[int, Meta(ge=0, extra={"unit": "octets per second"})]
Bits = Annotated[int, Meta(ge=1, le=30, extra={"unit": "bits"})]
Seconds = Annotated[float, Meta(gt=0, extra={"unit": "seconds"})]
Minutes = Annotated[float, Meta(ge=0, extra={"unit": "minutes"})]
Hours = Annotated[float, Meta(gt=0, extra={"unit": "hours"})]
Days = Annotated[float, Meta(gt=0, extra={"unit": "days"})]
DaysOrNone = Annotated[float, Meta(ge=0, extra={"unit": "days"})]
Server = Annotated[Endpoint, Parse(endpoint, "host:port")]
OptionalServer = Annotated[Endpoint | None, Parse(optional_endpoint, 'host:port or ""')]
Listener = Annotated[Endpoint, Parse(listener, "host:port")]
DnsServer = Annotated[Endpoint, Parse(dns_server, "address or address:port")]
Net = Annotated[Network, Parse(network, "address or network/prefix")]
Domain = Annotated[str, Parse(domain_name, "domain name")]
OptionalDomain = Annotated[str, Parse(optional_domain, 'domain name or ""')]
Mailbox = Annotated[str, Parse(mailbox, 'address or ""')]
Line = Annotated[str, Parse(one_line, "text")]
SubAddress = Annotated[str, Parse(sub_address, 'word or ""')]
Delimiter = Annotated[str, Parse(delimiter, 'one character or ""')]
Url = Annotated[str, Parse(public_url, "URL")]
WebhookUrl = Annotated[str, Parse(webhook_url, 'URL or ""')]
Issuer = Annotated[str, Parse(issuer_url, 'URL or ""')]
HeaderName = Annotated[str, Parse(header_name, 'name of a header field or ""')]
Filter = Annotated[str, Parse(search_filter, "LDAP filter with {name}")]
StoreUrl = Annotated[str, Parse(store_url, "sqlite:///FILE")]
Schedule = Annotated[str, Parse(schedule, "off, hourly, every-4h, daily@18 or mon,thu@7")]
TimeZone = Annotated[str, Parse(time_zone, "time zone")]
DigestSubject = Annotated[str, Parse(digest_subject, 'text with placeholders or ""')]
File = Annotated[Path | None, Parse(path, 'path or ""')]
Tls = Literal["none", "opportunistic", "verify"]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""
