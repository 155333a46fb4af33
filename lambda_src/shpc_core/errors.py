"""The errors that the science raises, each naming what is wrong and what would be right.

Three families, because callers react differently: `InvalidInput` is the caller's to mend (an HTTP
400, never retried), `IncompleteResults` says that stored results do not add up (the job fails),
`StorageError` that a bucket did not do what it was asked. Whatever else goes wrong is a bug and
keeps its own type.
"""

from __future__ import annotations

from collections.abc import Iterable


class InvalidInput(ValueError):  # noqa: N818 - the name is what users read in a failed execution
    """An input that no retry can mend: which field, what is wrong, what is allowed."""

    def __init__(self, field: str, problem: str, allowed: str) -> None:
        super().__init__(f"{field}: {problem}; allowed: {allowed}")
        self.field = field
        self.problem = problem
        self.allowed = allowed

    def __reduce__(self) -> tuple[type[InvalidInput], tuple[str, str, str]]:
        # The default rebuilds from the joined message, which breaks in a process pool.
        return (type(self), (self.field, self.problem, self.allowed))


class TooLarge(InvalidInput):
    """An input that is well formed but more than one request may hold."""


class IncompleteResults(RuntimeError):  # noqa: N818 - see InvalidInput
    """Shard results that do not cover the input exactly once; lists every problem found."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))

    def __reduce__(self) -> tuple[type[IncompleteResults], tuple[tuple[str, ...]]]:
        return (type(self), (self.problems,))


class StorageError(RuntimeError):
    """A bucket that is gone, closed or out of reach: which bucket, which object, what happened."""

    def __init__(self, bucket: str, key: str, problem: str) -> None:
        super().__init__(f"object {key} of bucket {bucket}: {problem}")
        self.bucket = bucket
        self.key = key
        self.problem = problem

    def __reduce__(self) -> tuple[type[StorageError], tuple[str, str, str]]:
        return (type(self), (self.bucket, self.key, self.problem))
