"""Why: each fact that was looked at and the rule that decided, in words for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from gateway.domain.challenge import Silence
from gateway.domain.evidence import Evidence, Method, Proof, Result
from gateway.domain.levels import Effective, Level, Merged, PolicySetting, base_values, merged
from gateway.domain.lists import ALIGNED, LIST, UNPROVEN, Entry, Verdict
from gateway.domain.policy import Decision, Disposition, Expiry, Mode, Policy, Reason, Scope, Seen


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of an explanation."""

    topic: str
    words: str


REASONS: dict[Reason, str] = {
    Reason.ROLE_RECIPIENT: "Mail to postmaster and abuse is always delivered.",
    Reason.RELEASED_BEFORE: "The mail bears our own mark: it was let through before and has come round again.",
    Reason.DENYLIST: "A deny entry names this sender.",
    Reason.ALLOWLIST: "An allow entry names this sender, and the mail is proven as well as the entry asks.",
    Reason.HOLDING_OFF: "Nothing is held for this recipient: only deny entries keep mail out.",
    Reason.EXPECTED: "The recipient is expecting mail, and somebody vouches for who sent this one.",
    Reason.CHANGED_PROOF: "An allow entry names this sender, but another identity than the entry knows vouches for this mail.",
    Reason.UNPROVEN_ALLOWED: "An allow entry names this sender, but nothing proves that the mail comes from there: it may be forged.",
    Reason.NULL_REVERSE_PATH: "The mail has the null reverse-path, as bounces have, and nobody can be asked.",
    Reason.AUTOMATIC: "The mail says of itself that a machine sent it.",
    Reason.UNPROVEN: "The sender is unknown, and nothing proves that the mail comes from there: it may be forged.",
    Reason.UNKNOWN: "The sender is genuine, but unknown: it is the first mail from this address.",
}

SILENCES: dict[Silence, str] = {
    Silence.SWITCHED_OFF: "challenges are switched off",
    Silence.NULL_REVERSE_PATH: "the null reverse-path has nobody to ask",
    Silence.OWN_CHALLENGE: "it is a challenge of a gateway like this one",
    Silence.AUTO_SUBMITTED: "its Auto-Submitted field says that a machine sent it",
    Silence.MAILING_LIST: "it comes from a mailing list",
    Silence.BULK: "its Precedence field calls it bulk, list or junk",
    Silence.AUTO_RESPONSE_SUPPRESS: "its X-Auto-Response-Suppress field asks for no automatic answer",
    Silence.REPORT: "it is a report about the delivery of another mail",
    Silence.NO_REPLY_ADDRESS: "nobody reads mail at the sender's address",
    Silence.NOT_ADDRESSED: "its To and Cc fields do not name the recipient",
    Silence.UNPROVEN: "an unproven sender may be forged, and a challenge would hit somebody else",
    Silence.UNPROVEN_REVERSE_PATH: "the author is proven, but not the reverse-path that a challenge would go to",
    Silence.NO_MAIL_DOMAIN: "the sender's domain takes no mail",
    Silence.ASKED_RECENTLY: "the sender was asked not long ago",
    Silence.DISOWNED: 'the address has said "I did not send this" to an earlier challenge',
    Silence.CLOSED: "the mail no longer waited when its turn came",
    Silence.BUDGET: "too many challenges were sent within the hour",
    Silence.UNDELIVERABLE: "the challenge could not be delivered",
}


def explain(policy: Policy, seen: Seen, decision: Decision, values: Merged | None = None) -> tuple[Fact, ...]:
    """Return every fact the decision looked at, then the decision and its reason.

    values: what the policy was merged from; without it, the policy is that of the configuration.
    """
    return (
        *_claims(seen),
        *_proofs(seen.evidence),
        Fact("list entry", _entry(seen)),
        *_policy(merged(base_values(policy), "", ()) if values is None else values, seen.recipient.domain),
        *_expected(seen),
        Fact("decision", _outcome(policy, decision)),
        Fact("reason", f"{decision.reason.value}: {REASONS[decision.reason]}"),
        *_asking(decision),
    )


def evidence_facts(evidence: Evidence) -> tuple[Fact, ...]:
    """Return what was found out about who sent a message, and nothing about what was decided."""
    return _proofs(evidence)


def _claims(seen: Seen) -> tuple[Fact, ...]:
    message = seen.message
    author = message.author.text if message.author else "none, or more than one: no identity can be aligned with it"
    facts = [
        Fact("recipient", seen.recipient.text),
        Fact("reverse-path", seen.reverse_path.text or "<> (null)"),
        Fact("author", author),
        Fact("subject", message.subject or "(none)"),
    ]
    if message.automatic:
        facts.append(Fact("kind", f"automatic: {SILENCES[Silence(message.automatic)]}"))
    if seen.released_before:
        facts.append(Fact("release mark", "valid"))
    return tuple(facts)


def _proofs(evidence: Evidence) -> tuple[Fact, ...]:
    facts = [Fact("evidence from", "our own checks" if evidence.source == "own" else evidence.source)]
    if evidence.spf is None:
        facts.append(Fact("SPF", "not known"))
    else:
        identity = "HELO" if evidence.spf.of_helo else "MAIL FROM"
        facts.append(Fact("SPF", f"{evidence.spf.result.value} for {evidence.spf.domain or '-'} ({identity})"))
    for signature in evidence.dkim:
        note = f", {signature.note}" if signature.note else ""
        facts.append(Fact("DKIM", f"{signature.result.value} for {signature.domain}{note}"))
    if not evidence.dkim:
        facts.append(Fact("DKIM", "no signature"))
    if evidence.dmarc is not None and evidence.dmarc.result is not Result.NONE:
        facts.append(
            Fact("DMARC", f"{evidence.dmarc.result.value} for {evidence.dmarc.domain}, policy {evidence.dmarc.policy}")
        )
    else:
        facts.append(Fact("DMARC", "no policy published"))
    facts.append(Fact("vouched for by", "; ".join(map(proof_words, evidence.proofs)) or "nobody"))
    facts.append(Fact("reverse-path proven", "yes" if evidence.reverse_path_proven else "no"))
    if evidence.sender_domain_takes_mail is not None:
        facts.append(Fact("sender domain takes mail", "yes" if evidence.sender_domain_takes_mail else "no"))
    return tuple(facts)


def proof_words(proof: Proof) -> str:
    """Write an identity as people read it."""
    match proof.method:
        case Method.DKIM:
            return f"a signature of {proof.domain}"
        case Method.SPF:
            return f"a server that may send for {proof.domain}"
        case Method.NETWORK:
            return f"the network {proof.domain}"
        case _:
            assert_never(proof.method)


def _entry(seen: Seen) -> str:
    entry = seen.entry
    if entry is None:
        return "none names this sender"
    return f"{entry.verdict.value} {entry.pattern} for {entry.scope or 'the whole site'}{_demand(entry)}"


def _demand(entry: Entry) -> str:
    if entry.verdict is Verdict.DENY:
        return ""
    if entry.proof == ALIGNED and entry.pattern.startswith(LIST):
        return ", if the owner of the list's name vouches"
    if entry.proof == ALIGNED:
        return ", if any aligned identity vouches"
    if entry.proof == UNPROVEN:
        return ", without any proof"
    return ", if vouched for by " + " or ".join(proof_words(Proof.parse(text)) for text in entry.proof.split())


MODES: dict[str, str] = {
    Mode.OFF.value: "hold nothing",
    Mode.QUARANTINE.value: "hold, and ask nobody",
    Mode.CHALLENGE.value: "hold, and ask the sender",
}
EXPIRIES: dict[str, str] = {
    Expiry.DELETE.value: "delete it",
    Expiry.DELIVER_AS_SPAM.value: "deliver it, marked as spam",
}
SCOPES: dict[str, str] = {
    Scope.RECIPIENT.value: "the recipient",
    Scope.DOMAIN.value: "the recipient's domain",
    Scope.SITE.value: "the whole site",
}


def _policy(values: Merged, domain: str) -> tuple[Fact, ...]:
    lines: tuple[tuple[str, PolicySetting, dict[str, str]], ...] = (
        ("mode", PolicySetting.MODE, MODES),
        ("days", PolicySetting.DAYS, {}),
        ("on expiry", PolicySetting.ON_EXPIRY, EXPIRIES),
        ("an answer opens", PolicySetting.SCOPE, SCOPES),
    )
    return tuple(
        Fact(
            topic,
            f"{words.get(values[setting].value, values[setting].value)} ({origin_words(values[setting], domain)})",
        )
        for topic, setting, words in lines
    )


def origin_words(effective: Effective, domain: str) -> str:
    """Say where a value comes from, and who locked it."""
    places = {
        Level.CONFIGURATION: "the configuration",
        Level.SITE: "the site",
        Level.DOMAIN: domain,
        Level.USER: "the user",
    }
    origin = "configuration" if effective.origin is Level.CONFIGURATION else f"set for {places[effective.origin]}"
    return origin if effective.locked_by is None else f"{origin}, locked by {places[effective.locked_by]}"


def _expected(seen: Seen) -> tuple[Fact, ...]:
    window = seen.expected
    if window is None:
        return ()
    authors = f" from {window.domain}" if window.domain else ""
    return (Fact("expecting mail", f"window {window.id} for {window.opens}{authors}{', once' if window.once else ''}"),)


def _outcome(policy: Policy, decision: Decision) -> str:
    match decision.disposition:
        case Disposition.DELIVER:
            return "deliver at once"
        case Disposition.REJECT:
            return "refuse"
        case Disposition.HOLD:
            return f"hold for {policy.days:g} days"
        case _:
            assert_never(decision.disposition)


def _asking(decision: Decision) -> tuple[Fact, ...]:
    if decision.disposition is not Disposition.HOLD:
        return ()
    if decision.ask:
        return (Fact("challenge", "the sender is asked, unless it was asked not long ago"),)
    return (Fact("challenge", f"none, for {SILENCES[Silence(decision.silence)]}"),)
