"""Texts: the words of challenges, and of notices, as the site and each domain want them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.domain.levels import Choice, effective_policy, levels_above
from gateway.domain.names import PAGE, names_with
from gateway.domain.policy import Policy
from gateway.domain.roles import Right, Viewer
from gateway.flow.text_ports import (
    SITE,
    Draft,
    Fault,
    Override,
    Sample,
    TextKind,
    Texts,
    TextStore,
    Workshop,
    text_scopes,
)


def following(drafts: Sequence[Draft]) -> str | None:
    """Return the domain behind which the next page of drafts begins; None where there is none."""
    domains = [draft.scope[1:] for draft in drafts if draft.scope != SITE]
    return domains[-1] if len(domains) == PAGE else None


class TextEditor:
    """Shows, tries and keeps the texts of one kind within a viewer's reach."""

    def __init__(
        self,
        store: TextStore,
        workshop: Workshop,
        policy: Policy,
        *,
        domains: Sequence[str],
        now: Callable[[], float],
        kind: TextKind = TextKind.CHALLENGE,
    ) -> None:
        """policy: the configuration's. domains: ours, as A-labels."""
        self.kind = kind
        self._policy = policy
        self._store = store
        self._workshop = workshop
        self._domains = tuple(sorted(domains))
        self._scopes = frozenset((SITE, *(f"@{domain}" for domain in domains)))
        self._now = now

    def languages(self) -> Sequence[str]:
        """Return the languages that there are texts in."""
        return self._workshop.languages()

    def scopes(self, viewer: Viewer) -> list[str]:
        """Return the scopes whose texts the viewer may edit, the site first."""
        scopes = [SITE, *(f"@{domain}" for domain in self._domains)]
        return [scope for scope in scopes if self._may(viewer, scope)]

    async def drafts(
        self, viewer: Viewer, language: str, words: str = "", after: str = "", most: int | None = PAGE
    ) -> list[Draft]:
        """Return one for each scope within reach: the site, unless words are given, and so many domains, by name.

        words: part of a domain's name. after: the last domain of the page before.
        """
        within = self.scopes(viewer)
        domains = names_with([scope[1:] for scope in within if scope != SITE], words, after, most)
        scopes = [f"@{domain}" for domain in domains]
        if SITE in within and not words and not after:
            scopes.insert(0, SITE)
        if not scopes or language not in self._workshop.languages():
            return []
        levels = [level for scope in scopes for level in levels_above(scope)]
        overrides, choices = await self._store.look(
            lambda tx: (self.kind.table(tx).overrides(language), tx.policies.choices(levels))
        )
        by_scope = {override.scope: override for override in overrides}
        chosen: dict[str, list[Choice]] = {}
        for choice in choices:
            chosen.setdefault(choice.scope, []).append(choice)
        shipped = self._workshop.shipped(language)
        return [
            self._draft(
                scope,
                language,
                shipped,
                by_scope,
                tuple(one for level in levels_above(scope) for one in chosen.get(level, ())),
            )
            for scope in scopes
        ]

    async def draft(self, viewer: Viewer, scope: str, language: str) -> Draft | None:
        """Return the texts in force for a scope; None beyond the viewer's reach."""
        if not self._has(viewer, scope) or language not in self._workshop.languages():
            return None
        overrides, choices = await self._store.look(
            lambda tx: (
                [self.kind.table(tx).override(one, language) for one in dict.fromkeys((scope, SITE))],
                tx.policies.choices(levels_above(scope)),
            )
        )
        by_scope = {override.scope: override for override in overrides if override is not None}
        return self._draft(scope, language, self._workshop.shipped(language), by_scope, choices)

    def _draft(
        self, scope: str, language: str, shipped: Texts, overrides: Mapping[str, Override], choices: tuple[Choice, ...]
    ) -> Draft:
        """Put together what counts in a scope. overrides: by their scopes, the site's too."""
        counting = text_scopes(effective_policy(self._policy, scope, choices).templates, scope)
        own = overrides.get(scope)
        site = overrides.get(SITE) if SITE in counting else None
        used = own or site
        return Draft(
            scope=scope,
            language=language,
            texts=used.texts if used else shipped,
            own=own,
            source="own" if own else "site" if site else "shipped",
            shipped=shipped,
            shipped_changed=own is not None and own.shipped != shipped.hash,
            unused=own is not None and scope not in counting,
        )

    def try_out(self, viewer: Viewer, scope: str, language: str, texts: Texts) -> Sample | Sequence[Fault] | None:
        """Fill in the sample, or tell the faults; None beyond the viewer's reach."""
        if language not in self._workshop.languages() or not self._may(viewer, scope):
            return None
        return self._workshop.try_out(scope, language, clean(texts))

    async def save(self, viewer: Viewer, scope: str, language: str, texts: Texts) -> Sequence[Fault] | None:
        """Keep the texts if they are good: from the next mail on they are used. Returns the faults.

        None: beyond the viewer's reach.
        """
        if not self._has(viewer, scope) or language not in self._workshop.languages():
            return None
        texts = clean(texts)
        tried = self._workshop.try_out(scope, language, texts)
        if not isinstance(tried, Sample):
            return tried
        override = Override(
            scope, language, texts, self._workshop.shipped(language).hash, viewer.name, self._now()
        )  # fmt: skip
        await self._store.transact(lambda tx: self.kind.table(tx).put(override))
        return ()

    async def reset(self, viewer: Viewer, scope: str, language: str) -> bool | None:
        """Go back to what the scope would have without texts of its own; None beyond the viewer's reach."""
        if not self._has(viewer, scope):
            return None
        return await self._store.transact(lambda tx: self.kind.table(tx).drop(scope, language))

    async def keep_as_seen(self, viewer: Viewer, scope: str, language: str) -> bool | None:
        """Note that the change of the shipped texts has been looked at; None beyond the viewer's reach."""
        draft = await self.draft(viewer, scope, language)
        if draft is None or draft.own is None:
            return None
        seen = replace(draft.own, shipped=draft.shipped.hash)
        await self._store.transact(lambda tx: self.kind.table(tx).put(seen))
        return True

    def _has(self, viewer: Viewer, scope: str) -> bool:
        return scope in self._scopes and self._may(viewer, scope)

    def _may(self, viewer: Viewer, scope: str) -> bool:
        return viewer.may(Right.EDIT_TEMPLATES) and viewer.reach.covers_scope(scope)


SendSample = Callable[[Viewer, str, str, Texts], Awaitable[bool]]
"""Viewer, scope, language and texts → whether the sample mail was taken for the viewer's own address."""


@dataclass(frozen=True, slots=True)
class TextDesk:
    """All that the pages need for the words of one kind."""

    editor: TextEditor
    send_sample: SendSample
    variables: Sequence[tuple[str, str]]
    """What a template may name, each with its meaning."""


def clean(texts: Texts) -> Texts:
    """Bring what a browser sent to the line ends of our files, with one at the end."""

    def lines(text: str) -> str:
        return text.replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"

    return Texts(lines(texts.subject), lines(texts.text), lines(texts.html), " ".join(texts.from_line.split()))
