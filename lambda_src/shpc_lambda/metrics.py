"""The names of what the functions count, and the kinds of failure that are told apart.

Each name has two dimensions, `service` (the function) and `stage`; failures have `error`, too. They
are few because each combination is a metric of its own, which is paid for in every hour in which it
gets data. A job's id is in the log and never here.
"""

from __future__ import annotations

from shpc_core.errors import IncompleteResults, InvalidInput, StorageError

IMAGES = "ImagesClassified"
SHARDS = "ShardsDone"
TIME_PER_IMAGE = "TimePerImage"
COLD_STARTS = "ColdStarts"
FAILURES = "Failures"

UNEXPECTED = "Unexpected"
_KINDS = (InvalidInput, IncompleteResults, StorageError)
ERROR_KINDS = (*(kind.__name__ for kind in _KINDS), UNEXPECTED)


def kind_of(error: BaseException) -> str:
    """One of ERROR_KINDS; never the message, in which a caller's data may be."""
    return next((kind.__name__ for kind in _KINDS if isinstance(error, kind)), UNEXPECTED)
