"""What the page of digests says: schedules as sentences, and as the fields of a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.domain.digest import Kind
from gateway.domain.schedule import DAYS, STEPS, parse_schedule

KIND_NAMES = {
    Kind.PEOPLE: "Mail from people",
    Kind.NEWSLETTERS: "Newsletters, receipts, notices",
    Kind.SPAM: "Likely spam: nobody vouches for it",
}
DAY_NAMES = (
    ("mon", "Monday"), ("tue", "Tuesday"), ("wed", "Wednesday"), ("thu", "Thursday"), ("fri", "Friday"),
    ("sat", "Saturday"), ("sun", "Sunday"),
)  # fmt: skip
HOURS = tuple((str(hour), f"{hour:02}:00") for hour in range(24))
RHYTHMS = (
    ("off", "Never"),
    ("hourly", "Each hour"),
    *((f"every-{step}h", f"Every {step} hours") for step in STEPS),
    ("daily", "Each day"),
    ("days", "On some days of the week"),
)
STATES = {
    "queued": "Is being sent",
    "delivered": "Delivered",
    "refused": "Could not be delivered",
    "void": "Not needed any more",
}
_OTHERS = {"configuration": "from the configuration", "account": "from the account", "": "chosen for the site"}


def schedule_sentence(text: str, zone: str) -> str:
    """Say when digests come."""
    schedule = parse_schedule(text or "off")
    if schedule is None:
        return "No digests."
    known = dict(RHYTHMS)
    if text in known:
        return f"{known[text]}, where something new waits."
    hour = f"{schedule.hours[0]:02}:00 {zone or 'UTC'}"
    if len(schedule.days) == 7:
        return f"Each day at {hour}, where something new waits."
    days = ", ".join(dict(DAY_NAMES)[DAYS[day]] for day in sorted(schedule.days))
    return f"{days} at {hour}, where something new waits."


def kinds_sentence(text: str) -> str:
    """Say what is in them."""
    chosen = text.split(",")
    return "; ".join(KIND_NAMES[kind] for kind in Kind if kind.value in chosen)


def origin_of(scope: str, here: str) -> str:
    """Say where a choice comes from."""
    if scope == here:
        return "chosen here"
    return _OTHERS.get(scope, f"chosen for {scope.removeprefix('@')}")


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
