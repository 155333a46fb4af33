"""Exports: registered by every way of deploying, unique, and safe while in use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localcloud.cloudformation.conftest import CloudUnderTest


def parameter(value: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def exporter(value: Any = "1", name: str = "shared") -> dict[str, Any]:
    return {
        "Resources": {"P": parameter("p")},
        "Outputs": {"O": {"Value": value, "Export": {"Name": name}}},
    }


def importer(name: str = "shared") -> dict[str, Any]:
    return {"Resources": {"P": parameter({"Fn::ImportValue": name})}}


def exports(cloud: CloudUnderTest) -> dict[str, str]:
    listed = cloud.cloudformation.list_exports()["Exports"]
    return {item["Name"]: item["Value"] for item in listed}


@pytest.fixture
def pair(cloud: CloudUnderTest) -> CloudUnderTest:
    """Stack `out` exports what stack `in` uses."""
    cloud.change_set("out", exporter(), ChangeSetType="CREATE")
    cloud.cloudformation.execute_change_set(StackName="out", ChangeSetName="cdk-deploy-change-set")
    assert cloud.finish("out")["StackStatus"] == "CREATE_COMPLETE"
    assert cloud.create("in", importer())["StackStatus"] == "CREATE_COMPLETE"
    return cloud


def test_imported_value_arrives(pair: CloudUnderTest) -> None:
    (value,) = [
        pair.client("ssm").get_parameter(Name=pair.physical_id("in", "P"))["Parameter"]["Value"]
    ]
    assert value == "1"
    assert exports(pair) == {"shared": "1"}
    assert pair.cloudformation.list_imports(ExportName="shared")["Imports"] == ["in"]


def test_used_export_cannot_change(pair: CloudUnderTest) -> None:
    stack = pair.update("out", exporter("2"))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = "Export shared cannot be updated as it is in use by in"
    assert any(reason in r for r in pair.reasons("out"))
    assert exports(pair) == {"shared": "1"}


def test_all_users_of_an_export_are_named(pair: CloudUnderTest) -> None:
    """As https://github.com/aws/aws-cdk/issues/604 quotes CloudFormation."""
    pair.create("other", importer())

    pair.update("out", exporter("2"))

    reason = "Export shared cannot be updated as it is in use by in and other"
    assert any(reason in r for r in pair.reasons("out"))


def test_used_export_cannot_vanish(pair: CloudUnderTest) -> None:
    stack = pair.update("out", {"Resources": {"P": parameter("q")}})

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = "Export shared cannot be deleted as it is in use by in"
    assert any(reason in r for r in pair.reasons("out"))


def test_stack_with_a_used_export_is_not_deleted(pair: CloudUnderTest) -> None:
    stack = pair.delete("out")

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["StackStatusReason"].startswith("Delete canceled. Export shared cannot be deleted")
    assert pair.physical_id("out", "P")

    pair.delete("in")
    assert pair.delete("out")["StackStatus"] == "DELETE_COMPLETE"
    assert exports(pair) == {}


def test_export_is_free_once_the_importer_lets_go(pair: CloudUnderTest) -> None:
    pair.update("in", {"Resources": {"P": parameter("own")}})

    assert pair.update("out", exporter("2"))["StackStatus"] == "UPDATE_COMPLETE"
    assert exports(pair) == {"shared": "2"}


def test_failed_importer_holds_nothing(cloud: CloudUnderTest) -> None:
    cloud.create("out", exporter())
    failing = importer()
    failing["Resources"]["Bad"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": "1", "Name": "aws-refused"},
        "DependsOn": "P",
    }
    assert cloud.create("in", failing)["StackStatus"] == "ROLLBACK_COMPLETE"

    assert cloud.delete("out")["StackStatus"] == "DELETE_COMPLETE"


def test_export_name_belongs_to_one_stack(cloud: CloudUnderTest) -> None:
    cloud.create("out", exporter())

    stack = cloud.create("rival", exporter("other"))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = "Export with name shared is already exported by stack out"
    assert any(reason in r for r in cloud.reasons("rival"))
    assert exports(cloud) == {"shared": "1"}


def test_missing_export_fails_the_importer(cloud: CloudUnderTest) -> None:
    stack = cloud.create("in", importer("absent"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("No export named absent found" in r for r in cloud.reasons("in"))


def test_unused_export_has_no_importers(cloud: CloudUnderTest) -> None:
    cloud.create("out", exporter())
    error = cloud.refusal(cloud.cloudformation.list_imports, ExportName="shared")
    assert error["Message"] == "Export 'shared' is not imported by any stack."


def test_output_of_a_wrong_kind_fails(cloud: CloudUnderTest) -> None:
    given = {"Resources": {"P": parameter("p")}, "Outputs": {"O": {"Value": ["a"]}}}
    cloud.cloudformation.create_stack(StackName="one", TemplateBody=json.dumps(given))
    assert cloud.finish("one")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("Output O must be a string" in r for r in cloud.reasons("one"))
