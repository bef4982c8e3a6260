from poolscore.store.lease_positions import LeasePositions

CATS, DOGS = frozenset({0}), frozenset({1})


def test_a_position_holds_until_something_comes_free() -> None:
    positions = LeasePositions()
    assert positions.get(3, frozenset()) == 0
    positions.set(3, 10, frozenset())
    assert positions.get(3, frozenset()) == 10
    assert positions.get(4, frozenset()) == 0


def test_a_focus_says_nothing_of_other_rows_and_hears_of_all() -> None:
    positions = LeasePositions()
    positions.set(1, 40, CATS)
    assert [positions.get(1, focus) for focus in (frozenset(), CATS, DOGS)] == [0, 40, 0]
    positions.set(1, 50, frozenset())
    assert [positions.get(1, focus) for focus in (frozenset(), CATS, DOGS)] == [50, 50, 50]
    positions.set(1, 60, DOGS)
    assert [positions.get(1, focus) for focus in (frozenset(), CATS, DOGS)] == [50, 50, 60]


def test_however_many_a_focus_there_is_memory_is_bounded() -> None:
    positions = LeasePositions()
    for number in range(1000):
        positions.set(1, 5, frozenset({number}))
    assert positions.get(1, frozenset({999})) == 5
    assert positions.get(1, frozenset({0})) == 0
