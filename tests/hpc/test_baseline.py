"""`hpc baseline` as a user types it: S3 and CloudFormation by moto, a Batch that runs the entry."""

from __future__ import annotations

import csv
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hpc.cli import main
from tests.hpc.conftest import deploy_functions, deploy_stack
from tests.hpc.fake_batch import (
    DEFINITION,
    LAMBDA_SRC,
    LOG_GROUP,
    QUEUE,
    FakeBatch,
    FakeBatchHandler,
    FakeBatchServer,
)


@pytest.fixture
def batch(aws, moto_endpoint, monkeypatch):
    """Storage and baseline of stage dev, deployed without any function."""
    deploy_stack(
        aws, "shpc-dev-storage", {"InputBucketName": "inputs", "ResultsBucketName": "results"}
    )
    deploy_stack(aws, "shpc-dev-baseline", {"JobQueueArn": QUEUE, "JobDefinitionArn": DEFINITION})
    for bucket in ("inputs", "results"):
        aws("s3").create_bucket(Bucket=bucket)
    server = FakeBatchServer(("localhost", 0), FakeBatchHandler)
    server.batch = FakeBatch(
        environment={
            "INPUT_BUCKET": "inputs",
            "RESULTS_BUCKET": "results",
            "LAMBDA_TASK_ROOT": str(LAMBDA_SRC),
            "AWS_ENDPOINT_URL": moto_endpoint,
            "AWS_REGION": "us-east-1",
        }
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_BATCH", f"http://localhost:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.batch
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hpc(batch, idx_files, tmp_path):
    def run(*options: object) -> Any:
        arguments = ["baseline", "--images", idx_files.images, "--shard-size", 5]
        arguments += ["--out", tmp_path / "out", *options]
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def deployed_beside(batch, aws, fake_api):
    """The functions as well, with a job of 20 images that has succeeded."""
    deploy_functions(aws, fake_api)
    fake_api.running_polls = 0
    fake_api.polls["job-1"] = 0
    return fake_api


def summary(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "out" / "baseline.json").read_text())
    return found


def test_baseline_takes_a_job_from_upload_to_figures(hpc, batch, tmp_path) -> None:
    done = hpc()
    assert done.exit_code == 0, done.output
    found = summary(tmp_path)
    assert (found["predicted"], found["missing"], found["duplicated"]) == (20, 0, 0)
    assert (found["shards"], found["containers"], found["machines"]) == (4, 4, 2)
    assert (found["wall_seconds"], found["startup_seconds"]) == (94, 90)
    assert found["vcpu_seconds"] == 1 + 2 + 3 + 4
    # To the end of the last container on each: children 1 and 3.
    assert found["machine_seconds"] == 92 + 94
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        assert [int(row["index"]) for row in csv.DictReader(file)] == list(range(20))


def test_baseline_submits_what_the_children_need_to_know(hpc, batch, aws, tmp_path) -> None:
    assert hpc().exit_code == 0
    (submitted,) = batch.submitted
    assert (submitted["jobQueue"], submitted["jobDefinition"]) == (QUEUE, DEFINITION)
    assert submitted["arrayProperties"] == {"size": 4}
    job_id = summary(tmp_path)["job_id"]
    assert job_id.startswith("vm-")
    assert submitted["jobName"] == job_id
    variables = {
        one["name"]: one["value"] for one in submitted["containerOverrides"]["environment"]
    }
    keys = [item["Key"] for item in aws("s3").list_objects_v2(Bucket="inputs")["Contents"]]
    assert variables["JOB_ID"] == job_id
    assert variables["INPUT_IMAGES"] in keys


def test_all_that_a_baseline_writes_lies_under_its_own_id(hpc, aws, tmp_path) -> None:
    assert hpc().exit_code == 0
    found = aws("s3").list_objects_v2(Bucket="results")["Contents"]
    prefix = f"jobs/{summary(tmp_path)['job_id']}/"
    assert {item["Key"].removeprefix(prefix) for item in found} == {
        "shards.json",
        "groups.json",
        *(f"shards/{shard:06d}.safetensors" for shard in range(4)),
        "parts/000000.safetensors",
        "parts/000000.json",
        "report.json",
    }


def test_baseline_prints_its_figures_and_its_cost(hpc, tmp_path) -> None:
    done = hpc()
    words = " ".join(done.stdout.replace("\u00a0", " ").split())
    for expected in (
        "20 predicted, 0 missing, 0 duplicated",
        "4 containers on 2 × c5.2xlarge, Spot",
        "94.00 s from submission to the last container's end",
        "90.00 s until the first container ran",
        "10.0 in containers",
        "estimate for us-east-1",
        str(tmp_path / "out" / "baseline.json"),
    ):
        assert expected in words
    assert "starting machines, 0 of 4 containers done" in done.stderr
    assert "succeeded, 4 of 4 containers done" in done.stderr


@pytest.mark.parametrize(("vcpus", "children"), [(2, 2), (3, 3), (100, 4)])
def test_as_many_children_as_run_at_once_and_no_more_than_shards(
    hpc, batch, tmp_path, vcpus: int, children: int
) -> None:
    batch.max_vcpus = vcpus
    assert hpc().exit_code == 0
    assert batch.submitted[0]["arrayProperties"] == {"size": children}
    assert summary(tmp_path)["predicted"] == 20


def test_one_child_is_a_job_that_is_no_array(hpc, batch, tmp_path) -> None:
    """https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html: two to 10,000."""
    done = hpc("--children", 1)
    assert done.exit_code == 0, done.output
    assert "arrayProperties" not in batch.submitted[0]
    assert (summary(tmp_path)["predicted"], summary(tmp_path)["containers"]) == (20, 1)


@pytest.mark.parametrize("children", [0, 5])
def test_children_that_cannot_be_are_refused_before_anything_is_submitted(
    hpc, batch, children: int
) -> None:
    done = hpc("--children", children)
    assert done.exit_code == 1
    assert f"--children is {children}; allowed: 1 to 4" in done.stderr
    assert not batch.submitted


def test_machines_too_small_for_a_container_are_refused(hpc, batch) -> None:
    batch.max_vcpus = 0
    done = hpc()
    assert done.exit_code == 1
    assert "the machines have 0 vCPUs at most, a container needs 1" in done.stderr


@pytest.mark.parametrize("line", ["Killed", '{"level": "ERROR", "message": "Killed"}'])
def test_failed_child_is_named_with_the_end_of_its_log(
    hpc, batch, aws, tmp_path, line: str
) -> None:
    batch.failing = frozenset({1, 3})
    logs = aws("logs")
    logs.create_log_group(logGroupName=LOG_GROUP)
    logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName="classify/1")
    now_ms = int(time.time() * 1000)
    events = [
        {"timestamp": now_ms + number, "message": text} for number, text in enumerate(["x", line])
    ]
    logs.put_log_events(logGroupName=LOG_GROUP, logStreamName="classify/1", logEvents=events)
    done = hpc()
    assert done.exit_code == 1
    assert "array job job FAILED: child 1 (2 of 4 failed) ended with exit code 65" in done.stderr
    assert done.stderr.endswith("its log ends: Killed\n")
    assert not (tmp_path / "out").exists()


def test_failed_child_without_a_log_is_named_all_the_same(hpc, batch) -> None:
    batch.failing = frozenset({2})
    done = hpc()
    assert done.exit_code == 1
    assert "child 2 (1 of 4 failed) ended with exit code 65" in done.stderr
    assert "Traceback" not in done.output


def test_child_that_did_nothing_is_found_by_its_shards(hpc, batch, tmp_path) -> None:
    batch.idle = frozenset({2})
    done = hpc()
    assert done.exit_code == 1
    assert "shard 2 is missing" in done.stderr
    assert not (tmp_path / "out").exists()


def test_machines_that_batch_does_not_name_have_no_price(hpc, batch, tmp_path) -> None:
    batch.names_machines = False
    assert hpc().exit_code == 0
    found = summary(tmp_path)
    assert (found["cost_usd"], found["machines"], found["machine_seconds"]) == (None, None, None)
    assert found["cost_unknown_because"] == "AWS Batch named no machine of a container"


def test_stage_without_a_baseline_is_refused_with_how_to_deploy_one(aws, idx_files) -> None:
    deploy_stack(aws, "shpc-dev-storage", {"InputBucketName": "i", "ResultsBucketName": "r"})
    done = CliRunner().invoke(main, ["baseline", "--images", str(idx_files.images)])
    assert done.exit_code == 1
    assert "stack shpc-dev-baseline is not deployed in us-east-1" in done.stderr
    assert "make deploy STAGE=dev CONTEXT='-c baseline=true'" in done.stderr


def test_job_to_compare_with_needs_its_functions(hpc, batch) -> None:
    done = hpc("--job", "job-1")
    assert done.exit_code == 1
    assert "stack shpc-dev-functions is not deployed" in done.stderr
    assert not batch.submitted


def test_job_of_other_predictions_is_no_comparison(hpc, batch, deployed_beside, tmp_path) -> None:
    """The made-up job's labels follow from the index, not from the images."""
    done = hpc("--job", "job-1")
    assert done.exit_code == 1
    assert "predictions differ from job job-1, the first at image " in done.stderr
    assert not (tmp_path / "out").exists()


def test_job_of_other_images_is_refused_before_anything_is_submitted(
    hpc, batch, deployed_beside
) -> None:
    deployed_beside.images = 15
    done = hpc("--job", "job-1")
    assert done.exit_code == 1
    assert "job job-1 is of 15 images, these are 20" in done.stderr
    assert not batch.submitted
