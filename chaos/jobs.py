"""One job from its images to the evidence of what became of it, faults armed and all.

It decides how long anything may take: what is not over by then is evidence, too. What is right is
judge.py's business.
"""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import requests
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import HTTPClientError
from numpy.typing import NDArray

from chaos.client_process import ClientProcess, ClientStuckError
from chaos.faults import STRIKES
from chaos.faults.scene import Scene
from chaos.front import Armed
from chaos.judge import JobEvidence
from chaos.ledger import Ledger
from chaos.observed import Watched
from chaos.plan import JobPlan
from chaos.world import STAGE, World
from hpc.api import JobStatus
from hpc.connection import Connection, connect
from hpc.errors import ApiError, ResultsInvalidError, UnexpectedAnswerError
from hpc.job import JobRequest, submit
from hpc.results import fetch_results
from hpc.upload import upload_input
from shpc_core import idx
from shpc_core.columns import Predictions
from shpc_core.results import JobReport

DEADLINE_S = 180.0
_POLL_EVERY_S = 0.3
_LOG_TAIL = 1000
_NETWORK = (requests.RequestException, ApiError, HTTPClientError, S3UploadFailedError)


@dataclass(frozen=True)
class Images:
    """The shipped images and their undisturbed predictions, from which every job takes some."""

    pixels: NDArray[np.uint8]
    label: NDArray[np.uint8]
    confidence: NDArray[np.float32]

    def of(self, plan: JobPlan) -> tuple[NDArray[np.uint8], Predictions]:
        """The job's images, and what is expected of them."""
        chosen = (plan.first + np.arange(plan.images)) % len(self.pixels)
        expected = Predictions(
            index=np.arange(plan.images, dtype=np.uint64),
            label=self.label[chosen],
            confidence=self.confidence[chosen],
        )
        return self.pixels[chosen], expected


class Job:
    """One job of the campaign on a world."""

    def __init__(
        self, world: World, plan: JobPlan, *, job_id: str, images: Images, folder: Path
    ) -> None:
        self.plan = plan
        self.job_id = job_id
        self.seconds = 0.0
        self._world = world
        self.folder = folder
        self._pixels, self._expected = images.of(plan)
        self._client: ClientProcess | None = None
        self._client_trouble: str | None = None

    @property
    def execution_arn(self) -> str:
        """The execution that this job is."""
        machine = self._world.deployment.state_machine_arn
        return f"{machine.replace(':stateMachine:', ':execution:')}:{self.job_id}"

    def run(self, ledger: Ledger) -> JobEvidence:
        """Submit it, disturb it as planned, wait for its end within bounds; the evidence."""
        self.folder.mkdir(parents=True)
        path = self.folder / "images.idx"
        path.write_bytes(idx.encode(self._pixels))
        scene = Scene(self._world, self.plan, self.job_id, ledger)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        scene.images_key = f"inputs/{digest[:16]}/images.idx"
        strikes = tuple((fault, STRIKES[fault.kind](fault, scene)) for fault in self.plan.faults)
        watched = Watched(self.job_id, scene.images_key, self.plan.shard_size)
        self._world.front.watch(Armed(watched, strikes))
        began = time.monotonic()
        with _connected() as connection:
            try:
                if self.plan.by_process:
                    self._run_client(scene, path, connection)
                else:
                    self._submit(connection, path)
                status = self._ended(connection)
            finally:
                self._world.front.disarm(self.job_id)
                stuck = scene.close()
            self.seconds = time.monotonic() - began
            evidence = self._evidence(connection, status)
        path.unlink()
        return replace(evidence, stuck=tuple(stuck))

    def redrive(self) -> JobEvidence:
        """Redrive the failed execution, undisturbed, and wait for its end; the evidence."""
        self._world.client("stepfunctions").redrive_execution(executionArn=self.execution_arn)
        # What the client said belongs to the first run.
        self._client = None
        with _connected() as connection:
            return self._evidence(connection, self._ended(connection))

    def _submit(self, connection: Connection, path: Path) -> None:
        bucket = self._world.deployment.input_bucket
        s3 = self._world.client("s3")
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                uploaded = upload_input(s3, bucket=bucket, path=path, name="images.idx")
                request = JobRequest(
                    job_id=self.job_id,
                    images_key=uploaded.key,
                    labels_key=None,
                    shard_size=self.plan.shard_size,
                )
                submit(connection.api, request)
            except _NETWORK:
                # The client has tried as often as it does; its user tries again.
                if time.monotonic() > deadline:
                    raise
            else:
                return

    def _run_client(self, scene: Scene, path: Path, connection: Connection) -> None:
        client = scene.client = self._client = ClientProcess(
            stage=STAGE,
            images=path,
            shard_size=self.plan.shard_size,
            job_id=self.job_id,
            out=self.folder / "out",
        )
        log = self.folder / "client.log"
        try:
            self._client_status = client.run(
                log, job_has_failed=lambda: self._has_failed(connection), within_s=DEADLINE_S
            )
        except ClientStuckError as error:
            self._client_trouble = str(error)
        said = log.read_text(errors="replace")
        if "Traceback (most recent call last)" in said:
            self._client_trouble = f"the client shows a stack trace: {said[-_LOG_TAIL:]}"

    def _has_failed(self, connection: Connection) -> bool:
        try:
            return connection.api.status(self.job_id).status not in ("RUNNING", "SUCCEEDED")
        except _NETWORK:
            return False

    def _ended(self, connection: Connection) -> JobStatus | None:
        """The job's last status, RUNNING if it did not end in time; None if it cannot be asked."""
        deadline = time.monotonic() + DEADLINE_S
        status = None
        while time.monotonic() < deadline:
            try:
                status = connection.api.status(self.job_id)
            except _NETWORK:
                # Disturbed like everything else, until the deadline.
                time.sleep(_POLL_EVERY_S)
                continue
            if status.status != "RUNNING":
                break
            time.sleep(_POLL_EVERY_S)
        return status

    def _evidence(self, connection: Connection, status: JobStatus | None) -> JobEvidence:
        evidence = JobEvidence(
            job_id=self.job_id,
            expected=self._expected,
            shard_size=self.plan.shard_size,
            status="UNKNOWN" if status is None else status.status,
            error=status.error if status else None,
            cause=status.cause if status else None,
            shard_objects=self._objects("shards"),
            records=self._objects("failures"),
            executions=self._executions(),
        )
        if status is None:
            return evidence
        predictions, refused = self._predictions(status)
        return replace(
            evidence,
            predictions=predictions,
            refused=refused,
            client_trouble=self._client_trouble or self._client_disagrees(status),
            reported=_figures(status.report),
        )

    def _predictions(self, status: JobStatus) -> tuple[Predictions | None, str | None]:
        if status.report is None and not status.parts:
            return None, "no report, no parts"
        try:
            results = fetch_results(status, images=self.plan.images)
        except (ResultsInvalidError, UnexpectedAnswerError) as error:
            return None, str(error)
        return (
            Predictions(index=results.index, label=results.label, confidence=results.confidence),
            None,
        )

    def _client_disagrees(self, status: JobStatus) -> str | None:
        """Whether what the client process left behind is not what the job came to."""
        if self._client is None:
            return None
        succeeded = status.status == "SUCCEEDED"
        if (self._client_status == 0) != succeeded:
            said = (self.folder / "client.log").read_text(errors="replace")[-_LOG_TAIL:]
            return (
                f"the client ended with {self._client_status}, the job is {status.status}; "
                f"it said: {said}"
            )
        table = self.folder / "out" / "predictions.csv"
        if not succeeded:
            return "the client left results of a failed job" if table.exists() else None
        with table.open(newline="") as source:
            rows = [
                (int(row["index"]), int(row["label"]), np.float32(row["confidence"]))
                for row in csv.DictReader(source)
            ]
        wanted = zip(
            self._expected.index.tolist(),
            self._expected.label.tolist(),
            self._expected.confidence,
            strict=True,
        )
        return None if rows == list(wanted) else "the client's predictions.csv is another one"

    def _objects(self, folder: str) -> dict[str, bytes]:
        s3 = self._world.client("s3")
        bucket = self._world.deployment.results_bucket
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"jobs/{self.job_id}/{folder}/"
        )
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {
            key.rpartition("/")[2]: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in keys
        }

    def _executions(self) -> int:
        pages: Any = self._world.client("stepfunctions").get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self._world.deployment.state_machine_arn)
        return sum(
            execution["name"] == self.job_id for page in found for execution in page["executions"]
        )


def _figures(report: JobReport | None) -> dict[str, int] | None:
    if report is None:
        return None
    return {
        "images": report.images,
        "predicted": report.predicted,
        "missing": report.missing,
        "duplicated": report.duplicated,
        "shards": report.shards,
    }


@contextmanager
def _connected() -> Iterator[Connection]:
    """The product's client, begun again where it met another job's outage, as its user would."""
    deadline = time.monotonic() + DEADLINE_S
    with ExitStack() as stack:
        while True:
            try:
                connection = stack.enter_context(connect(STAGE))
            except HTTPClientError:
                if time.monotonic() > deadline:
                    raise
            else:
                break
        yield connection
