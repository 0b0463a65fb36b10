from __future__ import annotations

from collections.abc import Sequence

import pytest
from aiohttp.test_utils import make_mocked_request

from challenge_web.query import unreadable


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ()),
        ("q=roof&sort=size", ()),
        ("q=%C3%A9%20%F0%9F%8F%A0+%26%3D", ()),
        ("q=%EF%BF%BD", ()),  # The character of replacement, as somebody may search for it.
        ("q=%zz%2", ()),
        ("q=%ff", ("q",)),
        ("q=%c3&%a9=x", ("q", "\N{REPLACEMENT CHARACTER}")),
        ("a=1&q=%C0%AF&q=%ED%A0%80&b", ("q",)),
        ("my+q=%e9", ("my q",)),
    ],
)
def test_query_that_is_no_text_is_told_by_the_names_of_its_parameters(query: str, names: Sequence[str]) -> None:
    assert unreadable(make_mocked_request("GET", f"/console/pending?{query}")) == names
