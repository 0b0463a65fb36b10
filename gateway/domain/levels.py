"""The levels of a policy: what site, domain and user have chosen, and what holds after all.

The configuration file is the base; above it stand the site's, the domain's and the user's choices. The most specific
one counts, unless a level above it has locked the setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from gateway.domain.address import Address, without_tag
from gateway.domain.challenge import Asking
from gateway.domain.language import AUTO
from gateway.domain.notice import OFF as NO_NOTICES
from gateway.domain.notice import checked_notices
from gateway.domain.phrase import OR, chain, phrase
from gateway.domain.policy import Expiry, Mode, Policy, Scope, Templates
from gateway.domain.roles import Right

SHORTEST_DAYS, LONGEST_DAYS = 1, 365


class PolicySetting(Enum):
    """What can be chosen. Stored by value: add members, never rename them."""

    MODE = "mode"
    DAYS = "days"
    ON_EXPIRY = "on-expiry"
    SCOPE = "challenge-scope"
    LANGUAGE = "language"
    TEMPLATES = "templates"
    EXPECTING = "expecting"
    WRITTEN_TO = "written-to"
    NOTICES = "notices"
    USERS_EDIT_LISTS = "users-edit-lists"
    USERS_MODERATE = "users-moderate"
    USERS_READ = "users-read-content"


class Level(Enum):
    """Where a value comes from, the widest first."""

    CONFIGURATION = "configuration"
    SITE = "site"
    DOMAIN = "domain"
    USER = "user"


FOR_ADMINS = frozenset(
    {
        PolicySetting.EXPECTING,
        PolicySetting.USERS_EDIT_LISTS,
        PolicySetting.USERS_MODERATE,
        PolicySetting.USERS_READ,
    }
)
"""Says what users may do: chosen for the site and for domains, never by a user."""

_TAKEN: dict[PolicySetting, Right] = {
    PolicySetting.USERS_EDIT_LISTS: Right.EDIT_LISTS,
    PolicySetting.USERS_MODERATE: Right.MODERATE,
    PolicySetting.USERS_READ: Right.READ_CONTENT,
}
_WIDTH = {Scope.RECIPIENT.value: 0, Scope.DOMAIN.value: 1, Scope.SITE.value: 2}
_OPENNESS: dict[PolicySetting, tuple[str, ...]] = {
    PolicySetting.MODE: (Mode.QUARANTINE.value, Mode.CHALLENGE.value, Mode.OFF.value),
    PolicySetting.ON_EXPIRY: (Expiry.DELETE.value, Expiry.DELIVER_AS_SPAM.value),
    PolicySetting.WRITTEN_TO: ("no", "yes"),
}
"""Values that let ever more mail in without a person's doing, the strictest first."""
_CHOICES: dict[PolicySetting, tuple[str, ...]] = {
    PolicySetting.MODE: tuple(mode.value for mode in Mode),
    PolicySetting.ON_EXPIRY: tuple(expiry.value for expiry in Expiry),
    PolicySetting.SCOPE: tuple(_WIDTH),
    PolicySetting.TEMPLATES: tuple(words.value for words in Templates),
    **dict.fromkeys((*FOR_ADMINS, PolicySetting.WRITTEN_TO), ("yes", "no")),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of one level."""

    scope: str
    """"" the site, `@domain`, or a recipient in normal form without sub-address."""
    setting: PolicySetting
    value: str | None
    """None: this level chooses nothing, it only locks what holds."""
    locked: bool = False
    """The levels below may choose nothing else."""


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds for one setting, and why."""

    value: str
    origin: Level
    locked_by: Level | None = None
    """The level that locked it for those below."""

    def locked_for(self, level: Level) -> bool:
        """True where this level may not choose, for one above it has locked the setting."""
        return self.locked_by is not None and _HEIGHT[self.locked_by] < _HEIGHT[level]


_HEIGHT = {level: height for height, level in enumerate(Level)}
Choices = Mapping[PolicySetting, Choice]
Merged = Mapping[PolicySetting, Effective]


def level_of(scope: str) -> Level:
    """Tell the level a scope stands for."""
    if not scope:
        return Level.SITE
    return Level.DOMAIN if scope.startswith("@") else Level.USER


def levels_above(scope: str) -> tuple[str, ...]:
    """Return the scopes whose choices count in this one, the site first and itself last."""
    if not scope:
        return ("",)
    if scope.startswith("@"):
        return "", scope
    return "", "@" + scope.rpartition("@")[2], scope


def policy_scope(recipient: Address) -> str:
    """Return the scope of a recipient's own choices: a sub-address is ruled by its base address."""
    return without_tag(recipient.key)


def merge(base: Mapping[PolicySetting, str], site: Choices, domain: Choices, user: Choices) -> Merged:
    """Return what holds for each setting, with where it comes from and who locked it.

    base: the configuration's values, one for each setting. A domain or a user can only narrow what one answered
    challenge opens: else one user would let a sender in to all others.
    """
    found = {}
    for setting, value in base.items():
        effective = Effective(value, Level.CONFIGURATION)
        for level, choices in ((Level.SITE, site), (Level.DOMAIN, domain), (Level.USER, user)):
            choice = choices.get(setting)
            if choice is None or (level is Level.USER and setting in FOR_ADMINS):
                continue
            if choice.value is not None and not _widens(setting, level, effective.value, choice.value):
                effective = Effective(choice.value, level)
            if choice.locked and level is not Level.USER:
                effective = replace(effective, locked_by=level)
                break
        found[setting] = effective
    return found


def _widens(setting: PolicySetting, level: Level, held: str, wanted: str) -> bool:
    return setting is PolicySetting.SCOPE and level is not Level.SITE and _WIDTH[wanted] > _WIDTH[held]


def narrower_scopes(held: str, level: Level) -> tuple[str, ...]:
    """Return what a level may choose for the scope of a challenge, where `held` holds above it."""
    return tuple(scope for scope in _WIDTH if not _widens(PolicySetting.SCOPE, level, held, scope))


def no_opener_choices(setting: PolicySetting, held: str) -> tuple[str, ...]:
    """Return what lets in no more mail than `held` does; () for settings that let none in.

    For who may not let held mail through: switching the holding off would let all of it through.
    """
    values = _OPENNESS.get(setting, ())
    return values[: values.index(held) + 1] if values else ()


def merged(base: Mapping[PolicySetting, str], scope: str, choices: Sequence[Choice]) -> Merged:
    """Return what holds in a scope. choices: those of the scope and of all above it, in any order."""
    by_scope: dict[str, dict[PolicySetting, Choice]] = {name: {} for name in levels_above(scope)}
    for choice in choices:
        if choice.scope in by_scope:
            by_scope[choice.scope][choice.setting] = choice
    levels = [*by_scope.values(), {}, {}]
    return merge(base, *levels[:3])


def effective_policy(base: Policy, scope: str, choices: tuple[Choice, ...]) -> Policy:
    """Return the policy that holds in a scope; without any choice, the very one of the configuration.

    choices: those of the scope and of all above it.
    """
    if not choices:
        return base
    # Whoever has chosen nothing shares the policy of his domain: a hundred thousand users are worked out once.
    chosen = {choice.scope for choice in choices}
    nearest = next((name for name in reversed(levels_above(scope)) if name in chosen), "")
    return _effective_policy(base, nearest, choices)


@lru_cache(maxsize=4096)
def _effective_policy(base: Policy, scope: str, choices: tuple[Choice, ...]) -> Policy:
    return policy_of(base, merged(base_values(base), scope, choices))


def base_values(base: Policy) -> dict[PolicySetting, str]:
    """Write the configuration's policy as values of settings."""
    silent = base.asking is Asking.OFF and base.mode is Mode.CHALLENGE
    return {
        PolicySetting.MODE: (Mode.QUARANTINE if silent else base.mode).value,
        PolicySetting.DAYS: f"{base.days:g}",
        PolicySetting.ON_EXPIRY: base.on_expiry.value,
        PolicySetting.SCOPE: base.scope.value,
        PolicySetting.LANGUAGE: base.language,
        PolicySetting.TEMPLATES: base.templates.value,
        PolicySetting.EXPECTING: "yes" if base.expecting else "no",
        PolicySetting.WRITTEN_TO: "yes" if base.written_to else "no",
        PolicySetting.NOTICES: NO_NOTICES,
        **dict.fromkeys(_TAKEN, "yes"),
    }


def policy_of(base: Policy, values: Merged) -> Policy:
    """Turn what holds into the policy that the decision takes."""
    mode = Mode(values[PolicySetting.MODE].value)
    asking = base.asking
    if mode is Mode.CHALLENGE and asking is Asking.OFF:
        # Switched off in the file and on here: nobody said whom to ask, so ask those only who cannot be forged.
        asking = Asking.AUTHENTICATED
    days = values[PolicySetting.DAYS]
    return Policy(
        asking=asking,
        scope=Scope(values[PolicySetting.SCOPE].value),
        # The configuration's own number may have more digits than are shown.
        days=base.days if days.origin is Level.CONFIGURATION else float(days.value),
        on_expiry=Expiry(values[PolicySetting.ON_EXPIRY].value),
        mode=mode,
        language=values[PolicySetting.LANGUAGE].value,
        expecting=values[PolicySetting.EXPECTING].value == "yes",
        templates=Templates(values[PolicySetting.TEMPLATES].value),
        written_to=values[PolicySetting.WRITTEN_TO].value == "yes",
    )


def withheld(values: Merged) -> frozenset[Right]:
    """Return the rights that a user has not, by the policy of his address."""
    return frozenset(right for setting, right in _TAKEN.items() if values[setting].value == "no")


def choices_for(setting: PolicySetting, languages: Sequence[str]) -> tuple[str, ...]:
    """Return the values to choose from; none where something is typed. languages: those that templates exist for."""
    return (AUTO, *languages) if setting is PolicySetting.LANGUAGE else _CHOICES.get(setting, ())


def checked_value(setting: PolicySetting, text: str, languages: Sequence[str]) -> str:
    """Return a typed value as it is stored. Raises ValueError with one sentence that says what is wrong."""
    text = text.strip()
    if setting is PolicySetting.DAYS:
        days = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
        if not SHORTEST_DAYS <= days <= LONGEST_DAYS:
            raise ValueError(
                phrase("days is a whole number from {least} to {most}, not {text}",
                       least=SHORTEST_DAYS, most=LONGEST_DAYS, text=repr(text))
            )  # fmt: skip
        return str(days)
    if setting is PolicySetting.NOTICES:
        return checked_notices(text)
    known = choices_for(setting, languages)
    if text not in known:
        raise ValueError(
            phrase("{setting} is {known}, not {text}", setting=setting.value, known=chain(OR, known), text=repr(text))
        )
    return text
