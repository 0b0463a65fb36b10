"""Challenge mails from settings: which templates, which signature, which names."""

from __future__ import annotations

import asyncio
import secrets

from gateway import resources
from gateway.flow.challenge import OutgoingMail
from gateway.flow.ports import ChallengeRow
from gateway.relay.compose import ChallengeMail, compose_challenge
from gateway.relay.signer import Signer
from gateway.relay.templates import Templates
from gateway.settings import Settings


class LetterWriter:
    """Writes what the challenge worker sends."""

    def __init__(self, settings: Settings) -> None:
        """Raises TemplateFault, KeyFault."""
        self._settings = settings
        self._templates = self._load()
        challenge = settings.challenge
        self._signer = (
            Signer.load(challenge.dkim_key_file, challenge.dkim_selector, challenge.dkim_domain)
            if challenge.dkim_key_file is not None
            else None
        )

    def _load(self) -> Templates:
        chosen = self._settings.challenge.templates
        own = chosen / "mail" if chosen is not None and (chosen / "mail").is_dir() else None
        return Templates.load(own, resources.folder("templates") / "mail")

    def reload(self) -> None:
        """Read the templates anew. Raises TemplateFault, and those in use stay."""
        self._templates = self._load()

    async def challenge(self, row: ChallengeRow, url: str, now: float) -> OutgoingMail:
        """Write the mail of a challenge."""
        settings = self._settings.challenge
        message_id = f"<{secrets.token_hex(16)}@{self._settings.smtp.hostname}>"
        mail = ChallengeMail(
            sender=row.sender.text,
            recipient=row.recipient.text,
            recipient_domain=row.recipient.domain,
            subject=row.subject,
            received_at=row.received_at,
            expires_at=row.expires_at,
            url=url,
            mail_id=row.mail_id,
            references=row.references,
            organisation=settings.organisation,
            contact=settings.contact,
            from_address=settings.from_address,
        )
        # In a thread: a signature takes 7 ms.
        composed = await asyncio.to_thread(compose_challenge, self._templates, mail, now, message_id, self._signer)
        return OutgoingMail(composed.content, message_id, composed.smtputf8)
