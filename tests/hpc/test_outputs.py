"""A deployment is what its stacks' outputs say, or an error that names what is missing."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from hpc.errors import NotDeployedError
from hpc.outputs import read_deployment
from tests.hpc.conftest import deploy_stack


def test_deployment_is_read_from_the_outputs_of_the_stage(deployed) -> None:
    found = read_deployment("dev")
    assert (found.input_bucket, found.results_bucket) == ("inputs", "results")
    assert (found.classify_function, found.state_machine_arn) == ("classify", "arn:aws:states:::x")
    assert (found.api_url, found.region) == (deployed.url, "us-east-1")


def test_deployment_on_this_machine_says_so(deployed) -> None:
    assert read_deployment("dev").place == "embedded cloud on this machine"


def test_deployment_elsewhere_names_its_region(aws, deployed) -> None:
    aws("cloudformation").delete_stack(StackName="shpc-dev-api")
    url = "https://a1b2c3.execute-api.us-east-1.amazonaws.com"
    deploy_stack(aws, "shpc-dev-api", {"ApiUrl": f"{url}/"})
    found = read_deployment("dev")
    assert (found.place, found.api_url) == ("AWS us-east-1", url)


def test_missing_stack_is_named_with_what_to_do(deployed) -> None:
    with pytest.raises(
        NotDeployedError, match=r"shpc-prod-storage is not deployed.*make deploy STAGE=prod"
    ):
        read_deployment("prod")


def test_missing_output_is_named_with_those_there_are(aws, deployed) -> None:
    aws("cloudformation").delete_stack(StackName="shpc-dev-api")
    deploy_stack(aws, "shpc-dev-api", {"Url": "http://x"})
    with pytest.raises(NotDeployedError, match="shpc-dev-api has no output ApiUrl; it has Url"):
        read_deployment("dev")


def test_stack_that_failed_to_deploy_is_not_used() -> None:
    session = boto3.Session(
        aws_access_key_id="AKID", aws_secret_access_key="secret", region_name="us-east-1"
    )
    cloudformation = session.client("cloudformation")
    session.client = lambda name: cloudformation  # type: ignore[method-assign]
    stack = {
        "StackName": "shpc-dev-storage",
        "CreationTime": "2026-01-01",
        "StackStatus": "ROLLBACK_COMPLETE",
    }
    with Stubber(cloudformation) as stub:
        stub.add_response("describe_stacks", {"Stacks": [stack]})
        with pytest.raises(NotDeployedError, match="shpc-dev-storage is ROLLBACK_COMPLETE"):
            read_deployment("dev", session=session)
