from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from review.retention import Kept, kept
from tests.review.made_up import assembly


def only(folder: Path, resource: dict[str, Any], **more: Any) -> Kept:
    (one,) = kept(assembly(folder, {"App": {"It": resource}}, **more))
    return one


@pytest.mark.parametrize(
    ("resource", "stays", "on_destroy"),
    [
        ({"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}, True, "stays"),
        ({"Type": "AWS::IAM::Role", "DeletionPolicy": "Retain"}, True, "stays"),
        ({"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Snapshot"}, True, "stays"),
        ({"Type": "AWS::S3::Bucket"}, False, "is deleted if it is empty"),
        ({"Type": "AWS::Logs::LogGroup"}, False, "is deleted with what is in it"),
        (
            {"Type": "AWS::KMS::Key", "Properties": {"PendingWindowInDays": 7}},
            False,
            "is deleted 7 days later",
        ),
        ({"Type": "AWS::KMS::Key", "Properties": {}}, False, "is deleted 30 days later"),
    ],
    ids=str,
)
def test_fate_follows_the_template(
    tmp_path: Path, resource: dict[str, Any], stays: bool, on_destroy: str
) -> None:
    one = only(tmp_path, {"Properties": {}, **resource})
    assert one.stays is stays
    assert one.on_destroy.startswith(on_destroy)


def test_emptied_bucket_is_said_to_be(tmp_path: Path) -> None:
    made = assembly(
        tmp_path,
        {
            "App": {
                "It": {"Type": "AWS::S3::Bucket", "Properties": {}},
                "Emptier": {
                    "Type": "Custom::S3AutoDeleteObjects",
                    "Properties": {"BucketName": {"Ref": "It"}},
                },
            }
        },
    )
    (one,) = kept(made)
    assert one.on_destroy == "is emptied and deleted"


def test_protections_are_listed(tmp_path: Path) -> None:
    bucket = {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",
        "Properties": {
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {
                "Rules": [
                    {"ExpirationInDays": 30, "NoncurrentVersionExpiration": {"NoncurrentDays": 9}}
                ]
            },
        },
    }
    one = only(tmp_path, bucket, protected=("App",))
    assert one.until_then == (
        "its stack's termination protection, old versions, objects live 30 days, "
        "old versions live 9 days"
    )


def test_what_is_unprotected_is_said_to_be(tmp_path: Path) -> None:
    assert only(tmp_path, {"Type": "AWS::SQS::Queue", "Properties": {}}).until_then == "nothing"


def test_what_holds_nothing_and_goes_is_not_listed(tmp_path: Path) -> None:
    made = assembly(tmp_path, {"App": {"It": {"Type": "AWS::IAM::Role", "Properties": {}}}})
    assert kept(made) == []
