"""Where everything lies in the two buckets: the only place that spells an object key.

Keys depend on nothing but the job and a number, so that writing one twice writes the same object
(retries are harmless) and a reader needs no listing.
"""

from __future__ import annotations

INPUT_PREFIX = "inputs/"


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


def report(job_id: str) -> str:
    """The job's report, as JSON."""
    return f"{job_prefix(job_id)}report.json"
