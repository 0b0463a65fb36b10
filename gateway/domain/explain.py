"""Why: each fact that was looked at and the rule that decided, in words for people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

from gateway.domain.challenge import Silence
from gateway.domain.evidence import Dmarc, Evidence, Method, Proof, Result, Spf
from gateway.domain.levels import Effective, Level, Merged, PolicySetting, base_values, merged
from gateway.domain.lists import ALIGNED, LIST, UNPROVEN, Entry, Verdict
from gateway.domain.phrase import OR, Phrase, chain, phrase, phrase_in, phrases
from gateway.domain.policy import Decision, Disposition, Expiry, Mode, Policy, Reason, Scope, Seen


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of an explanation."""

    topic: str
    words: str


REASONS: dict[Reason, str] = {
    Reason.ROLE_RECIPIENT: phrase("Mail to postmaster and abuse is always delivered."),
    Reason.RELEASED_BEFORE: phrase("The mail bears our own mark: it was let through before and has come round again."),
    Reason.DENYLIST: phrase("A deny entry names this sender."),
    Reason.ALLOWLIST: phrase("An allow entry names this sender, and the mail is proven as well as the entry asks."),
    Reason.HOLDING_OFF: phrase("Nothing is held for this recipient: only deny entries keep mail out."),
    Reason.EXPECTED: phrase("The recipient is expecting mail, and somebody vouches for who sent this one."),
    Reason.ANSWERS_US: phrase(
        "The mail answers one that the recipient wrote, and somebody vouches for where it comes from."
    ),
    Reason.CHANGED_PROOF: phrase(
        "An allow entry names this sender, but another identity than the entry knows vouches for this mail."
    ),
    Reason.UNPROVEN_ALLOWED: phrase(
        "An allow entry names this sender, but nothing proves that the mail comes from there: it may be forged."
    ),
    Reason.NULL_REVERSE_PATH: phrase("The mail has the null reverse-path, as bounces have, and nobody can be asked."),
    Reason.AUTOMATIC: phrase("The mail says of itself that a machine sent it."),
    Reason.UNPROVEN: phrase(
        "The sender is unknown, and nothing proves that the mail comes from there: it may be forged."
    ),
    Reason.UNKNOWN: phrase("The sender is genuine, but unknown: it is the first mail from this address."),
}

SILENCES: dict[Silence, str] = {
    Silence.SWITCHED_OFF: phrase("challenges are switched off"),
    Silence.NULL_REVERSE_PATH: phrase("the null reverse-path has nobody to ask"),
    Silence.OWN_CHALLENGE: phrase("it is a challenge of a gateway like this one"),
    Silence.AUTO_SUBMITTED: phrase("its Auto-Submitted field says that a machine sent it"),
    Silence.MAILING_LIST: phrase("it comes from a mailing list"),
    Silence.BULK: phrase("its Precedence field calls it bulk, list or junk"),
    Silence.AUTO_RESPONSE_SUPPRESS: phrase("its X-Auto-Response-Suppress field asks for no automatic answer"),
    Silence.REPORT: phrase("it is a report about the delivery of another mail"),
    Silence.NO_REPLY_ADDRESS: phrase("nobody reads mail at the sender's address"),
    Silence.NOT_ADDRESSED: phrase("its To and Cc fields do not name the recipient"),
    Silence.UNPROVEN: phrase("an unproven sender may be forged, and a challenge would hit somebody else"),
    Silence.UNPROVEN_REVERSE_PATH: phrase(
        "the author is proven, but not the reverse-path that a challenge would go to"
    ),
    Silence.NO_MAIL_DOMAIN: phrase("the sender's domain takes no mail"),
    Silence.ASKED_RECENTLY: phrase("the sender was asked not long ago"),
    Silence.DISOWNED: phrase('the address has said "I did not send this" to an earlier challenge'),
    Silence.CLOSED: phrase("the mail no longer waited when its turn came"),
    Silence.BUDGET: phrase("too many challenges were sent within the hour"),
    Silence.UNDELIVERABLE: phrase("the challenge could not be delivered"),
}


def explain(policy: Policy, seen: Seen, decision: Decision, values: Merged | None = None) -> tuple[Fact, ...]:
    """Return every fact the decision looked at, then the decision and its reason.

    values: what the policy was merged from; without it, the policy is that of the configuration.
    """
    return (
        *_claims(seen),
        *_proofs(seen.evidence),
        Fact(phrase_in("fact", "list entry"), _entry(seen)),
        *_policy(merged(base_values(policy), "", ()) if values is None else values, seen.recipient.domain),
        *_expected(seen),
        Fact(phrase_in("fact", "decision"), _outcome(policy, decision)),
        Fact(
            phrase_in("fact", "reason"),
            phrase("{reason}: {words}", reason=decision.reason.value, words=REASONS[decision.reason]),
        ),
        *_asking(decision),
    )


def evidence_facts(evidence: Evidence) -> tuple[Fact, ...]:
    """Return what was found out about who sent a message, and nothing about what was decided."""
    return _proofs(evidence)


def _claims(seen: Seen) -> tuple[Fact, ...]:
    message = seen.message
    author = (
        message.author.text if message.author else phrase("none, or more than one: no identity can be aligned with it")
    )
    facts = [
        Fact(phrase_in("fact", "recipient"), seen.recipient.text),
        Fact(phrase_in("fact", "reverse-path"), seen.reverse_path.text or phrase("<> (null)")),
        Fact(phrase_in("fact", "author"), author),
        Fact(phrase_in("fact", "subject"), message.subject or phrase("(none)")),
    ]
    if message.automatic:
        facts.append(
            Fact(phrase_in("fact", "kind"), phrase("automatic: {why}", why=SILENCES[Silence(message.automatic)]))
        )
    if seen.released_before:
        facts.append(Fact(phrase_in("fact", "release mark"), phrase("valid")))
    if seen.answers:
        facts.append(Fact(phrase_in("fact", "answers"), phrase("a mail that the recipient wrote")))
    return tuple(facts)


def _proofs(evidence: Evidence) -> tuple[Fact, ...]:
    facts = [
        Fact(
            phrase_in("fact", "evidence from"),
            phrase("our own checks") if evidence.source == "own" else evidence.source,
        )
    ]
    facts.append(Fact("SPF", _spf(evidence.spf)))
    for signature in evidence.dkim:
        note = f", {signature.note}" if signature.note else ""
        result, domain = signature.result.value, signature.domain
        facts.append(Fact("DKIM", phrase("{result} for {domain}{note}", result=result, domain=domain, note=note)))
    if not evidence.dkim:
        facts.append(Fact("DKIM", phrase("no signature")))
    facts.append(Fact("DMARC", _dmarc(evidence.dmarc)))
    facts.append(
        Fact(
            phrase_in("fact", "vouched for by"),
            chain("; ", [proof_words(proof) for proof in evidence.proofs]) if evidence.proofs else phrase("nobody"),
        )
    )
    facts.append(Fact(phrase_in("fact", "reverse-path proven"), _yes_or_no(evidence.reverse_path_proven)))
    if evidence.sender_domain_takes_mail is not None:
        facts.append(Fact(phrase_in("fact", "sender domain takes mail"), _yes_or_no(evidence.sender_domain_takes_mail)))
    return tuple(facts)


def _spf(spf: Spf | None) -> Phrase:
    if spf is None:
        return phrase("not known")
    identity = "HELO" if spf.of_helo else "MAIL FROM"
    return phrase(
        "{result} for {domain} ({identity})", result=spf.result.value, domain=spf.domain or "-", identity=identity
    )


def _dmarc(dmarc: Dmarc | None) -> Phrase:
    if dmarc is None or dmarc.result is Result.NONE:
        return phrase("no policy published")
    return phrase(
        "{result} for {domain}, policy {policy}",
        result=dmarc.result.value,
        domain=dmarc.domain or "-",
        policy=dmarc.policy,
    )


def _yes_or_no(value: bool) -> Phrase:
    return phrase("yes") if value else phrase("no")


def proof_words(proof: Proof) -> Phrase:
    """Write an identity as people read it."""
    match proof.method:
        case Method.DKIM:
            return phrase("a signature of {domain}", domain=proof.domain)
        case Method.SPF:
            return phrase("a server that may send for {domain}", domain=proof.domain)
        case Method.NETWORK:
            return phrase("the network {domain}", domain=proof.domain)
        case _:
            assert_never(proof.method)


def one_of(proofs: str) -> Phrase:
    """Name the identities of an entry, each of which will do."""
    return chain(OR, [proof_words(Proof.parse(text)) for text in proofs.split()])


def _entry(seen: Seen) -> str:
    entry = seen.entry
    if entry is None:
        return phrase("none names this sender")
    words = phrase(
        "{verdict} {pattern} for {scope}{demand}",
        verdict=entry.verdict.value,
        pattern=entry.pattern,
        scope=entry.scope or phrase("the whole site"),
        demand=_demand(entry),
    )
    return phrase("{entry}; it was written to", entry=words) if entry.learned else words


def _demand(entry: Entry) -> str:
    if entry.verdict is Verdict.DENY:
        return ""
    if entry.proof == ALIGNED and entry.pattern.startswith(LIST):
        return phrase(", if the owner of the list's name vouches")
    if entry.proof == ALIGNED:
        return phrase(", if any aligned identity vouches")
    if entry.proof == UNPROVEN:
        return phrase(", without any proof")
    return phrase(", if vouched for by {proofs}", proofs=one_of(entry.proof))


MODES: dict[str, str] = {
    Mode.OFF.value: phrase("hold nothing"),
    Mode.QUARANTINE.value: phrase("hold, and ask nobody"),
    Mode.CHALLENGE.value: phrase("hold, and ask the sender"),
}
EXPIRIES: dict[str, str] = {
    Expiry.DELETE.value: phrase("delete it"),
    Expiry.DELIVER_AS_SPAM.value: phrase("deliver it, marked as spam"),
}
SCOPES: dict[str, str] = {
    Scope.RECIPIENT.value: phrase("the recipient"),
    Scope.DOMAIN.value: phrase("the recipient's domain"),
    Scope.SITE.value: phrase("the whole site"),
}


def _policy(values: Merged, domain: str) -> tuple[Fact, ...]:
    lines: tuple[tuple[str, PolicySetting, dict[str, str]], ...] = (
        (phrase_in("fact", "mode"), PolicySetting.MODE, MODES),
        (phrase_in("fact", "days"), PolicySetting.DAYS, {}),
        (phrase_in("fact", "on expiry"), PolicySetting.ON_EXPIRY, EXPIRIES),
        (phrase_in("fact", "an answer opens"), PolicySetting.SCOPE, SCOPES),
    )
    return tuple(
        Fact(
            topic,
            phrase(
                "{value} ({origin})",
                value=words.get(values[setting].value, values[setting].value),
                origin=origin_words(values[setting], domain),
            ),
        )
        for topic, setting, words in lines
    )


def origin_words(effective: Effective, domain: str) -> str:
    """Say where a value comes from, and who locked it."""
    places = {
        Level.CONFIGURATION: phrase("the configuration"),
        Level.SITE: phrase("the site"),
        Level.DOMAIN: domain,
        Level.USER: phrase("the user"),
    }
    if effective.origin is Level.CONFIGURATION:
        origin = phrase_in("where a value comes from", "configuration")
    else:
        origin = phrase("set for {place}", place=places[effective.origin])
    if effective.locked_by is None:
        return origin
    return phrase("{origin}, locked by {place}", origin=origin, place=places[effective.locked_by])


def _expected(seen: Seen) -> tuple[Fact, ...]:
    window = seen.expected
    if window is None:
        return ()
    authors = phrase(" from {domain}", domain=window.domain) if window.domain else ""
    once = phrase(", once") if window.once else ""
    words = phrase(
        "window {id} for {opens}{authors}{once}", id=str(window.id), opens=window.opens, authors=authors, once=once
    )
    return (Fact(phrase_in("fact", "expecting mail"), words),)


def _outcome(policy: Policy, decision: Decision) -> str:
    match decision.disposition:
        case Disposition.DELIVER:
            return phrase("deliver at once")
        case Disposition.REJECT:
            return phrase("refuse")
        case Disposition.HOLD:
            return phrases(
                math.ceil(policy.days), "hold for {days} day", "hold for {days} days", days=f"{policy.days:g}"
            )
        case _:
            assert_never(decision.disposition)


def _asking(decision: Decision) -> tuple[Fact, ...]:
    if decision.disposition is not Disposition.HOLD:
        return ()
    if decision.ask:
        return (Fact(phrase_in("fact", "challenge"), phrase("the sender is asked, unless it was asked not long ago")),)
    return (Fact(phrase_in("fact", "challenge"), phrase("none, for {why}", why=SILENCES[Silence(decision.silence)])),)
