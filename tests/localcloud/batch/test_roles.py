"""Whose permissions a job has, and what is said when its role does not trust ECS.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

from __future__ import annotations

import json
import sys

import pytest

from tests.localcloud.batch.bench import name, trust

PUT = """
import boto3, sys
client = boto3.client("s3", region_name="us-east-1")
client.put_object(Bucket=sys.argv[1], Key=sys.argv[2], Body=b"x")
"""


@pytest.fixture
def bucket(bench) -> str:
    bucket = name("bucket")
    bench.cloud.context.client("s3").create_bucket(Bucket=bucket)
    return bucket


def definition(bench, *, service, resource, script):
    """Of a job whose role may put objects there."""
    iam = bench.cloud.context.client("iam")
    role = iam.create_role(RoleName=name("role"), AssumeRolePolicyDocument=trust(service))["Role"]
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": resource}
    iam.put_role_policy(
        RoleName=role["RoleName"],
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    script.write_text(PUT)
    return role["Arn"], bench.definition(container={"jobRoleArn": role["Arn"]})


def test_job_may_do_what_its_role_may_and_nothing_else(bench, queue, bucket, tmp_path):
    script = tmp_path / "put.py"
    role, made = definition(
        bench,
        service="ecs-tasks.amazonaws.com",
        resource=f"arn:aws:s3:::{bucket}/mine/*",
        script=script,
    )
    put = f"exec {sys.executable} {script} {bucket}"
    needs = {"definition": made, "queue": queue}
    assert bench.run(f"{put} mine/a", **needs)["status"] == "SUCCEEDED"
    denied = bench.run(f"{put} yours/a", **needs)
    assert denied["status"] == "FAILED"
    assert "is not authorized to perform: s3:PutObject" in "\n".join(bench.lines(denied))
    decided = [each for each in bench.cloud.gate.decisions() if each.principal == role]
    assert {(each.resource.rpartition("/")[0][-5:], each.allowed) for each in decided} == {
        ("/mine", True),
        ("yours", False),
    }


def test_job_without_a_role_has_no_credentials(bench, queue, bucket, tmp_path):
    script = tmp_path / "put.py"
    script.write_text(PUT)
    job = bench.run(f"exec {sys.executable} {script} {bucket} a", queue=queue)
    assert job["status"] == "FAILED"
    assert "Unable to locate credentials" in "\n".join(bench.lines(job))


def test_role_that_does_not_trust_ecs_keeps_the_job_from_starting(bench, queue, tmp_path):
    role, made = definition(
        bench, service="lambda.amazonaws.com", resource="*", script=tmp_path / "put.py"
    )
    job = bench.run("true", queue=queue, definition=made)
    assert job["status"] == "FAILED"
    assert job["statusReason"].startswith(f"ECS was unable to assume the role '{role}'")
