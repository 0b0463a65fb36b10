"""Passkeys (WebAuthn): a key in a device or a password manager answers a question that only it can answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.flow.account_ports import Passkey

_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A key that was just made."""

    credential: bytes
    public_key: bytes
    counter: int


class Passkeys:
    """Asks and judges. The library takes 20 MB and a third of a second to load, so it is loaded at first use."""

    def __init__(self, origins: Sequence[str], site: str) -> None:
        """origins: under which browsers reach the pages, the main one first. site: its name, as devices show it."""
        self._origins = list(origins)
        self._site = site

    def _place(self, host: str) -> tuple[str, str]:
        """Return origin and domain for a request's Host; the main one where it is none of ours."""
        origin = next((one for one in self._origins if urlsplit(one).netloc == host.lower()), self._origins[0])
        return origin, urlsplit(origin).hostname or ""

    async def ask_to_make(self, host: str, account: int, name: str, question: bytes, known: Sequence[Passkey]) -> str:
        """Return what the browser is told, as JSON. question: unforeseeable octets, to be shown to `made`."""

        def work() -> str:
            import webauthn
            from webauthn.helpers.structs import (
                AuthenticatorSelectionCriteria,
                PublicKeyCredentialDescriptor,
                ResidentKeyRequirement,
                UserVerificationRequirement,
            )

            options = webauthn.generate_registration_options(
                rp_id=self._place(host)[1],
                rp_name=self._site,
                user_name=name,
                user_id=f"account {account}".encode(),
                challenge=question,
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.DISCOURAGED,
                    user_verification=UserVerificationRequirement.PREFERRED,
                ),
                exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential) for key in known],
            )
            return webauthn.options_to_json(options)

        return await asyncio.to_thread(work)

    async def made(self, host: str, question: bytes, answer: str) -> NewPasskey | None:
        """Return the key that an answer bears; None where it does not fit the question."""

        def work() -> NewPasskey | None:
            import webauthn
            from webauthn.helpers.exceptions import WebAuthnException

            origin, domain = self._place(host)
            try:
                done = webauthn.verify_registration_response(
                    credential=answer, expected_challenge=question, expected_rp_id=domain, expected_origin=origin
                )
            except (WebAuthnException, ValueError, KeyError, TypeError):
                return None
            return NewPasskey(done.credential_id, done.credential_public_key, done.sign_count)

        return await asyncio.to_thread(work) if len(answer) <= _LONGEST else None

    async def ask(self, host: str, question: bytes, known: Sequence[Passkey]) -> str:
        """Return what the browser is told to let one of these keys answer, as JSON."""

        def work() -> str:
            import webauthn
            from webauthn.helpers.structs import PublicKeyCredentialDescriptor

            options = webauthn.generate_authentication_options(
                rp_id=self._place(host)[1],
                challenge=question,
                allow_credentials=[PublicKeyCredentialDescriptor(id=key.credential) for key in known],
            )
            return webauthn.options_to_json(options)

        return await asyncio.to_thread(work)

    async def answered(
        self, host: str, question: bytes, answer: str, known: Sequence[Passkey]
    ) -> tuple[Passkey, int] | None:
        """Return which key answered, and its new counter; None where none did."""

        def work() -> tuple[Passkey, int] | None:
            import webauthn
            from webauthn.helpers import base64url_to_bytes
            from webauthn.helpers.exceptions import WebAuthnException

            origin, domain = self._place(host)
            try:
                named = base64url_to_bytes(str(json.loads(answer)["rawId"]))
                key = next((one for one in known if one.credential == named), None)
                if key is None:
                    return None
                done = webauthn.verify_authentication_response(
                    credential=answer,
                    expected_challenge=question,
                    expected_rp_id=domain,
                    expected_origin=origin,
                    credential_public_key=key.public_key,
                    credential_current_sign_count=key.counter,
                )
            except (WebAuthnException, ValueError, KeyError, TypeError):
                return None
            return key, done.new_sign_count

        return await asyncio.to_thread(work) if len(answer) <= _LONGEST else None
