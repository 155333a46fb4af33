"""What the reduction writes as JSON: a summary per part, one report per job."""

from __future__ import annotations

import msgspec

from shpc_core.failures import MissingShard
from shpc_core.messages import Message
from shpc_core.telemetry import Telemetry, TelemetryTotals


class PartSummary(Message, frozen=True, kw_only=True):
    """Counts of items `start..stop-1`; `confusion` (rows true) and `correct` need labels.

    `sha256` is that of the part's columns, as they were written. Items of `missing_shards` are in
    no column and no count. `model_sha256` is null where every shard is missing.
    """

    group: int
    start: int
    stop: int
    count: int
    label_counts: list[int]
    confusion: list[list[int]] | None
    correct: int | None
    sha256: str
    model_sha256: str | None
    telemetry: list[Telemetry]
    missing_shards: list[MissingShard] = msgspec.field(default_factory=list)


class Part(Message, frozen=True, kw_only=True):
    """Where the predictions and the summary of items `start..stop-1` lie, and what they hold."""

    key: str
    sha256: str
    summary_key: str
    summary_sha256: str
    start: int
    stop: int
    count: int


class Model(Message, frozen=True, kw_only=True):
    """Which model file predicted."""

    sha256: str


class JobReport(Message, frozen=True, kw_only=True):
    """The whole job in figures. `accuracy`, `correct` and `confusion` are null without labels.

    Unless `complete`, shards were lost that the stage tolerates: `missing` items of `images`, named
    by `missing_shards`. All counts and the accuracy are over the `predicted` ones alone.
    """

    job_id: str
    images: int
    predicted: int
    missing: int
    duplicated: int
    shards: int
    groups: int
    label_counts: list[int]
    confusion: list[list[int]] | None
    correct: int | None
    accuracy: float | None
    model: Model
    retries: int
    cold_starts: int
    parts: list[Part]
    telemetry_totals: TelemetryTotals
    # Reports from before there was a tolerance are complete.
    complete: bool = True
    missing_shards: list[MissingShard] = msgspec.field(default_factory=list)
