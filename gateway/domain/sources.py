"""Where machine mail comes from: the list it names, or the domain that signs it, whatever its bounce address is.

A newsletter writes a new reverse-path on each mail, so an address is of no use to know it by. What stays the same
is the List-Id (RFC 2919 §3) and the signing domain (RFC 6376 §3.5). Both serve as patterns of list entries:
`list:news.shop.example` and `signed:shop.example`.
"""

from __future__ import annotations

from gateway.domain.challenge import Silence, is_no_reply
from gateway.domain.evidence import Evidence, Method, Proof, Result
from gateway.domain.lists import ALIGNED, LIST, SIGNED, UNPROVEN, Entry
from gateway.domain.message import Message

_OF_MANY = frozenset({Silence.MAILING_LIST.value, Silence.BULK.value})


def source_keys(list_id: str, evidence: Evidence) -> tuple[str, ...]:
    """Return every pattern that names the source of a mail: its list, then each domain that signed it.

    The List-Id is a claim; that a signature is good is not. What an entry asks for decides how much each is worth.
    """
    keys = [LIST + list_id] if list_id else []
    keys += [SIGNED + one.domain for one in evidence.dkim if one.result is Result.PASS and one.domain]
    return tuple(dict.fromkeys(keys))


def source_of(message: Message, evidence: Evidence) -> str:
    """Return the one key by which mail of a machine is grouped and accepted; "" for what people write.

    Without a List-Id it is the signer that speaks for the author. Of mail that may be a person's there is none: an
    entry for the domain that signs all mail of a mailbox provider would open the door to each of its users.
    """
    if message.list_id:
        return LIST + message.list_id
    author = message.author
    nobody = message.automatic != Silence.REPORT.value and author is not None and is_no_reply(author)
    if nobody or message.automatic in _OF_MANY:
        for proof in evidence.proofs:
            if proof.method is Method.DKIM:
                return SIGNED + proof.domain
    return ""


def source_to_settle(key: str, by_machine: bool, evidence: Evidence) -> str:
    """Return the source a person may accept or refuse at one mail; "" where there is none.

    key: as `source_of` told it. Machines also write from addresses that may be a person's, as shops do with receipts.
    For those nothing is accepted by a tap; but who reads such a mail may choose to trust whoever signs for its author.
    """
    if key or not by_machine:
        return key
    return next((SIGNED + proof.domain for proof in evidence.proofs if proof.method is Method.DKIM), "")


def proof_of_source(key: str, evidence: Evidence) -> str:
    """Return what an entry for this source shall demand of the next mail; "" where nothing vouches for this one.

    For a list: who owns the name in its List-Id; else who signs for the author; else whoever signed; else whose
    server sent it. The author's signature comes second, for on a list of many authors it changes with each mail.
    """
    if key.startswith(SIGNED):
        return ALIGNED if _signed_for_author(key, evidence) else ""
    passed = identities(evidence)
    signers = [proof for proof in passed if proof.method is Method.DKIM]
    for chosen in (
        [proof for proof in passed if owns(proof.domain, key.removeprefix(LIST))],
        [proof for proof in signers if proof in evidence.proofs],
        signers,
        passed,
    ):
        if chosen:
            return " ".join(map(str, chosen))
    return ""


def identities(evidence: Evidence) -> tuple[Proof, ...]:
    """Return every identity that passed, whether or not it speaks for the author; DKIM first, each once."""
    found = [Proof(Method.DKIM, one.domain) for one in evidence.dkim if one.result is Result.PASS and one.domain]
    spf = evidence.spf
    if spf is not None and spf.result is Result.PASS and spf.domain and not spf.of_helo:
        found.append(Proof(Method.SPF, spf.domain))
    return tuple(dict.fromkeys(found))


def owns(domain: str, list_id: str) -> bool:
    """True where a list's name lies in a domain: RFC 2919 §2 wants it to be one of the owner's own."""
    return "." in domain and (list_id == domain or list_id.endswith("." + domain))


def vouching_for_source(entry: Entry, evidence: Evidence) -> tuple[Proof, ...]:
    """Return who vouches for the source that an entry names, out of a mail that bears this source.

    Whoever has a domain can sign, and write any List-Id. So a signature counts for `signed:` only where it speaks
    for the author, and for `list:` only where the entry names the signer, or the signer owns the list's name.
    """
    if entry.pattern.startswith(SIGNED):
        return _signed_for_author(entry.pattern, evidence)
    passed = identities(evidence)
    if entry.proof in (ALIGNED, UNPROVEN):
        return tuple(proof for proof in passed if owns(proof.domain, entry.pattern.removeprefix(LIST)))
    return passed


def _signed_for_author(key: str, evidence: Evidence) -> tuple[Proof, ...]:
    wanted = Proof(Method.DKIM, key.removeprefix(SIGNED))
    return (wanted,) if wanted in evidence.proofs else ()
