"""Options that several commands share, and what they come to: files read, input uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hpc.dataset import Dataset, read_dataset
from hpc.upload import Uploaded, upload_input
from shpc_core.limits import MAX_SHARD_SIZE

# On two cores 3,000 images make 30 shards: enough to share evenly and to see the fan-out, while a
# shard's own work still outweighs what starting one costs.
DEFAULT_SHARD_SIZE = 100
DEFAULT_IMAGES = Path("data/fashion-mnist-3000/images.idx")

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
stage_option = click.option("--stage", default="dev", show_default=True, help="Which deployment.")
images_option = click.option(
    "--images",
    type=EXISTING_FILE,
    default=DEFAULT_IMAGES,
    show_default=True,
    help="Images as uncompressed IDX, uint8 (n, 28, 28).",
)
labels_option = click.option(
    "--labels",
    type=EXISTING_FILE,
    help="True labels as IDX. Default: labels.idx beside the images, where there is one.",
)
no_labels_option = click.option(
    "--no-labels", is_flag=True, help="Do as if no true labels were known."
)
shard_size_option = click.option(
    "--shard-size",
    type=click.IntRange(min=1, max=MAX_SHARD_SIZE),
    default=DEFAULT_SHARD_SIZE,
    show_default=True,
    help="Images per shard, that is per invocation.",
)


def dataset_of(images: Path, labels: Path | None, no_labels: bool) -> Dataset:
    """The files that the options name, read and checked; UsageError where they contradict."""
    if no_labels and labels is not None:
        raise click.UsageError("--labels and --no-labels exclude each other")
    beside = images.with_name("labels.idx")
    if labels is None and not no_labels and beside.is_file():
        labels = beside
    return read_dataset(images, labels)


def upload_dataset(s3: Any, bucket: str, dataset: Dataset) -> tuple[Uploaded, ...]:
    """The images' object, then the labels' if there are any."""
    files = [(dataset.images_path, "images.idx")]
    if dataset.labels_path is not None:
        files.append((dataset.labels_path, "labels.idx"))
    return tuple(upload_input(s3, bucket=bucket, path=path, name=name) for path, name in files)
