"""A network, environments, queues and definitions of these tests, and jobs on them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.images.store import Image, ImageStore

SHELL = "123456789012.dkr.ecr.us-east-1.amazonaws.com/tests:shell"
PLAIN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/tests:plain"
ENDED = ("SUCCEEDED", "FAILED")


def push_images(cloud: Cloud) -> None:
    """SHELL runs its command by a shell; PLAIN has no entry point of its own."""
    store = ImageStore(cloud.context.state_dir)
    for uri, entrypoint in ((SHELL, ["/bin/sh", "-c"]), (PLAIN, [])):
        image_id = hashlib.sha256(uri.encode()).hexdigest()
        built = store.folder / f"building-{image_id}"
        (built / "task").mkdir(parents=True)
        (built / "task" / "greeting").write_text("hello from the image\n")
        home = str(store.folder / image_id / "task")
        image = Image(
            image_id=image_id,
            task=home,
            workdir=home,
            python=sys.executable,
            handler="handler.handler",
            environment={"FROM_IMAGE": "image", "BOTH": "image"},
            platform=None,
            entrypoint=entrypoint,
        )
        store.add(image, built)
        store.pushed(image, [hashlib.sha256(uri.encode()).hexdigest()])


def name(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:8]}"


@dataclass
class Bench:
    """What the tests do with one cloud."""

    cloud: Cloud
    subnet: str = ""
    group: str = ""
    profile: str = ""

    @property
    def client(self) -> Any:
        return self.cloud.context.client("batch")

    def make_network(self) -> None:
        ec2 = self.cloud.context.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/17")["Subnet"]["SubnetId"]
        self.group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
        made = self.cloud.context.client("iam").create_instance_profile(InstanceProfileName="p")
        self.profile = made["InstanceProfile"]["Arn"]

    def resources(self, **settings: Any) -> dict[str, Any]:
        return {
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 4,
            "instanceTypes": ["c5.large"],
            "subnets": [self.subnet],
            "securityGroupIds": [self.group],
            "instanceRole": self.profile,
            **settings,
        }

    def environment(self, **settings: Any) -> str:
        return str(
            self.client.create_compute_environment(
                computeEnvironmentName=name("environment"),
                type="MANAGED",
                computeResources=self.resources(**settings),
            )["computeEnvironmentArn"]
        )

    def queue(self, environment: str = "", *, priority: int = 1, **settings: Any) -> str:
        environment = environment or self.environment(**settings)
        return str(
            self.client.create_job_queue(
                jobQueueName=name("queue"),
                priority=priority,
                computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
            )["jobQueueArn"]
        )

    def remove(self, queue: str, environment: str) -> None:
        self.client.update_job_queue(jobQueue=queue, state="DISABLED")
        self.client.delete_job_queue(jobQueue=queue)
        self.client.update_compute_environment(computeEnvironment=environment, state="DISABLED")
        self.client.delete_compute_environment(computeEnvironment=environment)

    def definition(self, *, container: dict[str, Any] | None = None, **settings: Any) -> str:
        properties = {
            "image": SHELL,
            "resourceRequirements": [
                {"type": "VCPU", "value": "1"},
                {"type": "MEMORY", "value": "256"},
            ],
            **(container or {}),
        }
        return str(
            self.client.register_job_definition(
                jobDefinitionName=name("definition"),
                type="container",
                containerProperties=properties,
                **settings,
            )["jobDefinitionArn"]
        )

    def submit(self, command: str, *, queue: str, definition: str = "", **given: Any) -> str:
        overrides = {"command": [command], **given.pop("overrides", {})}
        return str(
            self.client.submit_job(
                jobName="job",
                jobQueue=queue,
                jobDefinition=definition or self.definition(),
                containerOverrides=overrides,
                **given,
            )["jobId"]
        )

    def describe(self, job_id: str) -> dict[str, Any]:
        (job,) = self.client.describe_jobs(jobs=[job_id])["jobs"]
        return dict(job)

    def reaches(self, job_id: str, *statuses: str, within_s: float = 30) -> dict[str, Any]:
        """The job once it is in one of these states."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            job = self.describe(job_id)
            if job["status"] in statuses:
                return job
            threading.Event().wait(0.01)
        raise AssertionError(f"{job_id} is {self.describe(job_id)['status']}, not {statuses}")

    def end_of(self, job_id: str) -> dict[str, Any]:
        return self.reaches(job_id, *ENDED)

    def run(self, command: str, **given: Any) -> dict[str, Any]:
        return self.end_of(self.submit(command, **given))

    def lines(self, job: dict[str, Any], group: str = "/aws/batch/job") -> list[str]:
        events = self.cloud.context.client("logs").get_log_events(
            logGroupName=group, logStreamName=job["container"]["logStreamName"]
        )["events"]
        return [event["message"] for event in events]

    def refusal(self, call: str, **given: Any) -> str:
        """The message with which Batch refuses a call."""
        with pytest.raises(ClientError) as raised:
            getattr(self.client, call)(**given)
        assert raised.value.response["Error"]["Code"] == "ClientException"
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        return str(raised.value.response["Error"]["Message"])


def reaches_output(bench: Bench, job_id: str, line: str) -> None:
    """Return once the job has written the line."""
    job = bench.reaches(job_id, "RUNNING")
    deadline = time.monotonic() + 30
    while line not in bench.lines(job):
        assert time.monotonic() < deadline, f"{job_id} never wrote {line!r}"
        threading.Event().wait(0.01)


class Gate:
    """A named pipe: what runs `cat` on it goes on when the test opens the gate."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / name("gate")
        os.mkfifo(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def open(self) -> None:
        self.path.write_text("go\n")


def trust(*services: str) -> str:
    """Of services acting for this account's tasks, as ECS documents it.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    """
    statement = {
        "Condition": {
            "ArnLike": {"aws:SourceArn": "arn:aws:ecs:us-east-1:123456789012:*"},
            "StringEquals": {"aws:SourceAccount": "123456789012"},
        },
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
