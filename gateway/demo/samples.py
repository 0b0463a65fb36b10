"""Mail that waits when the demo begins, so that the console has something to show: what it is, and what vouched for it.

No name, address or text in it belongs to anybody: all domains end in `.example` (RFC 2606 §2), all clients' addresses are
those kept for documentation (RFC 5737 §3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from gateway.domain.durations import HOUR
from gateway.domain.evidence import Dkim, Dmarc, Evidence, Method, Proof, Result, Spf
from gateway.domain.trace import date_time

SCORE_FIELD = "X-Spam-Score"
"""Where the filter in front writes how spam-like it finds a mail; the demo's settings name it."""

PROVEN = "proven"
"""Signed by the author's domain, and sent from its machine."""
SENT = "sent"
"""Sent from the domain's machine, but not signed."""
NOBODY = "nobody"
"""The domain says nothing about its mail."""
FORGED = "forged"
"""The domain says: not from there."""


@dataclass(frozen=True, slots=True)
class File:
    """An attachment."""

    name: str
    media: str
    """Media type."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail, and when it came."""

    hours: float
    """Ago."""
    name: str
    address: str
    """Of From, ASCII."""
    subject: str
    text: str
    to: tuple[str, ...] = ("joe@example.org",)
    proof: str = PROVEN
    html: str = ""
    files: tuple[File, ...] = ()
    bounces: str = ""
    """Reverse-path, where it is not the author's address."""
    more: tuple[tuple[str, str], ...] = ()
    """Further fields."""
    score: float | None = None
    """What the filter in front wrote into it; None where it had not looked."""

    @property
    def reverse_path(self) -> str:
        """The envelope's sender."""
        return self.bounces or self.address

    @property
    def domain(self) -> str:
        """The author's."""
        return self.address.rpartition("@")[2]

    def evidence(self) -> Evidence:
        """Return what the checks would have found, had it come over the network."""
        envelope = self.reverse_path.rpartition("@")[2]
        if self.proof == FORGED:
            return Evidence(
                spf=Spf(Result.FAIL, envelope),
                dmarc=Dmarc(Result.FAIL, self.domain, "reject"),
                sender_domain_takes_mail=True,
            )
        if self.proof == NOBODY:
            return Evidence(spf=Spf(Result.NONE, envelope), sender_domain_takes_mail=True)
        signed = self.proof == PROVEN
        aligned = envelope == self.domain or envelope.endswith("." + self.domain)
        proofs = [Proof(Method.DKIM, self.domain)] if signed else []
        if aligned:
            proofs.append(Proof(Method.SPF, self.domain))
        return Evidence(
            spf=Spf(Result.PASS, envelope),
            dkim=(Dkim(Result.PASS, self.domain, "mail"),) if signed else (),
            dmarc=Dmarc(Result.PASS, self.domain, "quarantine") if signed else None,
            proofs=tuple(proofs),
            reverse_path_proven=True,
            sender_domain_takes_mail=True,
        )

    def content(self, number: int, now: float) -> bytes:
        """Return it as a message (RFC 5322), CRLF line ends. number: makes it unlike all others."""
        message = EmailMessage(policy=SMTP)
        message["From"] = f'"{self.name}" <{self.address}>'
        message["To"] = ", ".join(self.to)
        message["Subject"] = self.subject
        message["Date"] = date_time(now - self.hours * HOUR)
        message["Message-ID"] = f"<sample.{number}@{self.domain}>"
        for name, value in self.more:
            message[name] = value
        if self.score is not None:
            message[SCORE_FIELD] = f"{self.score:.1f}"
        message.set_content(self.text + "\n")
        if self.html:
            message.add_alternative(self.html, subtype="html")
        for file in self.files:
            kind, _, subtype = file.media.partition("/")
            message.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
        return message.as_bytes()


def client_of(number: int) -> str:
    """Return the address of the machine a sample came from (RFC 5737 §3)."""
    return f"{('192.0.2', '198.51.100', '203.0.113')[number % 3]}.{10 + number}"


def all_samples() -> Sequence[Sample]:
    """Return every sample, the oldest first."""
    from gateway.demo.sample_letters import LETTERS
    from gateway.demo.sample_machines import MACHINE_MAIL

    return sorted((*LETTERS, *MACHINE_MAIL), key=lambda sample: -sample.hours)
