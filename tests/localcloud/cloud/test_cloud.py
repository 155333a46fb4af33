from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core.config import default_user_config
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from localcloud.cloud import Cloud
from localcloud.functions import FunctionService


def port_of(cloud: Cloud) -> int:
    return int(cloud.context.endpoint.rpartition(":")[2])


def test_cloud_leaves_nothing_behind_when_it_stops(tmp_path):
    threads = set(threading.enumerate())
    config = {section: dict(values) for section, values in default_user_config.items()}  # type: ignore[call-overload]
    start_execution = StepFunctionsParserBackend.start_execution
    with Cloud(state_dir=tmp_path / "state") as cloud:
        assert (tmp_path / "state").is_dir()
        assert StepFunctionsParserBackend.start_execution is not start_execution
        port = port_of(cloud)
        cloud.context.client("s3").list_buckets()
    assert not (tmp_path / "state").exists()
    assert set(threading.enumerate()) == threads
    assert StepFunctionsParserBackend.start_execution is start_execution
    assert default_user_config == config
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", port))


def test_cloud_began_anew_is_an_empty_account():
    cloud = Cloud()
    for _ in range(2):
        cloud.start()
        s3 = cloud.context.client("s3")
        assert s3.list_buckets()["Buckets"] == []
        s3.create_bucket(Bucket="any-bucket")
        cloud.stop()


def test_cloud_whose_start_fails_can_be_followed_by_another(tmp_path):
    def broken(context: Any) -> FunctionService:
        raise RuntimeError("planted")

    state_dir = tmp_path / "state"
    with pytest.raises(RuntimeError, match="planted"):
        Cloud(state_dir=state_dir, make_functions=broken).start()
    assert not state_dir.exists()
    with Cloud() as cloud:
        assert cloud.functions.running_processes() == []


def test_second_cloud_in_a_process_is_refused():
    with Cloud(), pytest.raises(RuntimeError, match="a cloud is up in this process"):
        Cloud().start()


def test_taken_port_is_refused_and_lets_go():
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    with taken, pytest.raises(OSError, match="Address already in use"):
        Cloud(port=port).start()
    with Cloud(port=port) as cloud:
        assert port_of(cloud) == port


def test_folder_with_files_is_refused_and_kept(tmp_path):
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(ValueError, match=r"state_dir: .* is not empty"):
        Cloud(state_dir=tmp_path)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("account", ["", "12345678901", "1234567890123", "12345678901x"])
def test_account_that_is_not_12_digits_is_refused(account):
    with pytest.raises(ValueError, match=r"account: .*; allowed: 12 digits"):
        Cloud(account=account)


def test_account_and_region_are_those_asked_for():
    with Cloud(account="210987654321", region="eu-west-1") as cloud:
        topic = cloud.context.client("sns").create_topic(Name="any")
        assert topic["TopicArn"] == "arn:aws:sns:eu-west-1:210987654321:any"
        role = cloud.context.client("iam").create_role(
            RoleName="any", AssumeRolePolicyDocument='{"Statement": []}'
        )
        assert role["Role"]["Arn"] == "arn:aws:iam::210987654321:role/any"


@pytest.mark.parametrize(("service", "global_"), [("sts", True), ("ssm", False)])
def test_only_global_services_are_signed_for_in_us_east_1(service, global_):
    """https://docs.aws.amazon.com/general/latest/gr/rande.html#global-endpoints"""
    with Cloud(region="eu-west-1") as cloud:
        client = boto3.client(
            service,
            endpoint_url=cloud.context.endpoint,
            region_name="us-east-1",
            aws_access_key_id=cloud.context.access_key_id,
            aws_secret_access_key=cloud.context.secret_access_key,
        )
        if global_:
            assert client.get_caller_identity()["Account"] == cloud.context.account
        else:
            with pytest.raises(ClientError, match="InvalidSignatureException"):
                client.describe_parameters()


def test_environ_is_all_that_a_client_needs(monkeypatch):
    with Cloud() as cloud:
        for name, value in cloud.environ.items():
            monkeypatch.setenv(name, value)
        boto3.Session().client("s3").create_bucket(Bucket="by-environment")
        buckets = cloud.context.client("s3").list_buckets()["Buckets"]
        assert [bucket["Name"] for bucket in buckets] == ["by-environment"]
        assert Path(cloud.environ["CDK_DOCKER"]).stat().st_mode & 0o100


def test_profile_of_the_caller_is_left_alone_and_plays_no_part(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "of-another-account")
    with Cloud() as cloud:
        assert cloud.context.client("s3").list_buckets()["Buckets"] == []
    assert os.environ["AWS_PROFILE"] == "of-another-account"


def test_two_clouds_have_keys_of_their_own():
    keys = set()
    for _ in range(2):
        with Cloud() as cloud:
            keys.add((cloud.context.access_key_id, cloud.context.secret_access_key))
    assert len(keys) == 2


def test_parts_of_a_cloud_that_is_not_up_are_an_error():
    cloud = Cloud()
    with pytest.raises(RuntimeError, match="not up"):
        _ = cloud.context
    cloud.stop()
