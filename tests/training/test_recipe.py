from __future__ import annotations

from typing import Any

import pytest

from shpc_core.errors import InvalidInput
from shpc_training.recipe import Recipe


def rates(recipe: Recipe, steps_per_epoch: int = 100) -> list[float]:
    steps = range(recipe.epochs * steps_per_epoch)
    return [recipe.learning_rate(step=step, steps_per_epoch=steps_per_epoch) for step in steps]


def test_learning_rate_warms_up_then_falls_to_nothing() -> None:
    recipe = Recipe(epochs=10)
    course = rates(recipe)
    peak = course.index(max(course))
    assert peak == 100
    assert course[peak] == pytest.approx(recipe.peak_learning_rate)
    assert course[:peak] == sorted(course[:peak])
    assert course[peak:] == sorted(course[peak:], reverse=True)
    assert 0 < course[0] < recipe.peak_learning_rate / 50
    assert 0 <= course[-1] < recipe.peak_learning_rate / 1000


def test_learning_rate_of_a_single_epoch_reaches_its_peak() -> None:
    course = rates(Recipe(epochs=1))
    assert max(course) == pytest.approx(Recipe().peak_learning_rate, rel=0.05)
    assert course[-1] < 0.001


@pytest.mark.parametrize(
    "fields",
    [
        {"epochs": 0},
        {"batch_images": 0},
        {"validation_images": -1},
        {"calibration_images": 0},
        {"limit_images": 0},
    ],
)
def test_recipe_refuses_nothing_to_do(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="at least 1") as caught:
        Recipe(**fields)
    assert caught.value.field in fields
