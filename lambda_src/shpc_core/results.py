"""What the reduction writes as JSON: a summary per part, one report per job."""

from __future__ import annotations

from shpc_core.messages import Message
from shpc_core.telemetry import Telemetry, TelemetryTotals


class PartSummary(Message, frozen=True, kw_only=True):
    """Counts of items `start..stop-1`; `confusion` (rows true) and `correct` need labels.

    `sha256` is that of the part's columns, as they were written.
    """

    group: int
    start: int
    stop: int
    count: int
    label_counts: list[int]
    confusion: list[list[int]] | None
    correct: int | None
    sha256: str
    model_sha256: str
    telemetry: list[Telemetry]


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
    """The whole job in figures. `accuracy`, `correct` and `confusion` are null without labels."""

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
