"""Measures the picture rule: the same garments as files of many kinds, against their raw pixels.

`python -m shpc_training.pictures` prints the table of docs/images.md.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shpc_core import idx
from shpc_core.classifier import Classifier
from shpc_core.images import decode_image

Grey = NDArray[np.uint8]
_ROTATED_BY_90 = 6
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one variant: how many are right, and how many are predicted as from raw pixels."""

    correct: int
    as_raw: int


def _file(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _enlarged(grey: Grey) -> Image.Image:
    return Image.fromarray(grey).resize((224, 224), Image.Resampling.BICUBIC)


def _turned(grey: Grey) -> bytes:
    exif = Image.Exif()
    exif[_ORIENTATION] = _ROTATED_BY_90
    stored = _enlarged(grey).transpose(Image.Transpose.ROTATE_90)
    return _file(stored, "PNG", exif=exif)


def _cut_out(grey: Grey) -> bytes:
    negative = Image.fromarray(255 - grey)
    return _file(Image.merge("LA", (negative, Image.fromarray(grey))), "PNG")


def _on_a_page(grey: Grey) -> bytes:
    page = Image.new("RGB", (400, 300), "white")
    page.paste(_enlarged(255 - grey).convert("RGB"), (150, 20))
    return _file(page, "JPEG", quality=75)


VARIANTS: dict[str, Callable[[Grey], bytes]] = {
    "PNG, 28 by 28": lambda grey: _file(Image.fromarray(grey), "PNG"),
    "PNG, inverted (on white)": lambda grey: _file(Image.fromarray(255 - grey), "PNG"),
    "PNG, 1 bit": lambda grey: _file(Image.fromarray(grey).convert("1"), "PNG"),
    "PNG, cut out (alpha)": _cut_out,
    "PNG, 8 times as large": lambda grey: _file(_enlarged(grey), "PNG"),
    "PNG, 8 times, turned by EXIF": _turned,
    "GIF, 8 times": lambda grey: _file(_enlarged(grey), "GIF"),
    "BMP, 8 times": lambda grey: _file(_enlarged(grey), "BMP"),
    "WebP, 8 times, quality 75": lambda grey: _file(_enlarged(grey), "WEBP", quality=75),
    "JPEG, 8 times, quality 75": lambda grey: _file(_enlarged(grey), "JPEG", quality=75),
    "JPEG, 28 by 28, quality 75": lambda grey: _file(Image.fromarray(grey), "JPEG", quality=75),
    "JPEG, on a white page, quality 75": _on_a_page,
}


def measure(classifier: Classifier, variant: str, images: Grey, labels: Grey) -> Measured:
    """Renders `images` (n, 28, 28) as `variant`, decodes them by the rule and classifies them."""
    rendered = np.stack([decode_image(VARIANTS[variant](image)) for image in images])
    predicted, _ = classifier.predict(rendered)
    raw, _ = classifier.predict(images)
    return Measured(correct=int((predicted == labels).sum()), as_raw=int((predicted == raw).sum()))


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("data/fashion-mnist-3000"),
    show_default=True,
    help="Folder of images.idx and labels.idx.",
)
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("lambda_src/model/model.tflite"),
    show_default=True,
    help="The LiteRT file that classifies.",
)
def main(data: Path, model: Path) -> None:
    """Prints, for each kind of file, how many of the images are recognised."""
    images = idx.decode((data / "images.idx").read_bytes(), item_shape=(28, 28), field="images")
    labels = idx.decode((data / "labels.idx").read_bytes(), item_shape=(), field="labels")
    classifier = Classifier(model)
    raw, _ = classifier.predict(images)
    click.echo(f"| as | accuracy over {len(images)} | predicted as from raw pixels |")
    click.echo("|---|---|---|")
    click.echo(f"| raw pixels | {(raw == labels).mean():.2%} | |")
    for variant in VARIANTS:
        measured = measure(classifier, variant, images, labels)
        correct, as_raw = measured.correct / len(images), measured.as_raw / len(images)
        click.echo(f"| {variant} | {correct:.2%} | {as_raw:.2%} |")


if __name__ == "__main__":
    main()
