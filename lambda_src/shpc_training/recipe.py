"""Every choice that shapes the trained model, in one frozen and comparable value.

The model card prints this recipe, and a checkpoint continues only under the recipe that began it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from shpc_core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Hyperparameters of one training run; `InvalidInput` names any value outside its range."""

    seed: int = 20240607
    epochs: int = 16
    batch_images: int = 128
    validation_images: int = 5_000
    limit_images: int | None = None
    stem_width: int = 32
    block_widths: tuple[int, ...] = (48, 80)
    peak_learning_rate: float = 0.1
    warmup_epochs: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.05
    flip_probability: float = 0.5
    max_shift_pixels: int = 2
    calibration_images: int = 1_000

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_images", "validation_images", "calibration_images"):
            if getattr(self, name) < 1:
                raise InvalidInput(name, f"is {getattr(self, name)}", "at least 1")
        if self.limit_images is not None and self.limit_images < 1:
            raise InvalidInput("limit_images", f"is {self.limit_images}", "at least 1, or none")

    def learning_rate(self, *, step: int, steps_per_epoch: int) -> float:
        """Rate of optimiser step `step` (from 0): linear warm-up, then half a cosine down to 0.

        Loshchilov and Hutter 2017, SGDR, equation 5, without restarts.
        """
        total_steps = self.epochs * steps_per_epoch
        warmup_steps = min(self.warmup_epochs * steps_per_epoch, total_steps / 2)
        if step < warmup_steps:
            return self.peak_learning_rate * (step + 1) / (warmup_steps + 1)
        progress = (step - warmup_steps) / max(1.0, total_steps - warmup_steps)
        return self.peak_learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
