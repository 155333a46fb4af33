from __future__ import annotations

from tests.stacks.synthesized import Synthesized, as_text

STATEFUL = {
    "Storage/InputBucket3BF8630A",
    "Storage/ResultsBucketA95A2103",
}


def test_bucket_is_closed_to_the_public(either: Synthesized) -> None:
    for bucket in either.resources("AWS::S3::Bucket").values():
        properties = bucket["Properties"]
        assert properties["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }
        ownership = properties["OwnershipControls"]["Rules"]
        assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert properties["BucketEncryption"]


def test_bucket_and_its_objects_refuse_plain_http(either: Synthesized) -> None:
    refusing = set()
    for policy in either.resources("AWS::S3::BucketPolicy").values():
        bucket = policy["Properties"]["Bucket"]["Ref"]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                assert statement["Action"] == "s3:*"
                assert statement["Principal"] == {"AWS": "*"}
                assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                covered = {as_text(resource) for resource in statement["Resource"]}
                assert covered == {f"<{bucket}.Arn>", f"<{bucket}.Arn>/*"}
                refusing.add(f"Storage/{bucket}")
    assert refusing == set(either.resources("AWS::S3::Bucket"))


def test_bucket_policy_opens_nothing_to_everybody(either: Synthesized) -> None:
    for policy in either.resources("AWS::S3::BucketPolicy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Deny" or "*" not in str(statement["Principal"])


def test_unfinished_uploads_are_removed(either: Synthesized) -> None:
    for bucket in either.resources("AWS::S3::Bucket").values():
        (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert rule["Status"] == "Enabled"
        assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_dev_buckets_go_with_their_stack(dev: Synthesized) -> None:
    for bucket in dev.resources("AWS::S3::Bucket").values():
        assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Delete", "Delete")
        assert bucket["Properties"]["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 30
    emptied = {
        resource["Properties"]["BucketName"]["Ref"]
        for resource in dev.resources("Custom::S3AutoDeleteObjects").values()
    }
    assert {f"Storage/{bucket}" for bucket in emptied} == STATEFUL


def test_prod_buckets_stay_with_their_policies_and_old_versions(prod: Synthesized) -> None:
    buckets = prod.resources("AWS::S3::Bucket")
    for kept in [*buckets.values(), *prod.resources("AWS::S3::BucketPolicy").values()]:
        assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("Retain", "Retain")
    for bucket in buckets.values():
        assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert not prod.resources("Custom::S3AutoDeleteObjects")


def test_prod_data_never_expires(prod: Synthesized) -> None:
    for name in STATEFUL:
        (rule,) = prod.resources()[name]["Properties"]["LifecycleConfiguration"]["Rules"]
        assert "ExpirationInDays" not in rule


def test_prod_buckets_log_who_reads_them(prod: Synthesized) -> None:
    for name in STATEFUL:
        logging = prod.resources()[name]["Properties"]["LoggingConfiguration"]
        assert logging["DestinationBucketName"] == {"Ref": "AccessLogs8B620ECA"}


def test_bucket_emptying_function_can_write_to_its_own_log_group_only(dev: Synthesized) -> None:
    """With logs:CreateLogGroup, a late line would bring the deleted group back."""
    granted = dev.statements_of("Storage/CustomS3AutoDelete")
    assert granted == {
        "logs:CreateLogStream": ["<AutoDeleteLogs5072FD4F.Arn>"],
        "logs:PutLogEvents": ["<AutoDeleteLogs5072FD4F.Arn>"],
    }
    handler = next(
        resource
        for name, resource in dev.resources("AWS::Lambda::Function").items()
        if "AutoDelete" in name
    )
    assert handler["Properties"]["LoggingConfig"] == {"LogGroup": {"Ref": "AutoDeleteLogs5072FD4F"}}
