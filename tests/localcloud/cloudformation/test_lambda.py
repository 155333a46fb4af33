"""Functions, versions, aliases: new code and new environment arrive together, or not at all."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.functions import live, output, template, versions


def test_live_runs_new_code_with_the_new_environment(cloud: CloudUnderTest) -> None:
    name = output(cloud.create("one", template("1")), "Name")
    first = live(cloud, name)

    stack = cloud.update("one", template("2"))

    second = live(cloud, name)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert first["Environment"]["Variables"] == {"REVISION": "1"}
    assert second["Environment"]["Variables"] == {"REVISION": "2"}
    assert second["CodeSha256"] != first["CodeSha256"]
    assert (first["Version"], second["Version"]) == ("1", "2")
    assert versions(cloud, name) == ["$LATEST", "2"]
    assert output(stack, "Live").endswith(f":function:{name}:live")


def test_failed_update_leaves_live_on_the_old_version(cloud: CloudUnderTest) -> None:
    name = output(cloud.create("one", template("1")), "Name")
    before = live(cloud, name)
    bad = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "aws-refused", "Type": "String", "Value": {"Ref": "Live"}},
    }

    stack = cloud.update("one", template("2", Bad=bad))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert live(cloud, name) == before
    latest = cloud.client("lambda").get_function_configuration(FunctionName=name)
    assert latest["Environment"]["Variables"] == {"REVISION": "1"}
    assert latest["CodeSha256"] == before["CodeSha256"]
    assert versions(cloud, name) == ["$LATEST", "1"]


def test_update_that_failed_once_can_be_repeated(cloud: CloudUnderTest) -> None:
    name = output(cloud.create("one", template("1")), "Name")
    bad = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "aws-refused", "Type": "String", "Value": {"Ref": "Live"}},
    }
    cloud.update("one", template("2", Bad=bad))

    assert cloud.update("one", template("2"))["StackStatus"] == "UPDATE_COMPLETE"

    assert live(cloud, name)["Environment"]["Variables"] == {"REVISION": "2"}
    # The number of the version that was rolled back is not given again.
    assert versions(cloud, name) == ["$LATEST", "3"]


def test_version_of_an_unchanged_function_is_refused(cloud: CloudUnderTest) -> None:
    cloud.create("one", template("1"))

    stack = cloud.update("one", template("1", version="Another"))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = "A version for this Lambda function exists ( 1 )"
    assert any(reason in r for r in cloud.reasons("one"))


def test_missing_code_fails_the_function_and_nothing_is_left(cloud: CloudUnderTest) -> None:
    code = {"S3Bucket": "nobody", "S3Key": "nothing.zip"}

    stack = cloud.create("one", template("1", function={"Code": code}))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("NoSuchBucket" in reason for reason in cloud.reasons("one"))
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("iam").list_roles()["Roles"] == []


def test_code_from_s3_is_exchanged(cloud: CloudUnderTest) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="assets")
    for key in ("a.zip", "b.zip"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("index.py", key)
        s3.put_object(Bucket="assets", Key=key, Body=buffer.getvalue())

    def code(key: str) -> dict[str, Any]:
        return {"Code": {"S3Bucket": "assets", "S3Key": key}}

    name = output(cloud.create("one", template("1", function=code("a.zip"))), "Name")
    before = live(cloud, name)["CodeSha256"]
    cloud.update("one", template("2", function=code("b.zip")))
    assert live(cloud, name)["CodeSha256"] != before
