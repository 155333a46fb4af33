"""What S3 lets roles, strangers and the deployer do, asked with boto3 and obstore."""

from __future__ import annotations

from typing import Any

import boto3
import obstore
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from obstore.exceptions import PermissionDeniedError
from obstore.store import S3Store

from tests.localcloud.iam.asking import clients, objects, refusal
from tests.localcloud.iam.policies import allow, deny, document


def test_role_may_do_what_its_policy_allows_and_nothing_else(cloud, bucket, as_role):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""
    s3 = as_role(allow("s3:PutObject", objects(bucket, "jobs/*")))("s3")
    s3.put_object(Bucket=bucket, Key="jobs/1", Body=b"a")
    code, message, status = refusal(s3.put_object, Bucket=bucket, Key="inputs/1", Body=b"a")
    assert (code, status) == ("AccessDenied", 403)
    assert message.startswith("User: arn:aws:sts::123456789012:assumed-role/role-")
    assert message.endswith(
        f"/tester is not authorized to perform: s3:PutObject on resource: {objects(bucket)[:-1]}"
        "inputs/1 because no identity-based policy allows the s3:PutObject action"
    )
    assert refusal(s3.get_object, Bucket=bucket, Key="jobs/1")[0] == "AccessDenied"
    assert refusal(s3.list_buckets)[0] == "AccessDenied"


def test_wrong_bucket_is_denied(cloud, bucket, as_role):
    s3 = as_role(allow("s3:*", [objects(bucket), f"arn:aws:s3:::{bucket}"]))("s3")
    other = f"{bucket}-too"
    cloud.context.client("s3").create_bucket(Bucket=other)
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    assert refusal(s3.put_object, Bucket=other, Key="a", Body=b"a")[0] == "AccessDenied"
    assert refusal(s3.list_objects_v2, Bucket=other)[0] == "AccessDenied"


def test_explicit_deny_is_said_to_be_one(bucket, as_role):
    s3 = as_role(allow("s3:*", "*"), deny("s3:DeleteObject", "*"))("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    message = refusal(s3.delete_object, Bucket=bucket, Key="a")[1]
    assert message.endswith("with an explicit deny in an identity-based policy")


def test_missing_object_is_a_404_only_for_who_may_list(cloud, bucket, as_role):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    read = allow("s3:GetObject", objects(bucket))
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    for call in ("get_object", "head_object"):
        reader = getattr(as_role(read)("s3"), call)
        lister = getattr(as_role(read, listing)("s3"), call)
        assert refusal(reader, Bucket=bucket, Key="gone")[2] == 403
        assert refusal(lister, Bucket=bucket, Key="gone")[2] == 404


def test_listing_is_bounded_by_a_condition_on_its_prefix(bucket, as_role):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html"""
    condition = {"StringLike": {"s3:prefix": "jobs/*"}}
    s3 = as_role(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=condition))("s3")
    s3.list_objects_v2(Bucket=bucket, Prefix="jobs/1/")
    assert refusal(s3.list_objects_v2, Bucket=bucket, Prefix="inputs/")[0] == "AccessDenied"
    assert refusal(s3.list_objects_v2, Bucket=bucket)[0] == "AccessDenied"


def test_copy_takes_reading_the_source_and_writing_the_destination(cloud, bucket, as_role):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    cloud.context.client("s3").put_object(Bucket=bucket, Key="from/a", Body=b"a")
    copy = {"Bucket": bucket, "Key": "to/a", "CopySource": {"Bucket": bucket, "Key": "from/a"}}
    read, write = (
        allow("s3:GetObject", objects(bucket, "from/*")),
        allow("s3:PutObject", objects(bucket, "to/*")),
    )
    as_role(read, write)("s3").copy_object(**copy)
    assert refusal(as_role(read)("s3").copy_object, **copy)[0] == "AccessDenied"
    assert refusal(as_role(write)("s3").copy_object, **copy)[0] == "AccessDenied"


def test_multipart_upload_is_writing_and_its_end_has_permissions_of_its_own(bucket, as_role):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions"""
    writer = as_role(allow("s3:PutObject", objects(bucket)))("s3")
    upload = {"Bucket": bucket, "Key": "large"}
    upload["UploadId"] = writer.create_multipart_upload(**upload)["UploadId"]
    writer.upload_part(**upload, PartNumber=1, Body=b"a")
    assert refusal(writer.list_parts, **upload)[0] == "AccessDenied"
    assert refusal(writer.abort_multipart_upload, **upload)[0] == "AccessDenied"
    ending = ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    as_role(allow(ending, objects(bucket)))("s3").abort_multipart_upload(**upload)


def test_deleting_many_objects_takes_the_permission_for_each(cloud, bucket, as_role):
    for key in ("jobs/1", "inputs/a&b"):
        cloud.context.client("s3").put_object(Bucket=bucket, Key=key, Body=b"")
    s3 = as_role(allow("s3:DeleteObject", objects(bucket, "jobs/*")))("s3")
    both = {"Objects": [{"Key": "jobs/1"}, {"Key": "inputs/a&b"}]}
    message = refusal(s3.delete_objects, Bucket=bucket, Delete=both)[1]
    assert objects(bucket, "inputs/a&b") in message
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "jobs/1"}]})


def test_obstore_is_held_to_its_role(cloud, bucket, make_role):
    role = make_role(allow(["s3:GetObject", "s3:PutObject"], objects(bucket, "jobs/*")))
    session = cloud.context.client("sts").assume_role(RoleArn=role, RoleSessionName="obstore")
    credentials = session["Credentials"]
    store = S3Store(
        bucket,
        endpoint=cloud.context.endpoint,
        region=cloud.context.region,
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    obstore.put(store, "jobs/1", b"abc")
    assert bytes(obstore.get_range(store, "jobs/1", start=1, end=3)) == b"bc"
    with pytest.raises(PermissionDeniedError):
        obstore.put(store, "inputs/1", b"abc")
    with pytest.raises(PermissionDeniedError):
        obstore.get(store, "jobs/gone")


def tls_only(bucket: str) -> str:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    both = [objects(bucket), f"arn:aws:s3:::{bucket}"]
    return document(deny("s3:*", both, Principal="*", Condition=insecure))


def plainly(client: Any) -> Any:
    """The client, whose requests say that they came to a front without TLS."""

    def add_header(request: Any, **_: Any) -> None:
        request.headers["X-Forwarded-Proto"] = "http"

    client.meta.events.register("before-sign", add_header)
    return client


def test_bucket_policy_for_tls_denies_requests_without_even_to_the_deployer(cloud, bucket, as_role):
    deployer = cloud.context.client("s3")
    deployer.put_object(Bucket=bucket, Key="a", Body=b"a")
    deployer.put_bucket_policy(Bucket=bucket, Policy=tls_only(bucket))
    role = as_role(allow("s3:GetObject", objects(bucket)))
    role("s3").get_object(Bucket=bucket, Key="a")
    deployer.get_object(Bucket=bucket, Key="a")
    own = clients(
        cloud,
        aws_access_key_id=cloud.context.access_key_id,
        aws_secret_access_key=cloud.context.secret_access_key,
    )
    for client in (role("s3"), own("s3")):
        message = refusal(plainly(client).get_object, Bucket=bucket, Key="a")[1]
        assert message.endswith("with an explicit deny in a resource-based policy")


def test_bucket_policy_lets_in_whom_it_names_and_the_public_if_it_says_so(
    cloud, bucket, make_role, session_of
):
    s3 = cloud.context.client("s3")
    s3.put_object(Bucket=bucket, Key="public/a", Body=b"a")
    s3.put_object(Bucket=bucket, Key="own/a", Body=b"a")
    role = make_role()
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=document(
            allow("s3:GetObject", objects(bucket, "own/*"), Principal={"AWS": role}),
            allow("s3:GetObject", objects(bucket, "public/*"), Principal="*"),
        ),
    )
    session_of(role)("s3").get_object(Bucket=bucket, Key="own/a")
    stranger = boto3.client(
        "s3",
        endpoint_url=cloud.context.endpoint,
        region_name=cloud.context.region,
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}),
    )
    stranger.get_object(Bucket=bucket, Key="public/a")
    assert refusal(stranger.get_object, Bucket=bucket, Key="own/a")[2] == 403
    assert refusal(stranger.put_object, Bucket=bucket, Key="public/b", Body=b"")[2] == 403


def test_presigned_address_gives_no_more_than_its_signer_has(bucket, as_role):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html"""
    s3 = as_role(allow("s3:PutObject", objects(bucket)))("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"})
    assert requests.get(url, timeout=10).status_code == 403


def test_policy_that_cannot_be_read_denies_and_names_what_is_wrong(cloud, bucket, as_role):
    s3 = cloud.context.client("s3")
    unknown = allow("s3:*", objects(bucket), Principal="*", Condition={"StringIs": {"a:b": "c"}})
    s3.put_bucket_policy(Bucket=bucket, Policy=document(unknown))
    client = as_role(allow("s3:*", "*"))("s3")
    assert "StringIs" in refusal(client.put_object, Bucket=bucket, Key="a", Body=b"")[1]
    s3.delete_bucket_policy(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="a", Body=b"")
