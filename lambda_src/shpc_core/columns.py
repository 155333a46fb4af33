"""Predictions as columns in the safetensors format: index, label, confidence, and some metadata.

Thirteen bytes an item, readable in any language (https://github.com/huggingface/safetensors). The
bytes are a function of the content: the library's own writer orders metadata at random, so the
header is written here, and the library reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

# In the order of their bytes: descending item size keeps every column aligned.
_COLUMNS = (("index", "U64", "<u8"), ("confidence", "F32", "<f4"), ("label", "U8", "|u1"))


class ColumnsError(ValueError):
    """Bytes that are not predictions in this format; says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """One row an item: index (n,) uint64, label (n,) uint8, confidence (n,) float32 in 0..1."""

    index: NDArray[np.uint64]
    label: NDArray[np.uint8]
    confidence: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name, _, dtype in _COLUMNS:
            column = getattr(self, name)
            if column.dtype != np.dtype(dtype) or column.shape != (len(self.index),):
                raise ColumnsError(
                    f"column {name} is {column.dtype} of shape {column.shape}; "
                    f"needed: {np.dtype(dtype)} of shape ({len(self.index)},)"
                )

    def __len__(self) -> int:
        return len(self.index)


def concatenated(parts: list[Predictions]) -> Predictions:
    """The rows of all parts, in their order; none of none."""
    parts = parts or [Predictions(*(np.empty(0, dtype) for dtype in ("<u8", "|u1", "<f4")))]
    return Predictions(
        index=np.concatenate([part.index for part in parts]),
        label=np.concatenate([part.label for part in parts]),
        confidence=np.concatenate([part.confidence for part in parts]),
    )


def encode(predictions: Predictions, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file; equal arguments give equal bytes."""
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    body = []
    offset = 0
    for name, tag, dtype in _COLUMNS:
        column = np.ascontiguousarray(getattr(predictions, name), dtype=dtype).tobytes()
        header[name] = {
            "dtype": tag,
            "shape": [len(predictions)],
            "data_offsets": [offset, offset + len(column)],
        }
        offset += len(column)
        body.append(column)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(body)


def decode(data: bytes) -> tuple[Predictions, dict[str, str]]:
    """What `encode` was given; `ColumnsError` for anything else."""
    try:
        columns = safetensors.numpy.load(data)
    except safetensors.SafetensorError as error:
        raise ColumnsError(f"not a safetensors file: {error}") from error
    if set(columns) != {name for name, _, _ in _COLUMNS}:
        raise ColumnsError(f"has the columns {sorted(columns)}; needed: index, label, confidence")
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return Predictions(**columns), header.get("__metadata__", {})
