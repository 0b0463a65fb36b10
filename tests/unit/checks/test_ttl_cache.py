from __future__ import annotations

from gateway.checks.ttl_cache import TtlCache


def test_value_is_kept_until_its_end() -> None:
    cache: TtlCache[str, int] = TtlCache(10)
    cache.put("a", 1, until=5.0)
    assert cache.get("a", 4.9) == 1
    assert cache.get("a", 5.0) is None
    assert len(cache) == 0


def test_full_cache_drops_what_was_written_longest_ago() -> None:
    cache: TtlCache[str, int] = TtlCache(2)
    for key in ("a", "b", "a", "c"):
        cache.put(key, 1, until=9.0)
    assert [cache.get(key, 0.0) for key in "abc"] == [1, None, 1]


def test_cache_without_room_keeps_nothing() -> None:
    cache: TtlCache[str, int] = TtlCache(0)
    cache.put("a", 1, until=9.0)
    assert cache.get("a", 0.0) is None
