"""What the page of digests says: schedules as sentences, and as the fields of a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.domain.digest import Kind
from gateway.domain.phrase import chain, phrase, phrases
from gateway.domain.schedule import DAYS, STEPS, parse_schedule

KIND_NAMES = {
    Kind.PEOPLE: phrase("Mail from people"),
    Kind.NEWSLETTERS: phrase("Newsletters, receipts, notices"),
    Kind.SPAM: phrase("Likely spam: nobody vouches for it, or its score is high"),
}
DAY_NAMES = (
    ("mon", phrase("Monday")),
    ("tue", phrase("Tuesday")),
    ("wed", phrase("Wednesday")),
    ("thu", phrase("Thursday")),
    ("fri", phrase("Friday")),
    ("sat", phrase("Saturday")),
    ("sun", phrase("Sunday")),
)
HOURS = tuple((str(hour), f"{hour:02}:00") for hour in range(24))
RHYTHMS = (
    ("off", phrase("Never")),
    ("hourly", phrase("Each hour")),
    *((f"every-{step}h", phrases(step, "Every {n} hour", "Every {n} hours")) for step in STEPS),
    ("daily", phrase("Each day")),
    ("days", phrase("On some days of the week")),
)
STATES = {
    "queued": phrase("Is being sent"),
    "delivered": phrase("Delivered"),
    "refused": phrase("Could not be delivered"),
    "void": phrase("Not needed any more"),
}
_OTHERS = {
    "configuration": phrase("from the configuration"),
    "account": phrase("from the account"),
    "": phrase("chosen for the site"),
}


def schedule_sentence(text: str, zone: str) -> str:
    """Say when digests come."""
    schedule = parse_schedule(text or "off")
    if schedule is None:
        return phrase("No digests.")
    known = dict(RHYTHMS)
    if text in known:
        return phrase("{rhythm}, where something new waits.", rhythm=known[text])
    hour = f"{schedule.hours[0]:02}:00 {zone or 'UTC'}"
    if len(schedule.days) == 7:
        return phrase("Each day at {hour}, where something new waits.", hour=hour)
    days = chain(", ", [dict(DAY_NAMES)[DAYS[day]] for day in sorted(schedule.days)])
    return phrase("{days} at {hour}, where something new waits.", days=days, hour=hour)


def kinds_sentence(text: str) -> str:
    """Say what is in them."""
    chosen = text.split(",")
    return chain("; ", [KIND_NAMES[kind] for kind in Kind if kind.value in chosen])


def origin_of(scope: str, here: str) -> str:
    """Say where a choice comes from."""
    if scope == here:
        return phrase("chosen here")
    return _OTHERS.get(scope, phrase("chosen for {place}", place=scope.removeprefix("@")))


def parts_of(own: str | None, above: str) -> dict[str, str]:
    """Return the fields of a schedule. own: None where the level above counts, whose hour then stands there."""
    text = own or above or "off"
    schedule = parse_schedule(text)
    named = dict(RHYTHMS)
    rhythm = text if text in named else "daily" if text.startswith("daily") else "days"
    hour = "18" if schedule is None or len(schedule.hours) > 1 else str(schedule.hours[0])
    days = text.partition("@")[0] if rhythm == "days" else "mon,tue,wed,thu,fri"
    return {"rhythm": rhythm if own is not None else "", "hour": hour, "days": days}


def schedule_of(form: Mapping[str, str], days: Sequence[str]) -> str | None:
    """Return the schedule of a form; None for what holds above. What makes no sense is told when it is saved."""
    rhythm = form.get("rhythm", "")
    if not rhythm:
        return None
    if rhythm == "daily":
        return f"daily@{form.get('hour', '')}"
    return f"{','.join(days)}@{form.get('hour', '')}" if rhythm == "days" else rhythm
