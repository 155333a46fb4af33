"""moto's own Lambda API with our patches: versions are snapshots, whoever publishes them."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest


@pytest.fixture
def function(cloud: CloudUnderTest) -> tuple[Any, str]:
    role = cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    client = cloud.client("lambda")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", "pass")
    client.create_function(
        FunctionName="f",
        Role=role["Arn"],
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": buffer.getvalue()},
        Environment={"Variables": {"A": "1"}},
    )
    return client, "f"


def test_version_is_a_snapshot(function: tuple[Any, str]) -> None:
    client, name = function
    published = client.publish_version(FunctionName=name)

    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"A": "2"}}, MemorySize=512
    )

    version = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert version["Environment"] == published["Environment"] == {"Variables": {"A": "1"}}
    assert version["MemorySize"] == 128
    latest = client.get_function_configuration(FunctionName=name)
    assert latest["Environment"] == {"Variables": {"A": "2"}}


def test_unchanged_function_publishes_no_new_version(function: tuple[Any, str]) -> None:
    client, name = function
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    client.update_function_configuration(FunctionName=name, Timeout=9)
    assert client.publish_version(FunctionName=name)["Version"] == "2"
    client.update_function_configuration(FunctionName=name, Timeout=9)
    assert client.publish_version(FunctionName=name)["Version"] == "2"


def test_version_number_is_never_given_twice(function: tuple[Any, str]) -> None:
    client, name = function
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Timeout=9)
    client.publish_version(FunctionName=name)
    client.delete_function(FunctionName=name, Qualifier="1")
    client.update_function_configuration(FunctionName=name, Timeout=10)

    assert client.publish_version(FunctionName=name)["Version"] == "3"

    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "2", "3"]


def test_zip_bytes_of_a_version_stay(function: tuple[Any, str]) -> None:
    client, name = function
    before = client.publish_version(FunctionName=name)["CodeSha256"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", "other")
    client.update_function_code(FunctionName=name, ZipFile=buffer.getvalue())

    version = client.get_function_configuration(FunctionName=name, Qualifier="1")
    latest = client.get_function_configuration(FunctionName=name)
    assert version["CodeSha256"] == before
    assert latest["CodeSha256"] != before
    assert base64.b64decode(before)


def test_image_of_a_version_stays(cloud: CloudUnderTest) -> None:
    role = cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]
    client = cloud.client("lambda")
    registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com/repo"
    client.create_function(
        FunctionName="f",
        Role=role["Arn"],
        PackageType="Image",
        Code={"ImageUri": f"{registry}:a"},
        ImageConfig={"Command": ["a.handler"]},
    )
    client.publish_version(FunctionName="f")

    client.update_function_code(FunctionName="f", ImageUri=f"{registry}:b")
    client.update_function_configuration(FunctionName="f", ImageConfig={"Command": ["b.handler"]})

    version = client.get_function(FunctionName="f", Qualifier="1")
    assert version["Code"]["ImageUri"] == f"{registry}:a"
    settings = version["Configuration"]["ImageConfigResponse"]["ImageConfig"]
    assert settings["Command"] == ["a.handler"]
    assert client.get_function(FunctionName="f")["Code"]["ImageUri"] == f"{registry}:b"
    assert client.publish_version(FunctionName="f")["Version"] == "2"
