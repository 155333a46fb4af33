"""The committed images and model are what their papers say."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def test_committed_images_are_three_thousand_of_every_class(
    images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> None:
    assert images.shape == (3000, 28, 28)
    assert np.bincount(labels).tolist() == [302, 308, 310, 298, 324, 285, 298, 293, 297, 285]


def test_committed_files_are_the_ones_the_readme_names(data_directory: Path) -> None:
    named = re.findall(
        r"^\| (\w+\.idx) \| [\d,]+ \| `(\w{64})` \|$",
        (data_directory / "README.md").read_text(),
        re.MULTILINE,
    )
    assert {name for name, _ in named} == {"images.idx", "labels.idx"}
    for name, digest in named:
        assert hashlib.sha256((data_directory / name).read_bytes()).hexdigest() == digest


def test_model_card_is_of_the_committed_model(model_path: Path) -> None:
    card = json.loads((model_path.parent / "card.json").read_text())
    model = model_path.read_bytes()
    assert card["model_sha256"] == hashlib.sha256(model).hexdigest()
    assert card["model_bytes"] == len(model)
    assert card["test_accuracy"] >= 0.92
    assert card["model_sha256"] in (model_path.parent / "card.md").read_text()
