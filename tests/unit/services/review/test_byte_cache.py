from services.review.byte_cache import ByteCache


def test_what_was_not_asked_for_the_longest_time_goes_first() -> None:
    cache = ByteCache(10)
    for key in "abc":
        cache.put(key, key.encode() * 3)
    assert cache.get("a") == b"aaa"
    cache.put("d", b"dddd")
    assert [cache.get(key) for key in "abcd"] == [b"aaa", None, b"ccc", b"dddd"]


def test_a_value_that_is_put_again_counts_once() -> None:
    cache = ByteCache(10)
    cache.put("a", b"aaaaaa")
    cache.put("a", b"aaaa")
    cache.put("b", b"bbbbbb")
    assert (cache.get("a"), cache.get("b")) == (b"aaaa", b"bbbbbb")


def test_what_is_larger_than_all_is_not_held_and_drives_nothing_out() -> None:
    cache = ByteCache(10)
    cache.put("a", b"a")
    cache.put("b", b"b" * 11)
    assert (cache.get("a"), cache.get("b")) == (b"a", None)
