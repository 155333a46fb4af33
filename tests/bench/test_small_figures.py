"""Figures that need no deployed stage, with real parts, as small as they get."""

from __future__ import annotations

from statistics import median
from unittest.mock import create_autospec

import pytest

from bench import core_pool, map_child, synth, warm_invoke
from bench.__main__ import FIGURES
from bench.images import ROOT, write_images
from localcloud.cdk import CdkCli
from shpc_core import columns
from shpc_core.messages import Shard
from shpc_core.shards import partition


def test_figures_are_known_by_their_own_names():
    assert list(FIGURES) == [figure.name for figure in FIGURES.values()]
    assert len(FIGURES) == 7


def test_warm_invoke_measures_all_three_calls():
    result = warm_invoke.measure(warm_invoke.Amount(rounds=2, calls=3))
    assert [len(series.values) for series in result.series] == [2, 2, 2]
    assert result.ratios[0].goal.bound == 1.5
    assert all(len(taken["invoke"]) == 3 for taken in result.raw["seconds"])
    for series, call in zip(
        result.series, ("invoke", "list_aliases", "stock_list_aliases"), strict=True
    ):
        medians = tuple(1000 * median(taken[call]) for taken in result.raw["seconds"])
        assert series.values == medians


def test_map_child_compares_the_cloud_with_motos_own_interpreter():
    result = map_child.measure(map_child.Amount(rounds=1, children=20, many=40))
    ours, stock = result.series[:2]
    assert result.ratios[0].values == (ours.values[0] / stock.values[0],)
    assert [result.raw[side][0]["items"] for side in ("cloud", "stock", "many")] == [20, 20, 40]


def test_core_pool_times_a_cold_and_a_warm_pass(tmp_path):
    images = write_images(tmp_path / "inputs", 45)
    seconds = core_pool.run_passes(images, partition(45, 20), workers=2)
    assert seconds["cold_s"] > seconds["warm_s"] > 0


def test_core_pool_writes_the_columns_of_its_shard(tmp_path):
    images = write_images(tmp_path / "inputs", 45)
    (tmp_path / "out").mkdir()
    assert core_pool.shard_classifier(images, tmp_path / "out")(Shard(shard=1, start=20, stop=45))
    (written,) = (tmp_path / "out").rglob("*.safetensors")
    predictions, metadata = columns.decode(written.read_bytes())
    assert predictions.index.tolist() == list(range(20, 45))
    assert metadata["shard"] == "1"


def test_core_pool_refuses_an_incomplete_pass(tmp_path):
    images = write_images(tmp_path / "inputs", 45)
    with pytest.raises(RuntimeError, match="20 of 45"):
        core_pool.run_passes(
            images,
            [Shard(shard=0, start=0, stop=10), Shard(shard=1, start=35, stop=45)],
            workers=1,
        )


def test_synth_takes_turns_after_one_of_each_that_does_not_count(monkeypatch):
    calls: list[str] = []
    cli = create_autospec(CdkCli, instance=True)
    cli.synth.side_effect = lambda out: calls.append(out.name)
    monkeypatch.setattr(synth, "CdkCli", create_autospec(CdkCli, return_value=cli))
    result = synth.measure(synth.Amount(rounds=2))
    assert calls == ["app.out", "empty.out"] * 3
    assert [len(series.values) for series in result.series] == [2, 2]


def test_empty_app_is_synthesized_by_the_cli_with_this_apps_settings(tmp_path):
    folder = synth.write_empty_app(tmp_path / "app")
    CdkCli(app_dir=folder).synth(tmp_path / "out")
    assert (tmp_path / "out" / "Empty.template.json").exists()
    assert '"versionReporting": false' in (folder / "cdk.json").read_text()
    assert (ROOT / "cdk.json").exists()
