"""Keys and signed mails for tests, made with dkimpy."""

from __future__ import annotations

import base64
import functools
import random
from dataclasses import dataclass

import dkim
import nacl.signing

from gateway.checks import canonical
from gateway.domain.header import split

MAIL = (
    b"Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    b"From: Anna <anna@oak.example>\r\n"
    b"To: joe@example.org\r\n"
    b"Subject:  Hello \t there,\r\n\t how are you\r\n"
    b"Message-ID: <1@oak.example>\r\n"
    b"\r\n"
    b"Hello  Joe,\t\r\n \r\nbye \r\n\r\n\r\n"
)


@dataclass(frozen=True)
class RsaPair:
    modulus: int
    exponent: int
    private: int
    primes: tuple[int, int]

    @functools.cached_property
    def pem(self) -> bytes:
        p, q = self.primes
        numbers = [0, self.modulus, self.exponent, self.private, p, q]
        numbers += [self.private % (p - 1), self.private % (q - 1), pow(q, -1, p)]
        text = base64.encodebytes(der(0x30, b"".join(map(der_integer, numbers))))
        return b"-----BEGIN RSA PRIVATE KEY-----\n" + text + b"-----END RSA PRIVATE KEY-----\n"

    @functools.cached_property
    def bare(self) -> bytes:
        """RSAPublicKey."""
        return der(0x30, der_integer(self.modulus) + der_integer(self.exponent))

    @functools.cached_property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo."""
        algorithm = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
        return der(0x30, algorithm + der(0x03, b"\0" + self.bare))

    def record(self, tags: str = "v=DKIM1; k=rsa") -> str:
        return f"{tags}; p={base64.b64encode(self.spki).decode()}"


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes((size,)) if size < 128 else bytes((0x82,)) + size.to_bytes(2, "big")
    return bytes((tag,)) + length + content


def der_integer(number: int) -> bytes:
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


@functools.cache
def rsa_pair(bits: int = 1024, seed: int = 1, exponent: int = 65537) -> RsaPair:
    """Return a key that is the same in every run; worthless outside tests."""
    chance = random.Random(seed)
    while True:
        p, q = _prime(bits // 2, chance), _prime(bits - bits // 2, chance)
        order = (p - 1) * (q - 1)
        if p != q and (p * q).bit_length() == bits and order % exponent:
            return RsaPair(p * q, exponent, pow(exponent, -1, order), (max(p, q), min(p, q)))


def _prime(bits: int, chance: random.Random) -> int:
    while True:
        number = chance.getrandbits(bits) | 3 << bits - 2 | 1
        if all(number % small for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31)) and all(
            _passes(number, chance.randrange(2, number - 1)) for _ in range(12)
        ):
            return number


def _passes(number: int, witness: int) -> bool:
    """Miller and Rabin."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    power = pow(witness, odd, number)
    return power in (1, number - 1) or any(pow(witness, odd << n, number) == number - 1 for n in range(1, twos))


ED25519_SEED = bytes(range(32))
ED25519_RECORD = (
    "v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(nacl.signing.SigningKey(ED25519_SEED).verify_key)).decode()
)


def signed(
    mail: bytes = MAIL,
    *,
    domain: str = "oak.example",
    selector: str = "s1",
    key: bytes | None = None,
    algorithm: str = "rsa-sha256",
    forms: tuple[str, str] = ("relaxed", "relaxed"),
    names: list[bytes] | None = None,
    length: bool = False,
    identity: str | None = None,
) -> bytes:
    """Return the mail with a DKIM-Signature on top."""
    field: bytes = dkim.sign(
        mail,
        selector.encode(),
        domain.encode(),
        key if key is not None else rsa_pair().pem,
        identity=None if identity is None else identity.encode(),
        canonicalize=(forms[0].encode(), forms[1].encode()),
        signature_algorithm=algorithm.encode(),
        include_headers=names,
        length=length,
    )
    return field + mail


def sign_by_hand(
    tags: str, mail: bytes = MAIL, pair: RsaPair | None = None, head: bytes = b"DKIM-Signature: "
) -> bytes:
    """Return the mail signed, relaxed/relaxed, by a field with exactly these tags; `{bh}` stands for the body hash.

    For signatures that dkimpy would not make. The tags end with `b=`.
    """

    pair = pair or rsa_pair()
    body = canonical.body_hash(mail, split(mail).body, relaxed=True)
    text = tags.replace("{bh}", base64.b64encode(body.digest).decode()).replace("{l}", str(body.octets))
    unsigned = text.encode()
    whole = head + unsigned + b"\r\n" + mail
    parsed = split(whole)
    names = [part.split("=", 1)[1] for part in text.replace(" ", "").split(";") if part.startswith("h=")]
    wanted = tuple(name.encode() for name in (names[0].lower().split(":") if names else ["from"]))
    octets = canonical.header_octets(whole, parsed, wanted, True, parsed.fields[0], unsigned)
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + canonical.sha256(octets)
    size = (pair.modulus.bit_length() + 7) // 8
    padded = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
    value = pow(int.from_bytes(padded, "big"), pair.private, pair.modulus).to_bytes(size, "big")
    return head + unsigned + base64.b64encode(value) + b"\r\n" + mail
