"""Sample mail: the challenge, or the notice, for a mail that nobody sent, to who edits its words and wants to see it in a mail program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.domain.address import Address
from gateway.domain.roles import Viewer
from gateway.flow.courier import Courier
from gateway.flow.letter_book import LetterKind
from gateway.flow.own_mail import OwnMail
from gateway.flow.text_ports import Texts

Compose = Callable[[str, str, Texts, str], OwnMail]
"""Scope, language, texts and the address it goes to → mail."""


class SampleMail:
    """Sends samples of a challenge."""

    def __init__(self, compose: Compose, courier: Courier) -> None:
        self._compose = compose
        self._courier = courier

    async def send(self, viewer: Viewer, scope: str, tag: str, texts: Texts) -> bool:
        """Send one to the viewer's own address; False where there is none, or it was not taken.

        texts: tried out before.
        """
        to = Address.of(min(viewer.reach.addresses, default=""))
        if to.is_null:
            return False
        # In a thread: a signature takes 7 ms.
        mail = await asyncio.to_thread(self._compose, scope, tag, texts, to.text)
        return (await self._courier.bring(LetterKind.SAMPLE, to, mail)).accepted
