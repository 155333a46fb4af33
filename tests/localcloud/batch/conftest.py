from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from localcloud.batch import BatchLimits
from localcloud.cloud import Cloud
from tests.localcloud.batch.bench import Bench, Gate, push_images


@contextmanager
def start(**limits: float) -> Iterator[Bench]:
    """More patience and less are AWS's; these are for tests."""
    given = {"width": 4, "least_timeout_s": 1, "stop_grace_s": 0.2, **limits}
    with Cloud(batch_limits=BatchLimits(**given)) as cloud:
        push_images(cloud)
        bench = Bench(cloud)
        bench.make_network()
        yield bench


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """One for a module, whose tests have queues of their own."""
    with start() as bench:
        yield bench


@pytest.fixture
def fresh_cloud() -> Callable[..., AbstractContextManager[Bench]]:
    """Start a cloud with limits of its own, in a module that has no other."""
    return start


@pytest.fixture
def queue(bench: Bench) -> str:
    """On an environment of its own, of four vCPUs."""
    return bench.queue()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


@pytest.fixture
def stopping(bench: Bench) -> Iterator[Callable[[str], str]]:
    """Remember a job, which is terminated after the test."""
    jobs: list[str] = []

    def remember(job_id: str) -> str:
        jobs.append(job_id)
        return job_id

    yield remember
    for job_id in jobs:
        bench.client.terminate_job(jobId=job_id, reason="the test is over")
    for job_id in jobs:
        bench.end_of(job_id)
