"""What a finished job measured, read back from the summary.json that `hpc run` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from hpc.errors import HpcError
from hpc.summary import SUMMARY
from prices.us_east_1 import Architecture


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Means over the shards of a job; `cold_start_ms` is None where none was cold."""

    job_id: str
    place: str
    cold_start_ms: float | None
    duration_ms: float
    memory_mb: int
    architecture: Architecture


def read_measured(path: Path) -> Measured:
    """What lies in `path`, a summary.json or the folder with one.

    HpcError where there is none, or one that an older hpc wrote.
    """
    summary = path / SUMMARY if path.is_dir() else path
    try:
        content: Any = msgspec.json.decode(summary.read_bytes())
        return msgspec.convert(content, Measured)
    except OSError as error:
        raise HpcError(
            f"{summary} cannot be read: {error.strerror}; --report takes the folder that "
            "`hpc run --out` wrote, or its summary.json"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HpcError(
            f"{summary} is no summary of a job: {error}; run the job again with this hpc, or give "
            "--duration-ms, --cold-start-ms and --memory-mb"
        ) from error
