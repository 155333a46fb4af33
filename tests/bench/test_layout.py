"""What a figure times and in which order, with nothing of it real: that a cold one is cold.

The figures themselves run with real parts in the other files of this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import psutil
import pytest

from bench import cold_job, cold_start, map_child, sizes, throughput
from bench.processes import Finished, run_measured
from bench.stage import CloudProcess, JobRun

CLOUD = CloudProcess(pid=1, environ={})


def job(**changes: Any) -> JobRun:
    """A run each of whose figures is another number."""
    figures = {
        "images": 10,
        "shard_size": 5,
        "job_s": 2.0,
        "command_s": 3.0,
        "cloud_cpu_s": 5.0,
        "client_cpu_s": 7.0,
        "cloud_peak_mb": 11.0,
        "functions_peak_mb": 13.0,
        "client_peak_mb": 17.0,
        "summary": {},
    }
    return JobRun(**{**figures, **changes})


@pytest.fixture
def told() -> list[str]:
    """What happened, in order."""
    return []


@pytest.fixture
def staged(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages that are deployed and destroyed in words alone."""

    @contextmanager
    def deployed(assembly: Path | None = None) -> Iterator[CloudProcess]:
        told.append("deploy")
        yield CLOUD
        told.append("destroy")

    @contextmanager
    def synthesized() -> Iterator[Path]:
        yield Path()

    for figure in (cold_job, cold_start, sizes, throughput):
        monkeypatch.setattr(figure, "deployed_stage", deployed)
    for figure in (cold_job, sizes):
        monkeypatch.setattr(figure, "synthesized_stage", synthesized)


def test_cold_job_is_the_first_of_a_stage_of_its_own_in_every_round(
    told, staged, monkeypatch
) -> None:
    def run_job(cloud: CloudProcess, images: Path, *, shard_size: int) -> JobRun:
        told.append("job")
        return job(job_s=0.5)

    def run_keras(images: Path, singles: int) -> dict[str, float]:
        told.append(f"keras {singles}")
        return {"one_at_a_time_s": 2.0, "batched_s": 1.0}

    monkeypatch.setattr(cold_job, "run_job", run_job)
    monkeypatch.setattr(cold_job, "run_keras", run_keras)
    result = cold_job.measure(cold_job.Amount(rounds=2, images=10, singles=3))
    assert told == ["keras 3", "deploy", "job", "destroy"] * 2
    assert [series.values for series in result.series] == [(20.0,) * 2, (10.0,) * 2, (0.5,) * 2]
    assert [ratio.values for ratio in result.ratios] == [(40.0,) * 2, (20.0,) * 2]


def test_cold_start_ends_the_environments_before_each_answer_and_outside_its_time(
    told, staged, monkeypatch
) -> None:
    process = create_autospec(psutil.Process, instance=True)
    process.cmdline.return_value = ["/environment/bin/python"]

    def timed(act: Callable[[], object]) -> float:
        told.append("(")
        act()
        told.append(")")
        return float(len(told))

    monkeypatch.setattr(cold_start, "timed", timed)
    monkeypatch.setattr(cold_start, "first_answer", lambda cloud: lambda: told.append("answer"))
    monkeypatch.setattr(cold_start, "environments_of", lambda pid: [process])
    monkeypatch.setattr(cold_start, "end_environments", lambda cloud: told.append("end"))
    monkeypatch.setattr(cold_start, "_import", lambda python: told.append(str(python)))
    result = cold_start.measure(cold_start.Amount(rounds=2))
    round_ = ["end", "(", "answer", ")", "(", "/environment/bin/python", ")"]
    assert told == ["deploy", "answer", *round_ * 2, "destroy"]
    assert [series.values for series in result.series] == [(6.0, 13.0), (9.0, 16.0)]


def test_throughput_is_cold_once_and_warm_right_after_and_counts_images(
    told, staged, monkeypatch
) -> None:
    seconds = iter((8.0, 4.0) * 3)

    def run_job(cloud: CloudProcess, images: Path, *, shard_size: int) -> JobRun:
        told.append(f"job {shard_size}")
        return job(job_s=next(seconds))

    def pool(command: list[str], **_: Any) -> Finished:
        return Finished(out=b'{"cold_s": 2.0, "warm_s": 1.0}', cpu_s=1.0, peak_mb=1.0)

    monkeypatch.setattr(throughput, "run_job", run_job)
    monkeypatch.setattr(throughput, "end_environments", lambda cloud: told.append("end"))
    monkeypatch.setattr(throughput, "run_measured", create_autospec(run_measured, side_effect=pool))
    monkeypatch.setattr(throughput, "peer_python", lambda name: None)
    result = throughput.measure(
        throughput.Amount(rounds=1, images=40, shard_sizes=(5, 10), lithops_shard_sizes=())
    )
    cold_and_warm = [each for size in (5, 10, 5) for each in ("end", f"job {size}", f"job {size}")]
    assert told == ["deploy", *cold_and_warm, "destroy"]
    rates = {series.name.partition(", shards")[0]: series.values for series in result.series}
    assert rates == {
        "the job, POST to SUCCEEDED, warm": (10.0,),
        "process pool, warm": (40.0,),
        "the job, POST to SUCCEEDED, cold": (5.0,),
        "process pool, cold": (20.0,),
    }
    assert {ratio.name: ratio.values for ratio in result.ratios} == {
        "job / pool, warm": (0.25,),
        "job / pool, cold": (0.25,),
    }


def test_each_size_is_the_second_job_of_a_stage_of_its_own(told, staged, monkeypatch) -> None:
    def run_job(cloud: CloudProcess, images: Path, *, shard_size: int) -> JobRun:
        told.append(images.parent.name)
        first = images.parent.name == "warm-up"
        count = (images.stat().st_size - 16) // 784
        return job(images=count, job_s=99.0 if first else count / 10)

    monkeypatch.setattr(sizes, "run_job", run_job)
    result = sizes.measure(sizes.Amount(sizes=(10, 40), shard_size=5))
    assert told == ["deploy", "warm-up", "measured", "destroy"] * 2
    assert [series.values for series in result.series[:4]] == [(1.0,), (4.0,), (3.0,), (3.0,)]
    assert result.ratios[0].values == pytest.approx((1.0,))
    assert result.ratios[1].values == pytest.approx((0.0,))


def test_map_child_is_the_processor_time_of_a_child(monkeypatch) -> None:
    taken = {
        ("cloud", 10): {"items": 10, "cpu_s": 0.02},
        ("stock", 10): {"items": 10, "cpu_s": 0.2},
        ("cloud", 100): {"items": 100, "cpu_s": 0.3},
    }

    def run(platform: str, items: int) -> dict[str, Any]:
        return {
            **taken[platform, items],
            "wall_s": 50.0,
            "resident_before_mb": 40.0,
            "peak_mb": 100.0,
        }

    monkeypatch.setattr(map_child, "_run", run)
    result = map_child.measure(map_child.Amount(rounds=1, children=10, many=100))
    told = [series.values[0] for series in result.series]
    assert told == pytest.approx([2.0, 20.0, 3.0, 50.0, 60.0])
    assert [ratio.values[0] for ratio in result.ratios] == pytest.approx([0.1, 1.5])
