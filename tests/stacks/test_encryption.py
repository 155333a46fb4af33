"""At rest everything is encrypted; on the way nothing goes without TLS."""

from __future__ import annotations

from typing import Any

from tests.stacks.synthesized import Synthesized

TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}


def refuses_plain_http(policy: dict[str, Any]) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] in ("*", {"AWS": "*"})
        and statement["Condition"] == TLS_ONLY
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    )


def test_every_bucket_is_encrypted_by_default(every: Synthesized) -> None:
    for name, bucket in every.resources("AWS::S3::Bucket").items():
        encryption = bucket["Properties"]["BucketEncryption"]
        (rule,) = encryption["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}, name


def test_every_topic_is_encrypted_with_a_key_of_its_stack(every: Synthesized) -> None:
    for name, topic in every.resources("AWS::SNS::Topic").items():
        key = every.names.target(name.partition("/")[0], topic["Properties"]["KmsMasterKeyId"])
        assert key in every.resources("AWS::KMS::Key"), name


def test_every_queue_is_encrypted(every: Synthesized) -> None:
    for name, queue in every.resources("AWS::SQS::Queue").items():
        properties = queue["Properties"]
        assert "KmsMasterKeyId" in properties or properties["SqsManagedSseEnabled"] is True, name


def test_every_key_rotates(every: Synthesized) -> None:
    for name, key in every.resources("AWS::KMS::Key").items():
        assert key["Properties"]["EnableKeyRotation"] is True, name


def test_every_volume_is_encrypted_and_goes_with_its_machine(every: Synthesized) -> None:
    for name, template in every.resources("AWS::EC2::LaunchTemplate").items():
        devices = template["Properties"]["LaunchTemplateData"]["BlockDeviceMappings"]
        assert devices, name
        for device in devices:
            assert device["Ebs"]["Encrypted"] is True, name
            assert device["Ebs"]["DeleteOnTermination"] is True, name


def test_machine_s_metadata_wants_a_token_and_reaches_no_container(every: Synthesized) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-iam-roles.html"""
    for name, template in every.resources("AWS::EC2::LaunchTemplate").items():
        options = template["Properties"]["LaunchTemplateData"]["MetadataOptions"]
        assert options == {"HttpPutResponseHopLimit": 1, "HttpTokens": "required"}, name


def test_bucket_topic_and_queue_refuse_plain_http(every: Synthesized) -> None:
    for kind, policy_kind, key in (
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
    ):
        guarded = set()
        for name, policy in every.resources(policy_kind).items():
            targets = policy["Properties"][key]
            for target in targets if isinstance(targets, list) else [targets]:
                if refuses_plain_http(policy):
                    guarded.add(every.names.target(name.partition("/")[0], target))
        assert guarded == set(every.resources(kind)), kind


def test_machines_answer_nobody_and_call_by_https_alone(every: Synthesized) -> None:
    for name, group in every.resources("AWS::EC2::SecurityGroup").items():
        assert "SecurityGroupIngress" not in group["Properties"], name
        for rule in group["Properties"]["SecurityGroupEgress"]:
            assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)
    assert not every.resources("AWS::EC2::SecurityGroupIngress")
