"""What a job runs, with what around it, and how it is told.

https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
"""

from __future__ import annotations

import time

import pytest

from tests.localcloud.batch.bench import PLAIN, SHELL

ROLE = "arn:aws:iam::123456789012:role"


def variables(bench, job):
    return dict(line.split("=", 1) for line in bench.lines(job) if "=" in line)


def test_job_runs_its_image_and_tells_how_it_went(bench, queue):
    before_ms = time.time() * 1000
    job = bench.run("cat greeting; echo gone wrong >&2; exit 3", queue=queue)

    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"]["exitCode"] == 3
    assert "reason" not in job["container"]
    assert bench.lines(job) == ["hello from the image", "gone wrong"]
    (attempt,) = job["attempts"]
    assert attempt["container"]["exitCode"] == 3
    assert attempt["container"]["logStreamName"] == job["container"]["logStreamName"]
    times = [before_ms - 1, job["createdAt"], job["startedAt"], job["stoppedAt"]]
    assert times == sorted(times)


def test_job_that_exits_with_nought_has_succeeded(bench, queue):
    job = bench.run("true", queue=queue)
    assert (job["status"], job["container"]["exitCode"]) == ("SUCCEEDED", 0)


def test_container_killed_by_a_signal_exits_as_a_shell_says(bench, queue):
    assert bench.run("kill -KILL $$", queue=queue)["container"]["exitCode"] == 137


def test_variables_come_from_image_definition_submission_and_batch(bench, queue):
    given = [{"name": "BOTH", "value": "definition"}, {"name": "OVER", "value": "definition"}]
    definition = bench.definition(container={"environment": given})
    over = {"environment": [{"name": "OVER", "value": "submission"}]}
    job = bench.run("env", queue=queue, definition=definition, overrides=over)

    found = variables(bench, job)
    assert (found["FROM_IMAGE"], found["BOTH"], found["OVER"]) == (
        "image",
        "definition",
        "submission",
    )
    environment = bench.client.describe_job_queues(jobQueues=[queue])["jobQueues"][0][
        "computeEnvironmentOrder"
    ][0]["computeEnvironment"]
    own = {key: value for key, value in found.items() if key.startswith("AWS_BATCH_")}
    assert own == {
        "AWS_BATCH_CE_NAME": environment.rpartition("/")[2],
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JOB_ID": job["jobId"],
        "AWS_BATCH_JQ_NAME": queue.rpartition("/")[2],
    }
    # On EC2 nobody sets a region, and without a role of the job's there are no keys.
    assert not {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"} & set(found)
    told = {pair["name"]: pair["value"] for pair in job["container"]["environment"]}
    assert told == {"BOTH": "definition", "OVER": "submission"}


def test_parameters_replace_their_placeholders_in_the_command(bench, queue):
    definition = bench.definition(parameters={"first": "default", "second": "default"})
    job = bench.run(
        "echo Ref::first and Ref::second, Ref::third",
        queue=queue,
        definition=definition,
        parameters={"first": "given"},
    )
    assert bench.lines(job) == ["given and default, Ref::third"]
    assert job["parameters"] == {"first": "given", "second": "default"}


def test_child_of_an_array_knows_its_place(bench, queue):
    job_id = bench.submit("env", queue=queue, arrayProperties={"size": 3})
    array = bench.end_of(job_id)

    assert array["status"] == "SUCCEEDED"
    assert array["arrayProperties"]["size"] == 3
    assert array["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
    for index in range(3):
        child = bench.describe(f"{job_id}:{index}")
        assert child["arrayProperties"]["index"] == index
        found = variables(bench, child)
        assert found["AWS_BATCH_JOB_ID"] == f"{job_id}:{index}"
        assert found["AWS_BATCH_JOB_ARRAY_INDEX"] == str(index)
        assert found["AWS_BATCH_JOB_ARRAY_SIZE"] == "3"


def test_array_fails_with_one_child_after_all_have_ended(bench, queue):
    job_id = bench.submit(
        'test "$AWS_BATCH_JOB_ARRAY_INDEX" != 1', queue=queue, arrayProperties={"size": 6}
    )
    array = bench.end_of(job_id)
    assert (array["status"], array["statusReason"]) == ("FAILED", "Array Child Job failed")
    summary = array["arrayProperties"]["statusSummary"]
    assert {state: count for state, count in summary.items() if count} == {
        "SUCCEEDED": 5,
        "FAILED": 1,
    }
    assert bench.describe(f"{job_id}:1")["status"] == "FAILED"


def test_array_is_pending_while_its_children_run(bench, queue, gate):
    job_id = bench.submit(f"cat {gate}", queue=queue, arrayProperties={"size": 2})
    bench.reaches(f"{job_id}:0", "RUNNING")
    array = bench.describe(job_id)
    assert array["status"] == "PENDING"
    assert "startedAt" not in array
    bench.reaches(f"{job_id}:1", "RUNNING")
    assert bench.describe(job_id)["arrayProperties"]["statusSummary"]["RUNNING"] == 2
    bench.client.terminate_job(jobId=job_id, reason="enough")
    bench.end_of(job_id)


@pytest.mark.parametrize("size", [1, 10_001])
def test_array_of_a_size_that_aws_refuses_is_refused(bench, queue, size):
    said = bench.refusal(
        "submit_job",
        jobName="j",
        jobQueue=queue,
        jobDefinition=bench.definition(),
        arrayProperties={"size": size},
    )
    assert said == f"arrayProperties.size: {size}; allowed: 2 to 10000"


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"image": f"{SHELL}-not-pushed"}, "CannotPullContainerError: "),
        ({"image": PLAIN}, "CannotStartContainerError: the image has no ENTRYPOINT"),
        (
            {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "none"}}},
            "CannotStartContainerError: failed to initialize logging driver: ",
        ),
    ],
)
def test_container_that_cannot_start_says_why(bench, queue, container, reason):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html"""
    job = bench.run("true", queue=queue, definition=bench.definition(container=container))
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert job["container"]["reason"].startswith(reason)
    assert "exitCode" not in job["container"]
    assert "startedAt" not in job


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"shareIdentifier": "s"}, "SubmitJob: shareIdentifier is not modelled"),
        ({"jobName": "no spaces"}, "jobName: 'no spaces'; allowed: "),
        ({"jobDefinition": "unknown"}, "JobDefinition unknown does not exist or is not ACTIVE"),
        (
            {"containerOverrides": {"environment": [{"name": "AWS_BATCH_JOB_ID", "value": "1"}]}},
            "environment: 'AWS_BATCH_JOB_ID'; names that begin with AWS_BATCH are reserved",
        ),
        (
            {"containerOverrides": {"resourceRequirements": [{"type": "GPU", "value": "1"}]}},
            "resourceRequirements.type: 'GPU'; modelled: VCPU, MEMORY",
        ),
        ({"timeout": {"attemptDurationSeconds": 0}}, "timeout.attemptDurationSeconds: 0; allowed"),
    ],
)
def test_submission_that_cannot_be_honoured_is_refused_by_name(bench, queue, given, said):
    request = {"jobName": "j", "jobQueue": queue, "jobDefinition": bench.definition()}
    assert bench.refusal("submit_job", **{**request, **given}).startswith(said)


def test_newest_active_revision_is_run_by_name(bench, queue):
    register = bench.client.register_job_definition
    for word in ("one", "two", "three"):
        properties = {"image": SHELL, "vcpus": 1, "memory": 64, "command": [f"echo {word}"]}
        register(jobDefinitionName="words", type="container", containerProperties=properties)
    bench.client.deregister_job_definition(jobDefinition="words:3")

    for asked, expected in (("words", "two"), ("words:1", "one")):
        submitted = bench.client.submit_job(jobName="j", jobQueue=queue, jobDefinition=asked)
        assert bench.lines(bench.end_of(submitted["jobId"])) == [expected]
    said = bench.refusal("submit_job", jobName="j", jobQueue=queue, jobDefinition="words:3")
    assert said == "JobDefinition words:3 does not exist or is not ACTIVE"
