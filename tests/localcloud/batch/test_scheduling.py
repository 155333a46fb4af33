"""Which job runs when, on how much, and what becomes of the machines.

https://docs.aws.amazon.com/batch/latest/userguide/job_scheduling.html
"""

from __future__ import annotations

from tests.localcloud.batch.bench import Bench, reaches_output

VCPUS = "resourceRequirements"


def vcpus(number: int) -> dict[str, object]:
    return {VCPUS: [{"type": "VCPU", "value": str(number)}]}


def running(bench: Bench) -> list[str]:
    """Instances that EC2 says are there."""
    found = bench.cloud.context.client("ec2").describe_instances()["Reservations"]
    instances = [instance for each in found for instance in each["Instances"]]
    return [each["InstanceType"] for each in instances if each["State"]["Name"] == "running"]


def desired(bench: Bench, queue: str) -> int:
    (told,) = bench.client.describe_job_queues(jobQueues=[queue])["jobQueues"]
    name = told["computeEnvironmentOrder"][0]["computeEnvironment"]
    (environment,) = bench.client.describe_compute_environments(computeEnvironments=[name])[
        "computeEnvironments"
    ]
    return int(environment["computeResources"]["desiredvCpus"])


def test_environment_runs_no_more_than_its_maximum(bench, stopping, gate):
    queue = bench.queue(maxvCpus=3)
    array = stopping(bench.submit(f"cat {gate}", queue=queue, arrayProperties={"size": 5}))
    for index in range(3):
        bench.reaches(f"{array}:{index}", "RUNNING")
    summary = bench.describe(array)["arrayProperties"]["statusSummary"]
    assert (summary["RUNNING"], summary["RUNNABLE"]) == (3, 2)


def test_machine_runs_no_more_than_its_cores(bench, stopping, gate):
    queue = bench.queue(maxvCpus=64)
    array = stopping(bench.submit(f"cat {gate}", queue=queue, arrayProperties={"size": 6}))
    for index in range(4):
        bench.reaches(f"{array}:{index}", "RUNNING")
    other = stopping(bench.submit("true", queue=bench.queue()))
    summary = bench.describe(array)["arrayProperties"]["statusSummary"]
    assert (summary["RUNNING"], summary["RUNNABLE"]) == (4, 2)
    assert bench.describe(other)["status"] == "RUNNABLE"


def test_job_wider_than_this_machine_runs_alone(bench, gate):
    queue = bench.queue(maxvCpus=64, instanceTypes=["c5.4xlarge"])
    first = bench.submit(f"cat {gate}", queue=queue)
    wide = bench.submit("true", queue=queue, overrides=vcpus(16))
    bench.reaches(first, "RUNNING")
    assert bench.describe(wide)["status"] == "RUNNABLE"
    gate.open()
    assert bench.end_of(wide)["status"] == "SUCCEEDED"


def test_jobs_start_in_order_and_by_the_priority_of_their_queue(bench, gate, tmp_path):
    environment = bench.environment(maxvCpus=1)
    low, high = bench.queue(environment, priority=1), bench.queue(environment, priority=9)
    held = bench.submit(f"cat {gate}", queue=low)
    bench.reaches(held, "RUNNING")
    written = tmp_path / "order"
    jobs = [
        bench.submit(f"echo {name} >> {written}", queue=queue)
        for name, queue in (("a", low), ("b", low), ("c", high), ("d", high))
    ]
    gate.open()
    for job in jobs:
        bench.end_of(job)
    assert written.read_text().split() == ["c", "d", "a", "b"]


def test_first_job_without_a_place_keeps_those_behind_it_waiting(bench, gate):
    queue = bench.queue(maxvCpus=4, instanceTypes=["c5.xlarge"])
    held = bench.submit(f"cat {gate}", queue=queue)
    wide = bench.submit("true", queue=queue, overrides=vcpus(4))
    narrow = bench.submit("true", queue=queue)
    bench.reaches(held, "RUNNING")
    assert [bench.describe(job)["status"] for job in (wide, narrow)] == ["RUNNABLE"] * 2
    gate.open()
    bench.end_of(narrow)
    assert bench.describe(narrow)["startedAt"] >= bench.describe(wide)["startedAt"]


def test_job_too_large_for_every_environment_stays_runnable_and_says_why(bench):
    """https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html"""
    queue = bench.queue(maxvCpus=64, instanceTypes=["c5.large"])
    memory = {VCPUS: [{"type": "MEMORY", "value": str(4 * 1024)}]}
    for overrides in (vcpus(3), memory):
        job_id = bench.submit("true", queue=queue, overrides=overrides)
        job = bench.describe(job_id)
        assert job["status"] == "RUNNABLE"
        assert job["statusReason"].startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
        bench.client.cancel_job(jobId=job_id, reason="r")
        assert bench.end_of(job_id)["status"] == "FAILED"


def test_next_environment_takes_what_the_first_has_no_place_for(bench, gate):
    first, second = bench.environment(maxvCpus=1), bench.environment(maxvCpus=1)
    queue = bench.client.create_job_queue(
        jobQueueName="two",
        priority=1,
        computeEnvironmentOrder=[
            {"order": 2, "computeEnvironment": second},
            {"order": 1, "computeEnvironment": first},
        ],
    )["jobQueueArn"]
    command = f'echo "$AWS_BATCH_CE_NAME"; cat {gate}'
    for environment in (first, second):
        job_id = bench.submit(command, queue=queue)
        reaches_output(bench, job_id, environment.rpartition("/")[2])
    gate.open()
    gate.open()


def test_disabled_environment_starts_nothing_until_it_is_enabled(bench):
    environment = bench.environment()
    queue = bench.queue(environment)
    change = bench.client.update_compute_environment
    change(computeEnvironment=environment, state="DISABLED")
    job_id = bench.submit("true", queue=queue)
    assert bench.describe(job_id)["status"] == "RUNNABLE"
    change(computeEnvironment=environment, state="ENABLED")
    assert bench.end_of(job_id)["status"] == "SUCCEEDED"


def test_disabled_queue_takes_no_job(bench, queue):
    bench.client.update_job_queue(jobQueue=queue, state="DISABLED")
    given = {"jobName": "j", "jobQueue": queue, "jobDefinition": bench.definition()}
    assert bench.refusal("submit_job", **given) == f"JobQueue {queue} is not ENABLED"


def test_machines_come_with_jobs_and_go_with_the_last(bench, stopping, gate):
    spot = {"type": "SPOT", "tags": {"app": "a"}, "instanceTypes": ["c5.2xlarge"]}
    queue = bench.queue(maxvCpus=32, **spot)
    assert (running(bench), desired(bench, queue)) == ([], 0)
    array = stopping(bench.submit(f"cat {gate}", queue=queue, arrayProperties={"size": 20}))
    bench.reaches(f"{array}:3", "RUNNING")
    assert (running(bench), desired(bench, queue)) == (["c5.2xlarge"] * 3, 24)
    ec2 = bench.cloud.context.client("ec2")
    (reservation,) = ec2.describe_instances(Filters=[{"Name": "tag:app", "Values": ["a"]}])[
        "Reservations"
    ]
    assert {each["SubnetId"] for each in reservation["Instances"]} == {bench.subnet}
    bench.client.terminate_job(jobId=array, reason="r")
    bench.end_of(array)
    assert (running(bench), desired(bench, queue)) == ([], 0)
    assert ec2.describe_volumes()["Volumes"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_machines_stay_within_the_maximum_and_go_with_their_environment(bench, stopping, gate):
    environment = bench.environment(minvCpus=2, maxvCpus=4)
    queue = bench.queue(environment)
    array = stopping(bench.submit(f"cat {gate}", queue=queue, arrayProperties={"size": 20}))
    bench.reaches(f"{array}:0", "RUNNING")
    assert running(bench) == ["c5.large"] * 2
    bench.client.terminate_job(jobId=array, reason="r")
    bench.end_of(array)
    assert "c5.large" in running(bench)
    bench.remove(queue, environment)
    assert running(bench) == []
