"""Counts that describe predictions: per label, and against the truth.

Sums of counts only, so that parts add up exactly; ratios are taken once, at the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shpc_core.labels import CLASS_NAMES


def label_counts(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each class was predicted: (10,)."""
    return np.bincount(labels, minlength=len(CLASS_NAMES))


def matrix(truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Confusion matrix (10, 10): rows are true classes, columns predicted ones."""
    classes = len(CLASS_NAMES)
    pairs = truth.astype(np.int64) * classes + predicted
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def correct(confusion: NDArray[np.int64]) -> int:
    """Predictions that agree with the truth: the diagonal."""
    return int(np.trace(confusion))
