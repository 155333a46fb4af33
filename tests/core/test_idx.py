from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shpc_core import idx
from shpc_core.errors import InvalidInput


def header(*sizes: int, magic: bytes = b"\0\0\x08\x03") -> bytes:
    return magic + struct.pack(f">{len(sizes)}I", *sizes)


def parse(data: bytes, *, object_bytes: int | None = None) -> idx.IdxHeader:
    return idx.parse_header(
        data,
        object_bytes=len(data) if object_bytes is None else object_bytes,
        item_shape=(28, 28),
        field="input.images",
    )


@given(st.integers(1, 50), st.sampled_from([(), (3,), (28, 28)]))
def test_idx_decodes_what_it_encoded(count: int, item_shape: tuple[int, ...]) -> None:
    items = np.random.default_rng(count).integers(0, 256, (count, *item_shape), dtype=np.uint8)
    decoded = idx.decode(idx.encode(items), item_shape=item_shape, field="items")
    np.testing.assert_array_equal(decoded, items)


def test_idx_header_is_as_published() -> None:
    """Against the first bytes of Zalando's own t10k-images-idx3-ubyte."""
    published = bytes.fromhex("00000803000027100000001c0000001c")
    assert idx.encode(np.zeros((10_000, 28, 28), np.uint8))[:16] == published
    assert parse(published, object_bytes=7_840_016).count == 10_000


@given(st.data())
def test_idx_byte_range_holds_exactly_its_items(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 300))
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start + 1, count))
    items = (np.arange(count * 6) % 251).astype(np.uint8).reshape(count, 2, 3)
    first, last = idx.byte_range(start, stop, item_shape=(2, 3))
    assert idx.encode(items)[first:last] == items[start:stop].tobytes()


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 3), (4, 3)])
def test_idx_byte_range_refuses_a_range_that_is_none(start: int, stop: int) -> None:
    with pytest.raises(InvalidInput, match="shard"):
        idx.byte_range(start, stop, item_shape=(28, 28))


@pytest.mark.parametrize(
    ("data", "object_bytes", "problem"),
    [
        (b"", 0, r"starts with 0x\(nothing\)"),
        (b"\x1f\x8b\x08\0" + bytes(20), 24, "starts with 0x1f8b0800.*uncompressed"),
        (header(5, magic=b"\0\0\x08\x01"), 13, "starts with 0x00000801"),
        (header(5, 28, 28, magic=b"\0\0\x0d\x03"), 99, "starts with 0x00000d03"),
        (header(5, 28), 12, "ends within its header"),
        (header(5, 32, 32), 16 + 5 * 1024, r"shape \(32, 32\)"),
        (header(0, 28, 28), 16, "holds no items"),
        (header(5, 28, 28), 16 + 4 * 784, "counts 5 items, but the object is 3152 bytes"),
        (header(5, 28, 28), 16 + 5 * 784 + 1, "counts 5 items"),
        (header(2**32 - 1, 28, 28), 800, "counts 4294967295 items"),
    ],
)
def test_idx_header_that_lies_is_refused(data: bytes, object_bytes: int, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as caught:
        parse(data, object_bytes=object_bytes)
    assert caught.value.field == "input.images"


@given(st.binary(max_size=40))
def test_idx_parse_never_fails_otherwise(data: bytes) -> None:
    try:
        parsed = parse(data)
    except InvalidInput:
        return
    assert parsed.object_bytes == len(data)


def test_idx_refuses_to_encode_other_dtypes() -> None:
    with pytest.raises(InvalidInput, match="int64"):
        idx.encode(np.zeros((2, 2), np.int64))
