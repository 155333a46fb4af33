from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shpc_core import coverage
from shpc_core.coverage import Covered


def ranges(*bounds: tuple[int, int], model: str = "m") -> list[Covered | None]:
    return [
        Covered(name=f"shard {number}", start=start, stop=stop, model_sha256=model)
        for number, (start, stop) in enumerate(bounds)
    ]


def test_coverage_of_ranges_that_meet_is_without_problems() -> None:
    assert coverage.problems(ranges((5, 7), (7, 8), (8, 20)), start=5, stop=20) == []


def test_coverage_names_items_that_are_missing_between() -> None:
    found = coverage.problems(ranges((0, 10), (12, 20)), start=0, stop=20)
    assert found == ["items 10..12 are missing before shard 1"]


def test_coverage_names_items_that_are_duplicated() -> None:
    found = coverage.problems(ranges((0, 10), (8, 20)), start=0, stop=20)
    assert found == ["items 8..10 are duplicated before shard 1"]


def test_coverage_names_items_missing_at_either_end() -> None:
    found = coverage.problems(ranges((1, 10), (10, 19)), start=0, stop=20)
    assert found == [
        "items 0..1 are missing before shard 0",
        "items 19..20 are missing after shard 1",
    ]


def test_coverage_names_items_beyond_the_end() -> None:
    found = coverage.problems(ranges((0, 21)), start=0, stop=20)
    assert found == ["items 20..21 are duplicated after shard 0"]


def test_coverage_of_nothing_is_a_problem() -> None:
    assert coverage.problems([], start=0, stop=3) == ["items 0..3 are missing after the start"]


def test_coverage_does_not_blame_the_neighbours_of_an_absent_range() -> None:
    first, _, last = ranges((0, 10), (10, 15), (15, 20))
    assert coverage.problems([first, None, last], start=0, stop=20) == []


def test_coverage_names_an_empty_range() -> None:
    found = coverage.problems(ranges((0, 5), (5, 5), (5, 9)), start=0, stop=9)
    assert found == ["shard 1 states the range 5..5"]


def test_coverage_names_ranges_of_another_model() -> None:
    old, new = ranges((0, 5), model="a" * 64)[0], ranges((0, 5), (5, 9), model="b" * 64)[1]
    (problem,) = coverage.problems([old, new], start=0, stop=9)
    assert problem == "shard 1 was predicted by model bbbbbbbbbbbb, shard 0 by aaaaaaaaaaaa"


@given(st.lists(st.integers(1, 9), min_size=2, max_size=8), st.data())
def test_coverage_notices_any_one_range_left_out(lengths: list[int], data: st.DataObject) -> None:
    ends = [sum(lengths[: number + 1]) for number in range(len(lengths))]
    whole = ranges(*zip([0, *ends[:-1]], ends, strict=True))
    assert coverage.problems(whole, start=0, stop=ends[-1]) == []
    del whole[data.draw(st.integers(0, len(whole) - 1))]
    assert coverage.problems(whole, start=0, stop=ends[-1])
