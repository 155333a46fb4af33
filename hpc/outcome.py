"""All that is known of a finished job: the source of the summary, the report and the CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hpc.cost import Cost
from hpc.dataset import Dataset
from hpc.evaluate import Evaluation
from hpc.observed import Throttles
from hpc.outputs import Deployment
from hpc.results import JobResults
from shpc_core.failures import MissingShard


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """A succeeded job with checked results.

    `seconds` is by the `clock` of "client" (POST to SUCCEEDED seen) or "service" (execution's start
    to stop, with what lies between a failure and its redrive). `dataset` and `evaluation` are None
    where images or true labels are not known.
    """

    job_id: str
    deployment: Deployment
    started_at: datetime
    stopped_at: datetime
    seconds: float
    clock: str
    redrives: int
    results: JobResults
    dataset: Dataset | None
    evaluation: Evaluation | None
    cost: Cost
    throttles: Throttles

    @property
    def images(self) -> int:
        """How many images were classified."""
        return self.results.coverage.predicted

    @property
    def is_complete(self) -> bool:
        """Whether every image was classified; otherwise the stage tolerates what was lost."""
        return self.results.is_complete

    @property
    def missing_shards(self) -> list[MissingShard]:
        """Shards that were lost, with their items and errors."""
        return self.results.report.missing_shards

    @property
    def images_per_second(self) -> float:
        """Over the whole job."""
        return self.images / self.seconds

    @property
    def cold_starts(self) -> int:
        """Invocations that started their execution environment."""
        return sum(one.cold for one in self.results.telemetry)

    @property
    def provisioned(self) -> int:
        """Invocations on environments that provisioned concurrency had initialised ahead."""
        return sum(one.provisioned for one in self.results.telemetry)

    @property
    def on_demand(self) -> int:
        """Invocations on environments that were started when they were needed."""
        return len(self.results.telemetry) - self.provisioned

    @property
    def retries(self) -> int:
        """Attempts beyond the first, over all shards."""
        return sum(one.attempt for one in self.results.telemetry)

    @property
    def environments(self) -> int:
        """Execution environments that ran shards."""
        return len({one.environment for one in self.results.telemetry})
