from __future__ import annotations

import pytest

from challenge_web.console.chart import HEIGHT, WIDTH, nice, stacked


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (2, 2), (3, 5), (5, 5), (6, 10), (11, 20), (99, 100), (501, 1000)]
)
def test_scale_ends_at_a_number_that_is_read_at_a_glance(value: int, top: int) -> None:
    assert nice(value) == top


def test_chart_parts_stand_on_each_other_and_reach_their_value() -> None:
    chart = stacked(["relayed", "held"], [("Mon", [30, 20]), ("Tue", [0, 50])])
    room = chart.base - chart.head
    first, second, third = chart.blocks
    assert first.kind == "relayed"
    assert first.height == pytest.approx(room * 0.6, abs=0.1)
    assert second.y + second.height == pytest.approx(first.y, abs=0.1)
    assert second.y == pytest.approx(chart.head, abs=0.1)
    assert third.kind == "held"
    assert third.x > first.x + first.width


def test_chart_of_nothing_has_no_blocks_and_a_scale() -> None:
    chart = stacked(["held"], [("Mon", [0])])
    assert chart.blocks == ()
    assert chart.top == 1


def test_chart_stays_within_its_picture_and_names_some_bars() -> None:
    chart = stacked(["held"], [(str(day), [day * 7]) for day in range(30)])
    assert all(block.x >= 0 and block.x + block.width <= WIDTH for block in chart.blocks)
    assert all(block.y >= 0 and block.y + block.height <= HEIGHT for block in chart.blocks)
    assert 4 <= len(chart.marks) <= 8
