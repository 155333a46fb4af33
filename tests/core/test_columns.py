from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shpc_core import columns
from shpc_core.columns import ColumnsError, Predictions


def some(count: int = 3) -> Predictions:
    return Predictions(
        index=np.arange(count, dtype=np.uint64) + 2**40,
        label=np.arange(count, dtype=np.uint8) % 10,
        confidence=np.linspace(0.1, 1, count, dtype=np.float32),
    )


@given(
    rows=arrays.arrays(
        np.dtype([("index", "<u8"), ("label", "u1"), ("confidence", "<f4")]), st.integers(0, 50)
    ),
    metadata=st.dictionaries(st.text(), st.text(), max_size=5),
)
def test_columns_round_trip(rows: np.ndarray, metadata: dict[str, str]) -> None:
    given_ = Predictions(
        index=rows["index"].copy(), label=rows["label"].copy(), confidence=rows["confidence"].copy()
    )
    decoded, decoded_metadata = columns.decode(columns.encode(given_, metadata))
    np.testing.assert_array_equal(decoded.index, given_.index)
    np.testing.assert_array_equal(decoded.label, given_.label)
    np.testing.assert_array_equal(decoded.confidence, given_.confidence)
    assert decoded_metadata == metadata


def test_columns_are_read_by_the_library_itself() -> None:
    loaded = safetensors.numpy.load(columns.encode(some(), {"job_id": "a"}))
    assert {name: str(column.dtype) for name, column in loaded.items()} == {
        "index": "uint64",
        "label": "uint8",
        "confidence": "float32",
    }


def test_columns_bytes_depend_on_the_content_alone() -> None:
    """Also across processes, where hash seeds differ, and whatever the order of the metadata."""
    metadata = {str(number): "x" for number in range(20)}
    here = columns.encode(some(), dict(reversed(metadata.items())))
    program = (
        "import sys, numpy as np; from shpc_core import columns;"
        "p = columns.Predictions(index=np.arange(3, dtype=np.uint64) + 2**40,"
        " label=np.arange(3, dtype=np.uint8), "
        " confidence=np.linspace(0.1, 1, 3, dtype=np.float32));"
        "m = {str(n): 'x' for n in range(20)};"
        "sys.stdout.buffer.write(columns.encode(p, m))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
        check=True,
        capture_output=True,
    ).stdout
    assert here == elsewhere


@pytest.mark.parametrize("job_id", ["a", "ab", "abc", "abcd", "abcde"])
def test_columns_lie_aligned_in_their_file(job_id: str) -> None:
    data = columns.encode(some(), {"job_id": job_id})
    assert int.from_bytes(data[:8], "little") % 8 == 0


def test_columns_take_thirteen_bytes_an_item() -> None:
    assert len(columns.encode(some(1000), {})) - len(columns.encode(some(0), {})) < 13_000 + 32


def test_columns_keep_their_rows_when_concatenated() -> None:
    whole = columns.concatenated([some(2), some(3)])
    assert whole.index.tolist() == [*some(2).index.tolist(), *some(3).index.tolist()]
    assert len(whole) == 5


def test_columns_refuse_other_dtypes_and_lengths() -> None:
    rows = some()
    with pytest.raises(ColumnsError, match="column label is int64"):
        Predictions(index=rows.index, label=np.arange(3), confidence=rows.confidence)  # type: ignore[arg-type]
    with pytest.raises(ColumnsError, match=r"column confidence .* shape \(2,\)"):
        Predictions(index=rows.index, label=rows.label, confidence=rows.confidence[:2])


@pytest.mark.parametrize("data", [b"", b"{}", bytes(100), json.dumps({"index": []}).encode()])
def test_columns_refuse_bytes_of_another_format(data: bytes) -> None:
    with pytest.raises(ColumnsError, match="not a safetensors file"):
        columns.decode(data)


def test_columns_refuse_a_truncated_file() -> None:
    with pytest.raises(ColumnsError, match="not a safetensors file"):
        columns.decode(columns.encode(some(), {})[:-1])


def test_columns_refuse_other_columns() -> None:
    with pytest.raises(ColumnsError, match=r"columns \['index'\]"):
        columns.decode(safetensors.numpy.save({"index": np.arange(3)}))
