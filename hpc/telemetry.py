"""Reads a shard's telemetry as durations and as what Lambda bills for it."""

from __future__ import annotations

from math import ceil

from shpc_core.telemetry import Telemetry


def duration_ms(one: Telemetry) -> float:
    """Milliseconds in the handler."""
    return (one.ended_at - one.started_at) * 1000


def init_ms(one: Telemetry) -> float:
    """Milliseconds that the environment took to start for this invocation, 0 when it was warm."""
    return one.init_ms or 0.0


def billed_ms(one: Telemetry) -> int:
    """Handler and init together, rounded up to a millisecond as Lambda does.

    Init is billed since 1 August 2025 for every kind of function:
    https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
    """
    # Times of day near 2e9 s are exact to 0.2 microseconds: below that it is not the clock's.
    return ceil(round(duration_ms(one) + init_ms(one), 3))


def billed_gb_s(one: Telemetry) -> float:
    """Billed time by configured memory."""
    return one.memory_mb / 1024 * billed_ms(one) / 1000
