"""What the page says about decisions and evidence: whole sentences for the stable words of the domain."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.evidence import Evidence, Result

REASONS = {
    "unknown-sender": "The gateway has never let a mail from this address through. The sender is proven, so asking is safe.",
    "unproven-sender": "Nobody vouches for this sender: it may be anyone.",
    "allowlisted-but-unproven": "The address is known, but this mail does not prove that it comes from there.",
    "changed-proof": "The address is known, but another domain vouches for this mail than for those before.",
    "null-reverse-path": "The mail has no sender that could be asked.",
    "automatic-mail": "A machine wrote it: machines do not answer.",
}

SILENCES = {
    "unproven-sender": "Who is behind this mail is not proven. A question would reach whoever owns the address, "
    "and that may be a victim: so none is sent.",
    "unproven-reverse-path": "The return address is not proven: a question might reach a victim, so none is sent.",
    "asked-recently": "This sender has been asked already and is not asked twice. One answer lets every mail through.",
    "sender-said-not-me": "The owner of this address said that the mail was not theirs: no further questions.",
    "sender-domain-takes-no-mail": "The sender's domain takes no mail, so nobody could be asked.",
    "auto-submitted": "A machine wrote it: machines are not asked.",
    "over-budget": "So many questions went out lately that none is sent now.",
    "challenges-off": "Questions to senders are switched off.",
    "not-addressed-to-recipient": "The recipient is not named in the mail, as in mass mail: no question is sent.",
    "no-reply-address": "Nobody reads at this address, so nobody is asked.",
}


def reason(value: str) -> str:
    """Say why a mail was held."""
    return REASONS.get(value, f"Reason: {value}.")


def silence(value: str) -> str:
    """Say why its sender is not asked."""
    return SILENCES.get(value, f"No question is sent: {value}.")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of evidence."""

    method: str
    result: str
    good: bool
    sentence: str


_SPF = {
    Result.PASS: "{domain} lets this machine send for it",
    Result.FAIL: "{domain} says that this machine may not send for it",
    Result.SOFTFAIL: "{domain} doubts that this machine may send for it",
    Result.NEUTRAL: "{domain} does not say whether this machine may send for it",
    Result.NONE: "{domain} does not say which machines send for it",
    Result.TEMPERROR: "{domain} could not be asked in time",
    Result.PERMERROR: "{domain} publishes a record that cannot be understood",
}

_DMARC = {
    "none": "{domain} does not mind mail in its name that is not proven (p=none)",
    "quarantine": "{domain} asks to distrust mail in its name that is not proven (p=quarantine)",
    "reject": "{domain} asks to refuse mail in its name that is not proven (p=reject)",
}


def facts(evidence: Evidence) -> list[Fact]:
    """Return the evidence, a line for each method."""
    found: list[Fact] = []
    if evidence.spf is not None:
        spf = evidence.spf
        sentence = _SPF.get(spf.result, "{domain} was asked").format(domain=spf.domain)
        found.append(Fact("SPF", spf.result.value, spf.result is Result.PASS, sentence))
    if not evidence.dkim:
        found.append(Fact("DKIM", "none", False, "the mail bears no signature"))
    for signature in evidence.dkim[:3]:
        good = signature.result is Result.PASS
        sentence = f"signed by {signature.domain}" if good else f"signature of {signature.domain} does not hold"
        found.append(Fact("DKIM", signature.result.value, good, sentence))
    if evidence.dmarc is not None:
        dmarc = evidence.dmarc
        sentence = _DMARC.get(dmarc.policy, "{domain} asks for p={policy}").format(
            domain=dmarc.domain, policy=dmarc.policy
        )
        if dmarc.result is Result.NONE:
            sentence = f"{dmarc.domain} does not say what to do with mail that is not proven"
        found.append(Fact("DMARC", dmarc.result.value, dmarc.result is Result.PASS, sentence))
    return found
