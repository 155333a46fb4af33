"""The baseline deployed by itself and then beside the functions: same answers, nothing left.

The machines are the embedded cloud's: their containers run for real, as processes of the image.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud
from localcloud.residue import bootstrap_resources, difference, snapshot

ROOT = Path(__file__).parents[2]
STORAGE, BASELINE = "shpc-dev-storage", "shpc-dev-baseline"


@dataclass
class Story:
    """What was seen, in the order in which it happened."""

    alone: set[str] = field(default_factory=set)
    baselines: dict[str, dict] = field(default_factory=dict)
    predictions: dict[str, bytes] = field(default_factory=dict)
    job_id: str = ""
    running: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Deploy the baseline alone, run it; deploy the rest, compare; destroy everything."""
    assembly = tmp_path_factory.mktemp("baseline") / "cdk.out"
    told = Story()
    with Cloud() as cloud:
        cdk = CdkCli(environ=cloud.environ, context={"stage": "dev", "baseline": "true"})
        cdk.synth(assembly)
        cdk.bootstrap(assembly)
        empty = snapshot(cloud.context, cloud.functions, cloud.cloudformation, cloud.batch)
        cloudformation = cloud.context.client("cloudformation")

        def hpc(name: str, *command: str) -> Path:
            out = tmp_path_factory.mktemp(name)
            subprocess.run(
                [sys.executable, "-m", "hpc", *command, "--out", str(out), "--shard-size", "500"],
                check=True,
                cwd=ROOT,
                env={**os.environ, **cloud.environ},
            )
            told.predictions[name] = (out / "predictions.csv").read_bytes()
            return out

        def baseline(name: str, *options: str) -> None:
            out = hpc(name, "baseline", *options)
            told.baselines[name] = json.loads((out / "baseline.json").read_text())

        cdk.run("deploy", "Baseline", "--app", str(assembly), "--require-approval", "never")
        told.alone = {
            stack["StackName"]
            for stack in cloudformation.describe_stacks()["Stacks"]
            if stack["StackName"] != "CDKToolkit"
        }
        baseline("alone")
        cdk.deploy(assembly)
        job = hpc("job", "run")
        told.job_id = json.loads((job / "summary.json").read_text())["job_id"]
        baseline("compared", "--job", told.job_id)
        cdk.destroy(assembly)
        told.running = [
            instance["InstanceId"]
            for reservation in cloud.context.client("ec2").describe_instances()["Reservations"]
            for instance in reservation["Instances"]
            if instance["State"]["Name"] != "terminated"
        ]
        now = snapshot(cloud.context, cloud.functions, cloud.cloudformation, cloud.batch)
        told.left = list(map(str, difference(empty, now, bootstrap_resources(cloud.context))))
        yield told


def test_baseline_brings_the_storage_and_nothing_else(story: Story) -> None:
    assert story.alone == {STORAGE, BASELINE}


@pytest.mark.parametrize("name", ["alone", "compared"])
def test_baseline_classifies_every_image_once(story: Story, name: str) -> None:
    found = story.baselines[name]
    assert (found["predicted"], found["missing"], found["duplicated"]) == (3_000, 0, 0)
    assert (found["shards"], found["containers"]) == (6, 6)
    assert found["accuracy"] == pytest.approx(0.9273, abs=0.0001)


def test_machines_and_functions_predict_the_same(story: Story) -> None:
    assert story.predictions["alone"] == story.predictions["job"] == story.predictions["compared"]
    assert story.baselines["compared"]["same_predictions_as"]["job_id"] == story.job_id
    assert story.baselines["alone"]["same_predictions_as"] is None


@pytest.mark.parametrize("name", ["alone", "compared"])
def test_times_of_machines_add_up(story: Story, name: str) -> None:
    found = story.baselines[name]
    assert 0 <= found["startup_seconds"] < found["wall_seconds"]
    assert 0 < found["vcpu_seconds"] <= found["containers"] * found["wall_seconds"]
    assert found["machine_seconds"] >= 60 * found["machines"]
    assert found["cost_usd"] > 0


def test_nothing_of_it_stays(story: Story) -> None:
    assert story.running == []
    assert story.left == []
