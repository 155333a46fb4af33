"""AWS Batch in the embedded cloud: queues, array jobs, and containers that run as processes."""

from __future__ import annotations

from localcloud.batch.service import BatchLimits, BatchService

__all__ = ["BatchLimits", "BatchService"]
