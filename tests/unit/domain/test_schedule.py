from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.schedule import latest_slot, next_slot, parse_schedule, schedule_text

PRAGUE = ZoneInfo("Europe/Prague")


def at(text: str, zone: ZoneInfo | None = None) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC).timestamp()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("off", "off"),
        (" OFF ", "off"),
        ("hourly", "hourly"),
        ("every-4h", "every-4h"),
        ("every-12h", "every-12h"),
        ("daily@18", "daily@18"),
        ("daily@07", "daily@7"),
        ("thu,mon@7", "mon,thu@7"),
        ("mon,tue,wed,thu,fri,sat,sun@0", "daily@0"),
    ],
)
def test_schedule_has_one_spelling(typed: str, stored: str) -> None:
    assert schedule_text(typed) == stored
    assert schedule_text(stored) == stored


@pytest.mark.parametrize(
    "typed",
    ["", "daily", "daily@24", "daily@-1", "every-5h", "every-1h", "mon@", "xyz@7", ",@7", "daily@18@19", "mon;@7"],
)
def test_schedule_that_is_none_is_refused_with_what_to_write(typed: str) -> None:
    with pytest.raises(ValueError, match="daily@18"):
        parse_schedule(typed)


@pytest.mark.parametrize(
    ("text", "now", "latest", "following"),
    [
        ("daily@18", "2026-11-20T17:59", "2026-11-19T18:00", "2026-11-20T18:00"),
        ("daily@18", "2026-11-20T18:00", "2026-11-20T18:00", "2026-11-21T18:00"),
        ("hourly", "2026-11-20T17:59", "2026-11-20T17:00", "2026-11-20T18:00"),
        ("every-8h", "2026-11-20T23:59", "2026-11-20T16:00", "2026-11-21T00:00"),
        ("mon@7", "2026-11-23T06:59", "2026-11-16T07:00", "2026-11-23T07:00"),
        ("mon,thu@7", "2026-11-24T00:00", "2026-11-23T07:00", "2026-11-26T07:00"),
    ],
)
def test_slots_lie_on_either_side_of_now(text: str, now: str, latest: str, following: str) -> None:
    schedule = parse_schedule(text)
    assert schedule is not None
    assert latest_slot(schedule, UTC, at(now)) == at(latest)
    assert next_slot(schedule, UTC, at(now)) == at(following)


def test_slots_keep_their_hour_when_the_clocks_change() -> None:
    schedule = parse_schedule("daily@18")
    assert schedule is not None
    before, after = at("2026-10-24T18:00", PRAGUE), at("2026-10-25T18:00", PRAGUE)
    assert after - before == 25 * 3600
    assert next_slot(schedule, PRAGUE, before) == after


@pytest.mark.parametrize(("day", "slots"), [("2026-03-29", 1), ("2026-10-25", 1)])
def test_slot_of_an_hour_that_is_left_out_or_comes_twice_comes_once(day: str, slots: int) -> None:
    schedule = parse_schedule("daily@2")
    assert schedule is not None
    midnight, found = at(f"{day}T00:00", PRAGUE), set()
    for minute in range(0, 24 * 60, 10):
        slot = latest_slot(schedule, PRAGUE, midnight + minute * 60)
        found |= {slot} if slot >= midnight else set()
    assert len(found) == slots
