from __future__ import annotations

import pytest

from bench.figure import Figure, interleaved
from bench.record import Result


def test_sides_take_turns_in_every_round():
    order: list[str] = []

    def side(name: str):
        def act() -> int:
            order.append(name)
            return len(order)

        return act

    taken = interleaved(3, {"a": side("a"), "b": side("b")})
    assert order == ["a", "b"] * 3
    assert taken == {"a": (1, 3, 5), "b": (2, 4, 6)}


@pytest.mark.parametrize("rounds", [0, -1])
def test_no_rounds_are_refused(rounds):
    with pytest.raises(ValueError, match="rounds"):
        interleaved(rounds, {"a": int})


def test_figure_runs_with_the_amount_of_the_effort():
    asked: list[int] = []

    def measure(amount: int) -> Result:
        asked.append(amount)
        return Result(figure="any", title="Any", series=(), ratios=())

    figure = Figure(name="any", summary="any", measure=measure, quick=1, full=9)
    assert figure.run("quick").figure == "any"
    figure.run("full")
    assert asked == [1, 9]
    with pytest.raises(ValueError, match="allowed: quick, full"):
        figure.run("fast")
