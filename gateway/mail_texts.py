"""The words of our mails in each language: the operator's where there are any, else those that came with the gateway.

English is in `templates/mail`, each other language in its folder in `gateway/languages`; an operator's own are in
`mail`, and in `mail/de` and the like, below `[challenge] templates`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar

from gateway import resources
from gateway.domain.address import Address
from gateway.domain.policy import Policy
from gateway.flow.arrangements import Arrangements, policy_for
from gateway.flow.text_ports import TextKind, Texts, TextStore, text_scopes
from gateway.languages.language import ENGLISH, known, language
from gateway.relay.digest_letter import DigestTemplates
from gateway.relay.notice_letter import NoticeTemplates
from gateway.relay.release_letter import AnswerTemplates, AskTemplates
from gateway.relay.sign_in_letter import SignInTemplates
from gateway.relay.template_parts import Sources
from gateway.relay.templates import Templates

T = TypeVar("T")

_PARTS = ("subject.txt", "body.txt", "body.html")


class ArrangedStore(TextStore, Protocol):
    """Where texts are kept, and policies."""

    async def arrangements(self, patterns: tuple[str, ...], recipients: Sequence[Address]) -> Arrangements:
        """Return what people have arranged for recipients."""


def texts_in(
    store: ArrangedStore, policy: Policy, kind: TextKind = TextKind.CHALLENGE
) -> Callable[[Address, str], Awaitable[Texts | None]]:
    """Return what looks up the words that somebody chose for mails about a recipient's, in one language.

    policy: the configuration's.
    """

    async def texts_for(recipient: Address, tag: str) -> Texts | None:
        arranged = await store.arrangements((), [recipient])
        scopes = text_scopes(policy_for(policy, arranged, recipient).templates, f"@{recipient.domain}")
        if not scopes:
            return None
        found = await store.look(lambda tx: [kind.table(tx).override(scope, tag) for scope in scopes])
        return next((override.texts for override in found if override is not None), None)

    return texts_for


class MailTexts:
    """Read once, when the first mail is written with them; those of an operator at once, for they may have faults."""

    def __init__(self, chosen: Path | None) -> None:
        """chosen: the operator's folder. Raises TemplateFault for one of his files."""
        self._chosen = None if chosen is None else chosen / "mail"
        self._compiled = lru_cache(maxsize=256)(self._compile)
        self._typed = lru_cache(maxsize=64)(self._type)
        self._of: dict[tuple[str, str], object] = {}
        for tag in known():
            if self._own(tag) is not None:
                self.challenge(tag)
                self.sign_in(tag)
                self.digest(tag)
                self.asking(tag)
                self.answer(tag)
                self.notice(tag)

    def challenge(self, tag: str) -> Templates:
        """Return the challenge's templates."""
        return self._kept("challenge", tag, lambda: Templates.load(self._own(tag), _shipped(tag)))

    def with_texts(self, tag: str, texts: Texts) -> Templates:
        """Return the challenge's templates with words from the store. Raises TemplateFault."""
        return self._compiled(tag, Sources(texts.subject, texts.text, texts.html))

    def sign_in(self, tag: str) -> SignInTemplates:
        """Return the sign-in mail's templates."""
        own, shipped = self._own(tag), _shipped(tag)
        folders = (shipped,) if own is None else (own, shipped)
        return self._kept("sign-in", tag, lambda: SignInTemplates(folders))

    def digest(self, tag: str) -> DigestTemplates:
        """Return the digest's templates."""
        return self._kept("digest", tag, lambda: DigestTemplates(self._folders(tag), language(tag)))

    def asking(self, tag: str) -> AskTemplates:
        """Return the templates of the mail to who decides on requests of release."""
        return self._kept("request", tag, lambda: AskTemplates(self._folders(tag), language(tag)))

    def notice(self, tag: str) -> NoticeTemplates:
        """Return the templates of notices."""
        return self._kept("notice", tag, lambda: NoticeTemplates(self._folders(tag), language(tag)))

    def notice_with(self, tag: str, texts: Texts) -> NoticeTemplates:
        """Return templates of notices with words from the store. Raises TemplateFault."""
        return self._typed(tag, Sources(texts.subject, texts.text, texts.html))

    def answer(self, tag: str) -> AnswerTemplates:
        """Return the templates of the answer to who asked."""
        return self._kept("answer", tag, lambda: AnswerTemplates(self._folders(tag), language(tag)))

    def sources(self, tag: str, kind: TextKind = TextKind.CHALLENGE) -> Texts:
        """Return the words of challenges, or of notices, as they stand in the files."""

        def read() -> Texts:
            own, shipped = self._own(tag), _shipped(tag if kind is TextKind.CHALLENGE else ENGLISH)
            folders = [shipped] if own is None else [own, shipped]
            files = [
                next(file for folder in folders if (file := folder / kind.value / name).exists()) for name in _PARTS
            ]
            return Texts(*(file.read_text("utf-8") for file in files))

        return self._kept(f"sources {kind.value}", tag, read)

    def _type(self, tag: str, sources: Sources) -> NoticeTemplates:
        return self.notice(tag).typed(sources)

    def _compile(self, tag: str, sources: Sources) -> Templates:
        return self.challenge(tag).with_texts(sources)

    def _folders(self, tag: str) -> tuple[Path, ...]:
        """Return where there is one template for all languages: its sentences are in the catalogues."""
        own, shipped = self._own(tag), _shipped(ENGLISH)
        return (shipped,) if own is None else (own, shipped)

    def _own(self, tag: str) -> Path | None:
        if self._chosen is None:
            return None
        folder = self._chosen if tag == ENGLISH else self._chosen / tag
        return folder if folder.is_dir() else None

    def _kept(self, kind: str, tag: str, make: Callable[[], T]) -> T:
        made = self._of.get((kind, tag))
        if made is None:
            made = self._of[kind, tag] = make()
        return made  # type: ignore[return-value]  # What was made for this kind.


def _shipped(tag: str) -> Path:
    return resources.folder("templates") / "mail" if tag == ENGLISH else language(tag).folder / "mail"
