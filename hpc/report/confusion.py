"""The confusion matrix as cells to shade: how strong, and which words a reader hears."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from hpc.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`count` images of one class predicted as one; `shade` 0 to 100 is how strong it looks.

    `is_strong` is a class of which most are right: a ground that asks for light writing.
    """

    count: int
    shade: int
    is_diagonal: bool
    is_strong: bool
    title: str


@dataclass(frozen=True, kw_only=True)
class ConfusionRow:
    """All predictions for one true class."""

    name: str
    cells: tuple[Cell, ...]


def shade_confusion(evaluation: Evaluation) -> tuple[ConfusionRow, ...]:
    """Shade each cell by the root of its row's share, so that one image in a hundred shows."""
    rows = []
    for true in evaluation.classes:
        cells = []
        for predicted in evaluation.classes:
            count = int(evaluation.confusion[true.label, predicted.label])
            share = count / true.support if true.support else 0.0
            cells.append(
                Cell(
                    count=count,
                    shade=round(100 * sqrt(share)),
                    is_diagonal=true.label == predicted.label,
                    is_strong=true.label == predicted.label and share > 0.5,
                    title=f"{count:,} {true.name} predicted as {predicted.name} ({share:.1%})",
                )
            )
        rows.append(ConfusionRow(name=true.name, cells=tuple(cells)))
    return tuple(rows)
