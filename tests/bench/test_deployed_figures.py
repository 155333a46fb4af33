"""Figures that need a deployed stage: one for all of them, with as few images as there can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from bench import cold_job, cold_start, sizes, throughput
from bench.processes import environments_of
from bench.stage import CloudProcess, deployed_stage, end_environments


@pytest.fixture(scope="module")
def stage(assembly: Path) -> Iterator[CloudProcess]:
    with deployed_stage(assembly) as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def _one_stage(stage: CloudProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def shared(*assembly: Path) -> Any:
        return nullcontext(stage)

    for figure in (cold_job, cold_start, sizes, throughput):
        monkeypatch.setattr(figure, "deployed_stage", shared)
    for figure in (cold_job, sizes):
        monkeypatch.setattr(figure, "synthesized_stage", lambda: nullcontext(Path()))


def test_cold_start_is_measured_without_an_environment(stage):
    result = cold_start.measure(cold_start.Amount(rounds=2))
    cold, imports = result.series
    assert min(cold.values) > 0
    assert result.ratios[0].values[0] == cold.values[0] / imports.values[0]


def test_ended_environments_are_gone(stage):
    cold_start.first_answer(stage)()
    assert environments_of(stage.pid)
    end_environments(stage)
    assert not environments_of(stage.pid)


def test_throughput_takes_each_side_at_its_best_and_says_when_lithops_is_absent(stage, monkeypatch):
    monkeypatch.setattr(throughput, "peer_python", lambda name: None)
    amount = throughput.Amount(rounds=1, images=60, shard_sizes=(20, 60), lithops_shard_sizes=(60,))
    result = throughput.measure(amount)
    assert {ratio.name for ratio in result.ratios} == {"job / pool, warm", "job / pool, cold"}
    assert any("not installed" in note for note in result.notes)
    for name, tried in result.raw["sweep"].items():
        best = min(tried, key=lambda size: tried[size]["warm_s"])
        assert f"shards of {best}" in next(
            series.name for series in result.series if throughput._NAMES[name] in series.name
        )


def test_sizes_tell_every_cost_of_every_size_and_how_it_grows(stage):
    result = sizes.measure(sizes.Amount(sizes=(10, 100), shard_size=50))
    assert len(result.series) == 2 * len(result.ratios) == 14
    assert [job["images"] for job in result.raw["jobs"]] == [10, 100]
    assert all(job["functions_peak_mb"] > 10 for job in result.raw["jobs"])


def test_cold_job_scales_keras_to_the_images_of_the_job(stage):
    result = cold_job.measure(cold_job.Amount(rounds=1, images=50, singles=2))
    one_at_a_time_s = result.raw["keras"][0]["one_at_a_time_s"]
    assert result.series[0].values == (one_at_a_time_s * 50,)
    (job,) = result.raw["job"]
    assert job["summary"]["predicted"] == 50
    assert result.series[2].values == (job["summary"]["job_seconds"],)
