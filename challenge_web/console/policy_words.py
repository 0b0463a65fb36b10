"""Policies in the words of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.explain import origin_words
from gateway.domain.language import AUTO
from gateway.domain.levels import Effective, PolicySetting
from gateway.domain.notice import OFF, ON, REASONS
from gateway.domain.phrase import chain, phrase, phrases
from gateway.domain.sentences import short_reason
from gateway.flow.order_ports import OrderState
from gateway.flow.policies import name_of
from gateway.flow.policy_effects import Preview
from gateway.flow.policy_ports import Edits, Line, Sheet
from gateway.flow.redate import Redating
from gateway.languages.language import known, language_name

SOME = "some"
"""Notices for the reasons that are ticked below."""
TITLES: dict[PolicySetting, tuple[str, str]] = {
    PolicySetting.MODE: (phrase("Mail from unknown senders"), phrase("Blocked senders are kept out in each case.")),
    PolicySetting.DAYS: (phrase("Days that mail waits"), phrase("From 1 to 365.")),
    PolicySetting.ON_EXPIRY: (phrase("After these days"), ""),
    PolicySetting.SCOPE: (phrase("One answered challenge opens"), phrase("A domain or an address can only narrow it.")),
    PolicySetting.LANGUAGE: (
        phrase("Language of challenges"),
        phrase("Where we are not sure of the language of a mail, English stands below."),
    ),
    PolicySetting.TEMPLATES: (phrase("Words of challenges"), phrase("They are written on the page Templates.")),
    PolicySetting.EXPECTING: (
        phrase('"I am expecting mail"'),
        phrase("Whether users may open their address for a while."),
    ),
    PolicySetting.WRITTEN_TO: (
        phrase("Whoever one writes to"),
        phrase("Where mail to the outside goes through this gateway."),
    ),
    PolicySetting.NOTICES: (
        phrase("A notice for each mail"),
        phrase("The reader is told by mail, as soon as it is held."),
    ),
    PolicySetting.USERS_EDIT_LISTS: (phrase("Users and their lists"), ""),
    PolicySetting.USERS_MODERATE: (phrase("Users and mail that waits"), ""),
    PolicySetting.USERS_READ: (phrase("Users and the text of mail that waits"), ""),
}
_VALUES: dict[PolicySetting, dict[str, str]] = {
    PolicySetting.MODE: {
        "off": phrase("Deliver it at once"),
        "quarantine": phrase("Hold it for a person"),
        "challenge": phrase("Hold it, and ask the sender"),
    },
    PolicySetting.ON_EXPIRY: {"delete": phrase("Delete it"), "deliver-as-spam": phrase("Deliver it, marked as spam")},
    PolicySetting.SCOPE: {
        "recipient": phrase("The recipient only"),
        "domain": phrase("The whole domain of the recipient"),
        "site": phrase("All domains"),
    },
    PolicySetting.LANGUAGE: {AUTO: phrase("That of each mail"), **{tag: language_name(tag) for tag in known()}},
    PolicySetting.TEMPLATES: {
        "domain": phrase("The domain's own, where it has any; else the site's"),
        "site": phrase("The site's own, where it has any"),
        "shipped": phrase("Those that came with the gateway"),
    },
    PolicySetting.EXPECTING: {"yes": phrase("Users may"), "no": phrase("Users may not")},
    PolicySetting.WRITTEN_TO: {
        "yes": phrase("Is let in from then on"),
        "no": phrase("Is treated as anybody else"),
    },
    PolicySetting.NOTICES: {
        OFF: phrase("None"),
        ON: phrase("For each mail that waits"),
        SOME: phrase("For what waits for one of these reasons"),
    },
    PolicySetting.USERS_EDIT_LISTS: {"yes": phrase("Users may change them"), "no": phrase("Users may only look")},
    PolicySetting.USERS_MODERATE: {
        "yes": phrase("Users may deliver and delete it"),
        "no": phrase("Users may only look"),
    },
    PolicySetting.USERS_READ: {"yes": phrase("Users may read it"), "no": phrase("Users may not read it")},
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as its form shows it."""

    name: str
    title: str
    hint: str
    value: str
    """What holds, in words."""
    origin: str
    """Where that comes from, in words."""
    chosen: str
    """What is chosen here; "" where it is what holds above."""
    lock: bool
    options: tuple[tuple[str, str], ...]
    """Value and words; none where a number is typed."""
    reasons: tuple[tuple[str, str, bool], ...]
    """What is ticked below `SOME`: value, words, whether it is; none for all other settings."""
    above: str
    """What holds above, in words."""
    open: bool
    error: str
    by: str
    """Who chose it; "" for nobody."""
    at: float


def place(scope: str) -> str:
    """Name a scope in the middle of a sentence."""
    return name_of(scope) if scope else phrase("the whole site")


def said(setting: PolicySetting, value: str) -> str:
    """Say a value."""
    if setting is PolicySetting.DAYS:
        return phrases(int(float(value)), "{days} day", "{days} days", days=value)
    if setting is PolicySetting.NOTICES and value not in _VALUES[setting]:
        return chain(", ", [short_reason(reason) for reason in value.split(",")])
    return _VALUES.get(setting, {}).get(value, value)


def lines_of(sheet: Sheet, faults: Mapping[PolicySetting, str], edits: Edits) -> list[Shown]:
    """Return each setting of a sheet. faults, edits: what was wrong with what was typed, and what that was."""
    return [_shown(line, sheet.scope, faults.get(line.setting, ""), edits) for line in sheet.lines]


def _shown(line: Line, scope: str, error: str, edits: Edits) -> Shown:
    setting = line.setting
    title, hint = TITLES[setting]
    edit = edits.get(setting)
    chosen = (line.own.value if line.own else "") if edit is None else edit.value
    lock = bool(line.own and line.own.locked) if edit is None else edit.locked
    options: Sequence[str] = line.options
    reasons: tuple[tuple[str, str, bool], ...] = ()
    if setting is PolicySetting.NOTICES:
        options, reasons, chosen, error = _notices(chosen or "", error)
    return Shown(
        name=setting.value,
        title=title,
        hint=hint,
        value=said(setting, line.effective.value),
        origin=_origin(line.effective, scope),
        chosen=chosen or "",
        lock=lock,
        options=tuple((option, said(setting, option)) for option in options),
        reasons=reasons,
        above=phrase("{value} ({origin})", value=said(setting, line.above.value), origin=_origin(line.above, scope)),
        open=line.open,
        error=error,
        by=line.chosen.by if line.chosen else "",
        at=line.chosen.at if line.chosen else 0.0,
    )


def _notices(chosen: str, error: str) -> tuple[tuple[str, ...], tuple[tuple[str, str, bool], ...], str, str]:
    """Return what can be chosen, the reasons below, what is chosen, and what is wrong with that."""
    ticked = chosen.split(",")
    reasons = tuple((reason.value, short_reason(reason.value), reason.value in ticked) for reason in REASONS)
    some = any(reason[2] for reason in reasons)
    if chosen == SOME:
        error = phrase("Tick at least one reason.")
    return (OFF, ON, SOME), reasons, SOME if some else chosen, error


def _origin(effective: Effective, scope: str) -> str:
    return origin_words(effective, scope.rpartition("@")[2])


def sentences(preview: Preview, scope: str) -> list[tuple[str, str]]:
    """Say what a change would do: what, and the sentence."""
    told: list[tuple[str, str]] = []
    for change in preview.changes:
        before, after = said(change.setting, change.before.value), said(change.setting, change.after.value)
        words: str = phrase("{value} ({origin})", value=after, origin=_origin(change.after, scope))
        if before != after:
            words = phrase("{before} becomes: {after}", before=before, after=words)
        told.append((TITLES[change.setting][0], chain(". ", [words, *_below(change.keeping, change.overruled)])))
    if not preview.changes:
        return []
    recipients = phrases(preview.recipients, "{n} recipient", "{n} recipients")
    waiting: str = phrase("{mails} for {recipients}", mails=_mails(preview.waiting), recipients=recipients)
    if not preview.whole:
        waiting = phrase("the newest {mails} are counted here; more mail waits", mails=waiting)
    told.append((phrase("Mail that waits here"), waiting))
    told.append((phrase("Affected"), phrases(preview.affected, "{n} recipient of these", "{n} recipients of these")))
    for count, words in (
        (preview.sooner, phrase("would go sooner, if you tick the box below")),
        (preview.later, phrase("would wait longer, if you tick the box below")),
        (preview.to_spam, phrase("would be delivered as spam after the days; now they would be deleted")),
        (preview.to_delete, phrase("would be deleted after the days; now they would be delivered as spam")),
        (preview.delivered, phrase("stay where they are: only new mail is delivered at once")),
    ):
        if count:
            told.append((_mails(count), words))
    return told


@dataclass(frozen=True, slots=True)
class Told:
    """How far what waits has been moved to its new days."""

    text: str
    button: str
    """What can be done about it; "" for nothing."""


def told(order: Redating, *, may_stop: bool) -> Told:
    """Put that into words."""
    seen = phrase("{count} of {mails} looked at", count=order.done, mails=_mails(order.total))
    moved = phrases(order.progress.moved, "{n} mail moved", "{n} mails moved")
    if order.state is OrderState.GATHERING:
        text = phrase("What waits goes after the new days: the mails are being counted.")
    elif order.open:
        text = phrase("What waits goes after the new days: {seen}, {moved}.", seen=seen, moved=moved)
    elif order.state is OrderState.UNDONE:
        text = phrase("Stopped: {seen}, {moved}.", seen=seen, moved=moved)
    else:
        text = phrase(
            "What waits goes after the new days. {mails} of {total} moved.",
            mails=_mails(order.progress.moved),
            total=order.total,
        )
    return Told(text, phrase("Stop") if order.open and may_stop else "")


def _below(keeping: int, overruled: int) -> list[str]:
    words: list[str] = []
    if keeping:
        words.append(phrases(keeping, "{n} place below keeps its own choice", "{n} places below keep their own choice"))
    if overruled:
        words.append(
            phrases(
                overruled,
                "{n} place below no longer has its own choice",
                "{n} places below no longer have their own choice",
            )
        )
    return words


def _mails(count: int) -> str:
    return phrases(count, "{n} mail", "{n} mails")
