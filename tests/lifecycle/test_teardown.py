"""Both stages in one account: deployed, used, removed; what is protected refuses, and says so.

docs/operations.md says what stays after a stage is removed. The lists here are that page's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localcloud.cdk import CdkCli, CdkFailedError
from localcloud.cloud import Cloud
from localcloud.functions import ServiceLimits
from localcloud.residue import bootstrap_resources, difference, snapshot
from settings.stages import PROD

ROOT = Path(__file__).parents[2]
STAGES = ("dev", "prod")
KEPT_BY_PROD = {("logs", "groups"), ("s3", "buckets")}


@dataclass
class Story:
    """What was seen, in the order in which it happened."""

    summaries: dict[str, dict] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    left: dict[str, list[str]] = field(default_factory=dict)
    refusal: str = ""
    stacks: dict[str, set[str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def story(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Deploy both, run a job on each, remove dev, try prod, insist on prod, deploy both again."""
    assemblies = {"dev": assembly, "prod": tmp_path_factory.mktemp("prod") / "cdk.out"}
    told = Story()
    # As many environments as prod keeps warm: its map is as wide as that here, whatever the cores.
    assert PROD.classify.provisioned is not None
    limits = ServiceLimits(width=PROD.classify.provisioned.minimum)
    with Cloud(limits=limits) as cloud:
        cdk = {stage: CdkCli(environ=cloud.environ, context={"stage": stage}) for stage in STAGES}
        cdk["prod"].synth(assemblies["prod"])
        cdk["dev"].bootstrap(assembly)
        empty = snapshot(cloud.context, cloud.functions, cloud.cloudformation, cloud.batch)
        cloudformation = cloud.context.client("cloudformation")

        def left() -> list[str]:
            now = snapshot(cloud.context, cloud.functions, cloud.cloudformation, cloud.batch)
            return list(map(str, difference(empty, now, bootstrap_resources(cloud.context))))

        def stacks() -> set[str]:
            return {
                stack["StackName"]
                for stack in cloudformation.describe_stacks()["Stacks"]
                if stack["StackName"] != "CDKToolkit"
            }

        def run_job(stage: str, name: str) -> None:
            out = tmp_path_factory.mktemp(name)
            command = [sys.executable, "-m", "hpc", "run", "--stage", stage, "--out", str(out)]
            environ = {**os.environ, **cloud.environ}
            subprocess.run(command, check=True, cwd=ROOT, env=environ)
            told.summaries[name] = json.loads((out / "summary.json").read_text())
            told.reports[name] = (out / "report.html").read_text()

        for stage in STAGES:
            cdk[stage].deploy(assemblies[stage])
        for stage in STAGES:
            run_job(stage, stage)

        cdk["dev"].destroy(assemblies["dev"])
        told.stacks["dev is gone"] = stacks()
        with pytest.raises(CdkFailedError) as refused:
            cdk["prod"].destroy(assemblies["prod"])
        told.refusal = refused.value.output
        told.stacks["prod refused"] = stacks()

        # As docs/operations.md tells whoever means it.
        cloudformation.update_termination_protection(
            StackName="shpc-prod-storage", EnableTerminationProtection=False
        )
        cdk["prod"].destroy(assemblies["prod"])
        told.stacks["prod is gone"] = stacks()
        told.left["prod is gone"] = left()

        for stage in STAGES:
            cdk[stage].deploy(assemblies[stage])
            run_job(stage, f"{stage} again")
        cdk["dev"].destroy(assemblies["dev"])
        told.stacks["dev is gone again"] = stacks()
        yield told


def test_every_job_was_exact(story: Story) -> None:
    counts = {
        name: (summary["predicted"], summary["missing"], summary["duplicated"])
        for name, summary in story.summaries.items()
    }
    names = ("dev", "prod", "dev again", "prod again")
    assert counts == dict.fromkeys(names, (3_000, 0, 0))


@pytest.mark.parametrize("job", ["dev", "dev again"])
def test_job_of_dev_starts_its_environments(story: Story, job: str) -> None:
    summary = story.summaries[job]
    assert summary["provisioned_invocations"] == 0
    assert summary["cold_starts"] == summary["environments"] > 0
    assert summary["cold_start_ms"] > 0
    assert fact(story.reports[job], "Cold starts") == summary["cold_starts"]
    assert fact(story.reports[job], "Invocations on provisioned environments") == 0


@pytest.mark.parametrize("job", ["prod", "prod again"])
def test_job_of_prod_finds_its_environments_warm(story: Story, job: str) -> None:
    summary = story.summaries[job]
    assert (summary["cold_starts"], summary["cold_start_ms"]) == (0, None)
    assert summary["provisioned_invocations"] == summary["shards"] == 30
    assert fact(story.reports[job], "Cold starts") == 0
    assert fact(story.reports[job], "Invocations on provisioned environments") == 30


def fact(report: str, name: str) -> int:
    """A number that the report's page shows under a name."""
    (shown,) = re.findall(rf"<dt>{name}</dt><dd>([\d,]+)</dd>", report)
    return int(shown.replace(",", ""))


def test_dev_goes_without_prod_noticing(story: Story) -> None:
    for moment in ("dev is gone", "dev is gone again"):
        assert story.stacks[moment]
        assert all(name.startswith("shpc-prod-") for name in story.stacks[moment])


def test_prod_refuses_to_lose_its_data_and_says_so(story: Story) -> None:
    assert "shpc-prod-storage" in story.stacks["prod refused"]
    assert re.search(
        r"shpc-prod-storage.*TerminationProtection is enabled", story.refusal, re.DOTALL
    )


def test_prod_leaves_its_data_and_its_logs_and_nothing_else(story: Story) -> None:
    assert story.stacks["prod is gone"] == set()
    left = story.left["prod is gone"]
    kinds = {tuple(leftover.split()[::2][:2]) for leftover in left}
    assert kinds == KEPT_BY_PROD
    assert all("shpc-prod-" in leftover for leftover in left)
