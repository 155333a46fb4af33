"""Reads a job's input objects: a header or one slice, never more.

What is wrong with an input is the user's to mend, so every error here is `InvalidInput`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shpc_core import idx
from shpc_core.errors import InvalidInput
from shpc_core.store import Objects, RangeNotSatisfiable

_STORED = "the key of an object that was uploaded to the input bucket and is still there"


def read_header(
    inputs: Objects, key: str, *, item_shape: tuple[int, ...], field: str
) -> idx.IdxHeader:
    """The checked header of the IDX object at `key`."""
    try:
        object_bytes = inputs.size(key)
        needed = min(object_bytes, idx.header_bytes(1 + len(item_shape)))
        prefix = inputs.get_range(key, 0, needed) if needed else b""
    except FileNotFoundError as error:
        raise InvalidInput(field, str(error), _STORED) from error
    return idx.parse_header(prefix, object_bytes=object_bytes, item_shape=item_shape, field=field)


def read_slice(
    inputs: Objects, key: str, start: int, stop: int, *, item_shape: tuple[int, ...], field: str
) -> NDArray[np.uint8]:
    """Items `start..stop-1` of the IDX object at `key`: (stop - start, *item_shape) uint8."""
    first, last = idx.byte_range(start, stop, item_shape=item_shape)
    try:
        data = inputs.get_range(key, first, last)
    except FileNotFoundError as error:
        raise InvalidInput(field, str(error), _STORED) from error
    except RangeNotSatisfiable as error:
        raise InvalidInput(
            "shard",
            f"items {start}..{stop} lie outside {key}, which is {error.object_bytes} bytes long",
            "ranges of the planned input, unchanged since",
        ) from error
    return np.frombuffer(data, dtype=np.uint8).reshape(stop - start, *item_shape)
