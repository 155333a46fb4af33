from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.record import (
    Goal,
    Machine,
    Ratio,
    Result,
    Run,
    Series,
    over,
    read_run,
    spread,
    write_run,
)

NUMBERS = st.floats(min_value=1e-6, max_value=1e6)
MACHINE = Machine(
    cores=2,
    cpu="any",
    memory_gb=4.0,
    system="Linux",
    python="3.11.0",
    versions={"moto": "5"},
    load_before=0.1,
)


def run_with(*results: Result) -> Run:
    return Run(
        started_at="2026-01-31T12:00:00+00:00", effort="quick", machine=MACHINE, results=results
    )


@given(st.lists(NUMBERS, min_size=1))
def test_spread_is_ordered_and_holds_half_of_the_values_on_each_side(values):
    told = spread(tuple(values))
    assert told.least <= told.median <= told.greatest
    assert sum(value <= told.median for value in values) * 2 >= len(values)
    assert sum(value >= told.median for value in values) * 2 >= len(values)


def test_spread_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        spread(())


@pytest.mark.parametrize(
    ("sense", "value", "met"),
    [
        ("at least", 59.9, False),
        ("at least", 60.0, True),
        ("at most", 60.0, True),
        ("at most", 60.1, False),
    ],
)
def test_goal_is_met_on_its_bound_and_on_one_side_of_it(sense, value, met):
    assert Goal(sense=sense, bound=60).met(value) is met


def test_ratio_is_judged_by_its_median_and_without_a_goal_by_nothing():
    goal = Goal(sense="at most", bound=1.5)
    assert Ratio(name="any", values=(1.0, 1.4, 9.0), goal=goal).met is True
    assert Ratio(name="any", values=(1.0, 1.6, 9.0), goal=goal).met is False
    assert Ratio(name="any", values=(1.0,)).met is None


def test_ratio_pairs_the_values_of_one_round():
    above = Series(name="a", unit="s", values=(2.0, 9.0))
    below = Series(name="b", unit="s", values=(1.0, 3.0))
    assert over("a / b", above, below).values == (2.0, 3.0)


@pytest.mark.parametrize(
    "other",
    [
        Series(name="b", unit="ms", values=(1.0, 3.0)),
        Series(name="b", unit="s", values=(1.0,)),
    ],
)
def test_ratio_of_series_that_do_not_belong_together_is_refused(other):
    with pytest.raises(ValueError, match="allowed"):
        over("a / b", Series(name="a", unit="s", values=(2.0, 9.0)), other)


def test_run_is_read_as_it_was_written(tmp_path: Path):
    result = Result(
        figure="any",
        title="Any",
        series=(Series(name="a", unit="s", values=(1.0, 2.0)),),
        ratios=(Ratio(name="r", values=(0.5,), goal=Goal(sense="at most", bound=1.0)),),
        notes=("a note",),
        raw={"rounds": [{"s": 1.0}]},
        seconds=3.0,
    )
    path = tmp_path / "out" / "run.json"
    write_run(run_with(), path)
    write_run(run_with(result), path)
    assert read_run(path) == run_with(result)
    assert [file.name for file in path.parent.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"started_at": 1, "effort": "quick", "machine": {}, "results": []}',
        '{"another": "format"}',
    ],
)
def test_file_of_another_format_is_refused(tmp_path: Path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(msgspec.ValidationError):
        read_run(path)


def test_file_with_a_field_more_is_refused(tmp_path: Path):
    path = tmp_path / "run.json"
    write_run(run_with(), path)
    path.write_text(path.read_text().replace('"effort"', '"another": 1, "effort"'))
    with pytest.raises(msgspec.ValidationError, match="another"):
        read_run(path)
