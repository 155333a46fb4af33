"""Writes the first images of the test set as IDX: how data/fashion-mnist-3000 was made.

`python -m shpc_training.subset` reproduces the committed files byte for byte.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import click

from shpc_core import idx
from shpc_training import dataset
from shpc_training.dataset import Split


def write_subset(test: Split, directory: Path, *, images: int) -> dict[str, str]:
    """Writes images.idx and labels.idx; returns their SHA-256 by name."""
    if not 1 <= images <= len(test):
        raise dataset.DatasetError(f"the test set has 1 to {len(test)} images, not {images}")
    first = test.first(images)
    directory.mkdir(parents=True, exist_ok=True)
    digests = {}
    for name, items in (("images.idx", first.images), ("labels.idx", first.labels)):
        data = idx.encode(items)
        (directory / name).write_bytes(data)
        digests[name] = hashlib.sha256(data).hexdigest()
    return digests


@click.command()
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/fashion-mnist-3000"),
    show_default=True,
)
@click.option("--images", type=int, default=3_000, show_default=True)
def main(directory: Path, images: int) -> None:
    """Writes the first test images and their labels as IDX."""
    try:
        digests = write_subset(dataset.load(os.environ).test, directory, images=images)
    except dataset.DatasetError as error:
        raise click.ClickException(str(error)) from error
    for name, digest in digests.items():
        click.echo(f"{digest}  {directory / name}")


if __name__ == "__main__":
    main()
