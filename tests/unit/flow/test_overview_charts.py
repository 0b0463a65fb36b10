from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from gateway.flow.overview_charts import Backscatter, ScoreBand, backscatter, hours_of_day, score_bands
from gateway.flow.tally import HOUR, Happening

# 31 March 2024, 00:00 in Prague: the clock goes from 02:00 to 03:00 in this night.
MIDNIGHT = 1_711_839_600


def test_hours_are_those_of_the_reader_also_when_the_clock_is_changed() -> None:
    numbers = [
        (MIDNIGHT - HOUR, Happening.HELD, 99),
        (MIDNIGHT + HOUR, Happening.HELD, 1),
        (MIDNIGHT + 2 * HOUR, Happening.HELD, 2),
        (MIDNIGHT + 25 * HOUR, Happening.HELD, 4),
        (MIDNIGHT + 25 * HOUR, Happening.RELAYED, 8),
    ]
    hours = hours_of_day(numbers, MIDNIGHT, ZoneInfo("Europe/Prague"))
    assert [one.hour for one in hours] == list(range(24))
    assert {one.hour: dict(one.counts) for one in hours if one.counts} == {
        1: {Happening.HELD: 1},
        2: {Happening.HELD: 4, Happening.RELAYED: 8},
        3: {Happening.HELD: 2},
    }
    assert hours[0].of(Happening.HELD) == 0


def test_scores_fall_into_bands_whose_lower_edge_belongs_to_them() -> None:
    bands = score_bands([-3.0, -0.1, 0.0, 4.9, 5.0, 10.0, 31.5])
    assert len(bands) == 12
    assert [band for band in bands if band.times] == [
        ScoreBand(None, 0, 2),
        ScoreBand(0, 1, 1),
        ScoreBand(4, 5, 1),
        ScoreBand(5, 6, 1),
        ScoreBand(10, None, 2),
    ]
    assert score_bands([]) == ()


@pytest.mark.parametrize(
    ("asked", "disowned", "undeliverable", "wrong", "share"),
    [(0, 0, 0, 0, None), (0, 3, 0, 0, None), (98, 1, 2, 3, 0.03), (0, 0, 2, 2, 1.0), (1, 5, 0, 1, 1.0)],
)
def test_gauge_is_the_share_of_challenges_that_went_wrong(
    asked: int, disowned: int, undeliverable: int, wrong: int, share: float | None
) -> None:
    gauge = backscatter({Happening.ASKED: asked, Happening.DISOWNED: disowned, Happening.UNDELIVERABLE: undeliverable})
    assert (gauge.wrong, gauge.share) == (wrong, share)
    assert backscatter({}) == Backscatter(0, 0, 0)


def test_challenge_that_came_back_counts_as_tried_once() -> None:
    gauge = backscatter({Happening.ASKED: 4, Happening.BOUNCED: 1})
    assert (gauge.tried, gauge.undeliverable, gauge.share) == (4, 1, 0.25)
