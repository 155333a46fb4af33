from __future__ import annotations

import pickle

from shpc_core.errors import IncompleteResults, InvalidInput, StorageError, TooLarge


def test_invalid_input_says_what_is_allowed() -> None:
    error = InvalidInput("shard_size", "is 0", "at least 1")
    assert str(error) == "shard_size: is 0; allowed: at least 1"
    assert isinstance(error, ValueError)


def test_incomplete_results_lists_every_problem() -> None:
    error = IncompleteResults(["shard 3 is missing", "shard 7 is missing"])
    assert str(error) == "shard 3 is missing; shard 7 is missing"
    assert error.problems == ("shard 3 is missing", "shard 7 is missing")


def test_errors_survive_a_process_pool() -> None:
    for error in (
        InvalidInput("a", "b", "c"),
        TooLarge("a", "b", "c"),
        IncompleteResults(["x", "y"]),
        StorageError("bucket", "key", "is gone"),
    ):
        copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
        assert type(copied) is type(error)
        assert vars(copied) == vars(error)
        assert str(copied) == str(error)
