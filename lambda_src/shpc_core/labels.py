"""The ten classes of Fashion-MNIST; a label is the position of its name."""

from __future__ import annotations

# https://github.com/zalandoresearch/fashion-mnist#labels
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
