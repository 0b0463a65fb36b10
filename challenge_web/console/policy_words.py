"""Policies in the words of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.explain import origin_words
from gateway.domain.levels import Effective, PolicySetting
from gateway.domain.tongue import AUTO
from gateway.flow.orders import OrderState
from gateway.flow.policies import name_of
from gateway.flow.policy_effects import Preview
from gateway.flow.policy_ports import Edits, Line, Sheet
from gateway.flow.redate import Redating
from gateway.languages.language import known, language

TITLES: dict[PolicySetting, tuple[str, str]] = {
    PolicySetting.MODE: ("Mail from unknown senders", "Blocked senders are kept out in each case."),
    PolicySetting.DAYS: ("Days that mail waits", "From 1 to 365."),
    PolicySetting.ON_EXPIRY: ("After these days", ""),
    PolicySetting.SCOPE: ("One answered challenge opens", "A domain or an address can only narrow it."),
    PolicySetting.LANGUAGE: (
        "Language of challenges",
        "Where we are not sure of the language of a mail, English stands below.",
    ),
    PolicySetting.TEMPLATES: ("Words of challenges", "They are written on the page Templates."),
    PolicySetting.EXPECTING: ('"I am expecting mail"', "Whether users may open their address for a while."),
    PolicySetting.USERS_EDIT_LISTS: ("Users and their lists", ""),
    PolicySetting.USERS_MODERATE: ("Users and mail that waits", ""),
    PolicySetting.USERS_READ: ("Users and the text of mail that waits", ""),
}
_VALUES: dict[PolicySetting, dict[str, str]] = {
    PolicySetting.MODE: {
        "off": "Deliver it at once",
        "quarantine": "Hold it for a person",
        "challenge": "Hold it, and ask the sender",
    },
    PolicySetting.ON_EXPIRY: {"delete": "Delete it", "deliver-as-spam": "Deliver it, marked as spam"},
    PolicySetting.SCOPE: {
        "recipient": "The recipient only",
        "domain": "The whole domain of the recipient",
        "site": "All domains",
    },
    PolicySetting.LANGUAGE: {AUTO: "That of each mail", **{tag: language(tag).name for tag in known()}},
    PolicySetting.TEMPLATES: {
        "domain": "The domain's own, where it has any; else the site's",
        "site": "The site's own, where it has any",
        "shipped": "Those that came with the gateway",
    },
    PolicySetting.EXPECTING: {"yes": "Users may", "no": "Users may not"},
    PolicySetting.USERS_EDIT_LISTS: {"yes": "Users may change them", "no": "Users may only look"},
    PolicySetting.USERS_MODERATE: {"yes": "Users may deliver and delete it", "no": "Users may only look"},
    PolicySetting.USERS_READ: {"yes": "Users may read it", "no": "Users may not read it"},
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
    above: str
    """What holds above, in words."""
    open: bool
    error: str
    by: str
    """Who chose it; "" for nobody."""
    at: float


def place(scope: str) -> str:
    """Name a scope in the middle of a sentence."""
    return name_of(scope) if scope else "the whole site"


def said(setting: PolicySetting, value: str) -> str:
    """Say a value."""
    if setting is PolicySetting.DAYS:
        return "1 day" if value == "1" else f"{value} days"
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
    return Shown(
        name=setting.value,
        title=title,
        hint=hint,
        value=said(setting, line.effective.value),
        origin=_origin(line.effective, scope),
        chosen=chosen or "",
        lock=lock,
        options=tuple((option, said(setting, option)) for option in line.options),
        above=f"{said(setting, line.above.value)} ({_origin(line.above, scope)})",
        open=line.open,
        error=error and error[0].upper() + error[1:] + ".",
        by=line.chosen.by if line.chosen else "",
        at=line.chosen.at if line.chosen else 0.0,
    )


def _origin(effective: Effective, scope: str) -> str:
    return origin_words(effective, scope.rpartition("@")[2])


def sentences(preview: Preview, scope: str) -> list[tuple[str, str]]:
    """Say what a change would do: what, and the sentence."""
    told = []
    for change in preview.changes:
        before, after = said(change.setting, change.before.value), said(change.setting, change.after.value)
        words = f"{after} ({_origin(change.after, scope)})"
        if before != after:
            words = f"{before} becomes: {words}"
        told.append((TITLES[change.setting][0], words + _below(change.keeping, change.overruled)))
    if not preview.changes:
        return []
    told.append(("Mail that waits here", f"{_mails(preview.waiting)} for {_count(preview.recipients, 'recipient')}"))
    told.append(("Affected", f"{_count(preview.affected, 'recipient')} of these"))
    for count, words in (
        (preview.sooner, "would go sooner, if you tick the box below"),
        (preview.later, "would wait longer, if you tick the box below"),
        (preview.to_spam, "would be delivered as spam after the days; now they would be deleted"),
        (preview.to_delete, "would be deleted after the days; now they would be delivered as spam"),
        (preview.delivered, "stay where they are: only new mail is delivered at once"),
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
    seen, moved = f"{_number(order.done)} of {_mails(order.total)} looked at", f"{_mails(order.progress.moved)} moved"
    if order.state is OrderState.GATHERING:
        text = "What waits goes after the new days: the mails are being counted."
    elif order.open:
        text = f"What waits goes after the new days: {seen}, {moved}."
    elif order.state is OrderState.UNDONE:
        text = f"Stopped: {seen}, {moved}."
    else:
        text = f"What waits goes after the new days. {_mails(order.progress.moved)} of {_number(order.total)} moved."
    return Told(text, "Stop" if order.open and may_stop else "")


def _below(keeping: int, overruled: int) -> str:
    words = ""
    if keeping:
        words += f". {_count(keeping, 'place')} below {'keeps its' if keeping == 1 else 'keep their'} own choice"
    if overruled:
        words += (
            f". {_count(overruled, 'place')} below no longer {'has its' if overruled == 1 else 'have their'} own choice"
        )
    return words


def _mails(count: int) -> str:
    return _count(count, "mail")


def _count(count: int, noun: str) -> str:
    return f"{_number(count)} {noun}" if count == 1 else f"{_number(count)} {noun}s"


def _number(count: int) -> str:
    return f"{count:,}"
