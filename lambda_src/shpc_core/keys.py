"""Where everything lies in the two buckets: the only place that spells an object key.

Keys depend on nothing but the job and a number, so that writing one twice writes the same object
(retries are harmless) and a reader needs no listing.
"""

from __future__ import annotations

import unicodedata

from shpc_core.errors import InvalidInput
from shpc_core.limits import MAX_KEY_BYTES

INPUT_PREFIX = "inputs/"
ALLOWED_INPUT = (
    f'a key of at most {MAX_KEY_BYTES} bytes that starts with "{INPUT_PREFIX}", has no empty, '
    '"." or ".." part between its slashes, and no control characters'
)
# Control, format (such as those that turn the direction of writing), surrogate, line and paragraph
# separators: what a log or a terminal would show as another key than the one that is read.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def check_input(key: str, *, field: str) -> None:
    """`InvalidInput` unless `key` names one input object and nothing else, however it is read.

    Stricter than S3, which takes any characters: S3 clients and the libraries beneath normalise
    parts such as `.` and `..`, and would read another object than the one that is named.
    """
    if (length := len(key.encode(errors="surrogatepass"))) > MAX_KEY_BYTES:
        raise InvalidInput(field, f"is {length} bytes long", ALLOWED_INPUT)
    if not key.startswith(INPUT_PREFIX):
        raise InvalidInput(field, f"is {key[:80]!r}", ALLOWED_INPUT)
    for part in key.removeprefix(INPUT_PREFIX).split("/"):
        if part in ("", ".", ".."):
            raise InvalidInput(field, f"has the part {part!r} between slashes", ALLOWED_INPUT)
    for character in key:
        if unicodedata.category(character) in _INVISIBLE:
            raise InvalidInput(field, f"has the character U+{ord(character):04X}", ALLOWED_INPUT)


def job_prefix(job_id: str) -> str:
    """Everything that a job writes lies under this prefix of the results bucket."""
    return f"jobs/{job_id}/"


def shards(job_id: str) -> str:
    """The list of shards, read by the map over them."""
    return f"{job_prefix(job_id)}shards.json"


def groups(job_id: str) -> str:
    """The list of groups of shards, read by the map that reduces them."""
    return f"{job_prefix(job_id)}groups.json"


def map_prefix(job_id: str) -> str:
    """Where Step Functions writes what became of each child; without a final slash."""
    return f"{job_prefix(job_id)}map"


def shard_result(job_id: str, shard: int) -> str:
    """Predictions of one shard, as columns."""
    return f"{job_prefix(job_id)}shards/{shard:06d}.safetensors"


def part(job_id: str, group: int) -> str:
    """Predictions of one group of shards, as columns."""
    return f"{job_prefix(job_id)}parts/{group:06d}.safetensors"


def part_summary(job_id: str, group: int) -> str:
    """Counts and telemetry of one group, as JSON."""
    return f"{job_prefix(job_id)}parts/{group:06d}.json"


def failures(job_id: str) -> str:
    """Where the workflow records failures of shards and groups."""
    return f"{job_prefix(job_id)}failures/"


def shard_failure(job_id: str, shard: int) -> str:
    """The last recorded failure of one shard, as JSON; the states language pads no numbers."""
    return f"{failures(job_id)}shard-{shard}.json"


def group_failure(job_id: str, group: int) -> str:
    """The last recorded failure of one group, as JSON."""
    return f"{failures(job_id)}group-{group}.json"


def report(job_id: str) -> str:
    """The job's report, as JSON."""
    return f"{job_prefix(job_id)}report.json"
