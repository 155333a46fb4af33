"""The IDX format of unsigned bytes: a header of big-endian sizes, then the items back to back.

Decides whether a header tells the truth about its object and where a slice of items lies, so that
a reader fetches exactly that slice. Reads nothing itself. Format: https://yann.lecun.org/exdb/mnist/
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shpc_core.errors import InvalidInput

if TYPE_CHECKING:
    from mmap import mmap

UNSIGNED_BYTE = 0x08
IMAGE_SHAPE = (28, 28)


@dataclass(frozen=True, slots=True)
class IdxHeader:
    """Sizes of one IDX object: `count` items of `item_shape` unsigned bytes each."""

    count: int
    item_shape: tuple[int, ...]

    @property
    def header_bytes(self) -> int:
        """Offset of the first item."""
        return header_bytes(1 + len(self.item_shape))

    @property
    def object_bytes(self) -> int:
        """Length of the whole object that this header promises."""
        return self.header_bytes + self.count * prod(self.item_shape)


def header_bytes(dimensions: int) -> int:
    """Length of the header of an IDX object with that many dimensions."""
    return 4 + 4 * dimensions


def byte_range(start: int, stop: int, *, item_shape: tuple[int, ...]) -> tuple[int, int]:
    """Half-open byte range of items `start..stop-1` in an IDX object of such items.

    Whether the object reaches that far is for whoever reads it to see.
    """
    if not 0 <= start < stop:
        raise InvalidInput("shard", f"is the range {start}..{stop}", "0 <= start < stop")
    first, item_bytes = header_bytes(1 + len(item_shape)), prod(item_shape)
    return first + start * item_bytes, first + stop * item_bytes


def parse_header(
    prefix: bytes | mmap, *, object_bytes: int, item_shape: tuple[int, ...], field: str
) -> IdxHeader:
    """The header at the start of `prefix`, checked against the length of its object.

    `item_shape` is what the caller needs: (28, 28) for images, () for labels. `field` names the
    input in errors. Raises `InvalidInput` for a wrong magic number, other item sizes, no items,
    or a count that the object's length contradicts.
    """
    dimensions = 1 + len(item_shape)
    needed = header_bytes(dimensions)
    magic = struct.pack(">BBBB", 0, 0, UNSIGNED_BYTE, dimensions)
    if prefix[:4] != magic:
        raise InvalidInput(
            field,
            f"starts with 0x{prefix[:4].hex() or '(nothing)'}, which is not IDX of this kind",
            f"uncompressed IDX of unsigned bytes in {dimensions} dimension(s), 0x{magic.hex()}",
        )
    if len(prefix) < needed:
        raise InvalidInput(field, f"ends within its header ({len(prefix)} bytes)", f">= {needed}")
    count, *sizes = struct.unpack(f">{dimensions}I", prefix[4:needed])
    if tuple(sizes) != item_shape:
        raise InvalidInput(field, f"items are of shape {tuple(sizes)}", f"shape {item_shape}")
    header = IdxHeader(count=count, item_shape=item_shape)
    if count == 0:
        raise InvalidInput(field, "holds no items", "at least one item")
    if header.object_bytes != object_bytes:
        raise InvalidInput(
            field,
            f"the header counts {count} items, but the object is {object_bytes} bytes long",
            f"{header.object_bytes} bytes for that count",
        )
    return header


def decode(data: bytes | mmap, *, item_shape: tuple[int, ...], field: str) -> NDArray[np.uint8]:
    """A whole IDX object as a read-only array of shape (count, *item_shape)."""
    header = parse_header(data, object_bytes=len(data), item_shape=item_shape, field=field)
    items = np.frombuffer(data, dtype=np.uint8, offset=header.header_bytes)
    return items.reshape(header.count, *item_shape)


def encode(items: NDArray[np.uint8]) -> bytes:
    """The IDX object that holds `items`, the first axis counting them."""
    if items.dtype != np.uint8:
        raise InvalidInput("items", f"dtype is {items.dtype}", "uint8")
    magic = struct.pack(">BBBB", 0, 0, UNSIGNED_BYTE, items.ndim)
    return magic + struct.pack(f">{items.ndim}I", *items.shape) + items.tobytes()
