"""The campaign: waves of jobs at once, each disturbed as planned, judged, redriven, judged again.

Between two waves nothing runs, and that is when leaks are looked for. It decides the order and what
counts as violated; faults, verdicts and figures come from the other rooms.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil
from botocore.exceptions import ClientError

from chaos.jobs import Images, Job
from chaos.judge import Outcome, judge
from chaos.leaks import processes_told_of, settled_leaks
from chaos.ledger import Judged, Ledger
from chaos.plan import JobPlan, Kind, job_plan
from chaos.progress import CampaignProgress
from chaos.world import World, deployed
from shpc_core import idx

_DATA = Path(__file__).resolve().parent.parent / "data" / "fashion-mnist-3000" / "images.idx"
_REFERENCE_SHARD_SIZE = 100
_REFERENCE = -1


class UndisturbedFailureError(Exception):
    """The product fails without any fault: there is nothing to compare with."""


@dataclass
class Campaign:
    """Jobs `numbers` of campaign `seed`, `at_once` of them at a time.

    After `run`, `violations` holds what was found beside the jobs' own: leaks, and what the cloud
    left behind.
    """

    seed: int
    numbers: Sequence[int]
    at_once: int
    ledger: Ledger
    progress: CampaignProgress
    violations: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Deploy, disturb, judge, tear down. Raises CdkFailedError when the product cannot be."""
        plans = [job_plan(self.seed, number) for number in self.numbers]
        with (
            tempfile.TemporaryDirectory(prefix="chaos-") as made,
            _own_temporary_folder() as temporary,
        ):
            folder = Path(made)
            with deployed(folder, self.progress.say) as world:
                endpoint = world.cloud.context.endpoint
                if world.disk is None:
                    self.ledger.add_note("skipped", kind=Kind.DISK, why="mounting is not permitted")
                    self.progress.line(f"left out, for want of a mount: {Kind.DISK}")
                self.progress.say("the undisturbed reference ...")
                images = self._reference(world, folder)
                owned = frozenset(child.pid for child in psutil.Process().children(recursive=True))
                for start in range(0, len(plans), self.at_once):
                    wave = plans[start : start + self.at_once]
                    self._wave(world, wave, images, folder, temporary, owned)
            for pid, what in processes_told_of(endpoint).items():
                self._found(f"after the cloud's end: process {pid} ({what})")
            if (folder / "disk" / "state").exists():
                self._found("after the cloud's end: its state folder")

    def _wave(
        self,
        world: World,
        wave: Sequence[JobPlan],
        images: Images,
        folder: Path,
        temporary: Path,
        owned: frozenset[int],
    ) -> None:
        jobs = [
            Job(
                world,
                plan,
                job_id=f"chaos-{self.seed}-{plan.number}",
                images=images,
                folder=folder / "jobs" / str(plan.number),
            )
            for plan in wave
        ]
        with ThreadPoolExecutor(len(jobs)) as pool:
            judged = list(pool.map(self._run_one, jobs))
        judged = self._redriven(world, list(zip(jobs, judged, strict=True)))
        for one in judged:
            self.ledger.add_judged(one)
            for violation in one.violations:
                self.progress.line(f"VIOLATION in job {one.job}: {violation}")
        for job in jobs:
            shutil.rmtree(job.folder)
        for leak in settled_leaks(world, temporary=temporary, owned=owned):
            self._found(f"after jobs {wave[0].number} to {wave[-1].number}: {leak}")
        exact = sum(one.outcome == Outcome.EXACT for one in judged)
        again = sum(one.redriven == Outcome.EXACT for one in judged)
        self.progress.done(
            len(jobs),
            f"{self.ledger.took_effect} faults took effect; "
            f"of these {len(jobs)}: {exact} exact at once, {again} after redrive",
        )

    def _run_one(self, job: Job) -> Judged:
        evidence = job.run(self.ledger)
        verdict = judge(evidence)
        return Judged(
            job=job.plan.number,
            job_id=job.job_id,
            outcome=verdict.outcome,
            redriven=None,
            error=evidence.error,
            cause=evidence.cause,
            seconds=round(job.seconds, 2),
            violations=verdict.violations,
        )

    def _redriven(self, world: World, wave: Sequence[tuple[Job, Judged]]) -> list[Judged]:
        """The wave's verdicts, with those of the failed jobs' second runs."""
        failed = [(job, first) for job, first in wave if first.error and first.outcome != "exact"]
        small = [pair for pair in failed if not _needs_memory(pair[0])]
        large = [pair for pair in failed if _needs_memory(pair[0])]
        again: dict[int, Judged] = {}
        if small:
            with ThreadPoolExecutor(len(small)) as pool:
                again |= {one.job: one for one in pool.map(self._redrive_one, small)}
        if large:
            with world.more_memory():
                again |= {one.job: one for one in map(self._redrive_one, large)}
        return [again.get(first.job, first) for _, first in wave]

    def _redrive_one(self, pair: tuple[Job, Judged]) -> Judged:
        job, first = pair
        try:
            evidence = job.redrive()
        except ClientError as error:
            return _second_run(first, Outcome.WRONG, (f"redrive was refused: {error}",))
        verdict = judge(evidence)
        violations = tuple(f"after redrive: {what}" for what in verdict.violations)
        if verdict.outcome is Outcome.FAILED:
            violations += (f"after redrive: still fails with {evidence.error}: {evidence.cause}",)
        return _second_run(first, verdict.outcome, violations)

    def _reference(self, world: World, folder: Path) -> Images:
        """What the product says of the shipped images when nobody disturbs it."""
        pixels = idx.decode(_DATA.read_bytes(), item_shape=idx.IMAGE_SHAPE, field="images")
        unknown = Images(
            pixels,
            np.zeros(len(pixels), dtype=np.uint8),
            np.zeros(len(pixels), dtype=np.float32),
        )
        plan = JobPlan(
            number=_REFERENCE,
            first=0,
            images=len(pixels),
            shard_size=_REFERENCE_SHARD_SIZE,
            by_process=False,
            faults=(),
        )
        job = Job(
            world,
            plan,
            job_id=f"chaos-{self.seed}-reference",
            images=unknown,
            folder=folder / "jobs" / "reference",
        )
        evidence = job.run(self.ledger)
        found = evidence.predictions
        if found is None:
            raise UndisturbedFailureError(
                f"the undisturbed job is {evidence.status}: {evidence.error}: {evidence.cause}"
            )
        return Images(pixels, found.label, found.confidence)

    def _found(self, violation: str) -> None:
        self.violations.append(violation)
        self.ledger.add_note("violation", text=violation)
        self.progress.line(f"VIOLATION {violation}")


def _needs_memory(job: Job) -> bool:
    return any(fault.kind is Kind.MEMORY for fault in job.plan.faults)


def _second_run(first: Judged, outcome: Outcome, violations: tuple[str, ...]) -> Judged:
    return replace(first, redriven=outcome, violations=first.violations + violations)


@contextmanager
def _own_temporary_folder() -> Iterator[Path]:
    """Temporary files of this process and its children in a folder that nobody else uses."""
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        os.environ["TMPDIR"] = folder
        tempfile.tempdir = None
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before
            tempfile.tempdir = None
