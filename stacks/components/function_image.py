"""The container image of a function of the catalogue: which files it is built from.

It decides that whoever runs a function's code runs the same image: the same allow-list of files and
the same platform give the same asset hash, so the functions and the virtual machines share one
image, which is published once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from workloads.catalogue import Function

SOURCES = Path(__file__).parents[2] / "lambda_src"


class ImageSource(TypedDict):
    """What CDK needs to know of an image, under CDK's own names."""

    directory: str
    file: str
    exclude: list[str]


def image_source(declared: Function, *, sources: Path = SOURCES) -> ImageSource:
    """Where the image of `declared` is built, from which Dockerfile and which files alone."""
    return ImageSource(
        directory=str(sources),
        file=declared.dockerfile,
        exclude=["*", *(f"!{pattern}" for pattern in declared.files)],
    )
