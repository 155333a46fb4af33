"""How good the predictions are: accuracy with its interval, confusion, recall and precision.

All of it follows from the confusion matrix, so a job's own matrix and one computed here from the
columns give the same figures. It decides nothing about which predictions count: all of them do.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from shpc_core.labels import CLASS_NAMES

# Two-sided 95 % quantile of the normal distribution.
_Z = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class: how many there truly are, how many were predicted, and the shares that are right.

    `recall` is None for a class that does not occur, `precision` for one that is never predicted.
    """

    label: int
    name: str
    support: int
    predicted: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures over all images; `confusion` is int64 (10, 10), [true, predicted]."""

    correct: int
    total: int
    accuracy: float
    interval: tuple[float, float]
    confusion: NDArray[np.int64]
    classes: tuple[ClassFigures, ...]


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion, 0 to 1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927), 209-212; recommended over the textbook interval by L. D. Brown, T. T. Cai, A. DasGupta,
    "Interval estimation for a binomial proportion", Statistical Science 16 (2001), 101-133.
    """
    if not 0 <= correct <= total or total == 0:
        raise ValueError(f"{correct} of {total} is no proportion")
    share = correct / total
    centre = share + _Z**2 / (2 * total)
    spread = _Z * sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    scale = 1 + _Z**2 / total
    # At 0 and at `total` the bound is exact; rounding could put it outside 0 to 1.
    low = 0.0 if correct == 0 else (centre - spread) / scale
    high = 1.0 if correct == total else (centre + spread) / scale
    return low, high


def evaluate(confusion: NDArray[np.int64]) -> Evaluation:
    """Every figure that follows from a confusion matrix [true, predicted] of at least one image."""
    total = int(confusion.sum())
    diagonal = np.diagonal(confusion)
    correct = int(diagonal.sum())
    support = confusion.sum(axis=1)
    predicted = confusion.sum(axis=0)
    classes = tuple(
        ClassFigures(
            label=label,
            name=name,
            support=int(support[label]),
            predicted=int(predicted[label]),
            recall=float(diagonal[label] / support[label]) if support[label] else None,
            precision=float(diagonal[label] / predicted[label]) if predicted[label] else None,
        )
        for label, name in enumerate(CLASS_NAMES)
    )
    return Evaluation(
        correct=correct,
        total=total,
        accuracy=correct / total,
        interval=wilson_interval(correct, total),
        confusion=confusion,
        classes=classes,
    )
