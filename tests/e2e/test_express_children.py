"""The job with EXPRESS map children, which is a setting: deployed and run from end to end."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from localcloud.cdk import REPOSITORY, CdkCli, environment_of_cli
from localcloud.cloud import Cloud


def test_job_with_express_children_classifies_every_image_once(request, tmp_path):
    if request.config.getoption("--deployed-stage"):
        pytest.skip("deploys a stage of its own")
    assembly = tmp_path / "cdk.out"
    with Cloud() as cloud:
        cdk = CdkCli(environ=cloud.environ, context={"stage": "dev", "map_children": "EXPRESS"})
        cdk.synth(assembly)
        cdk.bootstrap(assembly)
        cdk.deploy(assembly)
        command = [sys.executable, "-m", "hpc", "run", "--stage", "dev", "--shard-size", "100"]
        subprocess.run(
            [*command, "--out", str(tmp_path)],
            env=environment_of_cli(cloud.environ),
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
        )
        client = cloud.context.client("stepfunctions")
        (machine,) = client.list_state_machines()["stateMachines"]
        arn = machine["stateMachineArn"]
        (job,) = client.list_executions(stateMachineArn=arn)["executions"]
        counts, arns = [], []
        for run in client.list_map_runs(executionArn=job["executionArn"])["mapRuns"]:
            described = client.describe_map_run(mapRunArn=run["mapRunArn"])
            counts.append(described["executionCounts"]["succeeded"])
            children = client.list_executions(mapRunArn=run["mapRunArn"])["executions"]
            arns += [child["executionArn"] for child in children]
        cdk.destroy(assembly)
    assert sorted(counts) == [1, 30]
    assert {arn.split(":")[5] for arn in arns} == {"express"}
    with (tmp_path / "predictions.csv").open() as file:
        assert len({row["index"] for row in csv.DictReader(file)}) == 3000
