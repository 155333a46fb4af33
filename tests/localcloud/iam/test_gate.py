"""What roles, users and strangers may do on a whole cloud, asked with real clients."""

from __future__ import annotations

import io
import logging
import uuid
import zipfile
from typing import Any

import boto3
import obstore
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from obstore.exceptions import PermissionDeniedError
from obstore.store import S3Store

from localcloud.iam.callers import session_of as caller_of
from localcloud.iam.decisions import Decision
from localcloud.iam.errors import AccessDenied
from tests.localcloud.iam.conftest import clients
from tests.localcloud.iam.policies import allow, deny, document, trust

EVENTS = {
    "logGroupName": "/g",
    "logStreamName": "s",
    "logEvents": [{"timestamp": 1, "message": "m"}],
}
LIVE = {"FunctionName": "f", "Qualifier": "live"}
M = "arn:aws:states:us-east-1:123456789012:stateMachine:M"
T = "arn:aws:sns:us-east-1:123456789012:t"
F = "arn:aws:lambda:us-east-1:123456789012:function:f"


def refusal(call: Any, **parameters: Any) -> tuple[str, str, int]:
    """Code, message and HTTP status of a call that is refused."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    answer: Any = raised.value.response
    error = answer["Error"]
    return error["Code"], error.get("Message", ""), answer["ResponseMetadata"]["HTTPStatusCode"]


def objects(bucket: str, pattern: str = "*") -> str:
    return f"arn:aws:s3:::{bucket}/{pattern}"


@pytest.fixture
def as_role(make_role, session_of):
    """`as_role(*statements)`: clients of a new role with these statements, and the role's ARN."""

    def start(*statements: dict[str, Any]) -> Any:
        return session_of(make_role(*statements))

    return start


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


def test_role_without_trust_in_the_caller_is_not_assumed(cloud, make_role):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html"""
    role = make_role(trusting=trust(Service="lambda.amazonaws.com"))
    call = cloud.context.client("sts").assume_role
    code, message, status = refusal(call, RoleArn=role, RoleSessionName="any")
    assert (code, status) == ("AccessDenied", 403)
    assert message.endswith("because no role trust policy allows the sts:AssumeRole action")


def test_role_is_assumed_by_a_role_that_it_trusts_or_that_may_where_it_trusts_the_account(
    cloud, make_role, session_of
):
    target = make_role()
    assert (
        refusal(session_of(make_role())("sts").assume_role, RoleArn=target, RoleSessionName="any")[
            0
        ]
        == "AccessDenied"
    )
    able = make_role(allow("sts:AssumeRole", target))
    session_of(able)("sts").assume_role(RoleArn=target, RoleSessionName="any")
    trusted = make_role()
    target_of_one = make_role(trusting=trust(AWS=trusted))
    session_of(trusted)("sts").assume_role(RoleArn=target_of_one, RoleSessionName="any")


def test_session_policy_limits_its_session(bucket, make_role, session_of):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session"""
    role = make_role(allow("s3:*", "*"))
    limited = session_of(role, Policy=document(allow("s3:PutObject", "*")))("s3")
    limited.put_object(Bucket=bucket, Key="a", Body=b"a")
    message = refusal(limited.get_object, Bucket=bucket, Key="a")[1]
    assert message.endswith("because no session policy allows the s3:GetObject action")


def test_boundary_limits_its_role(cloud, bucket, make_role, session_of):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"""
    iam = cloud.context.client("iam")
    boundary = iam.create_policy(
        PolicyName=f"boundary-{uuid.uuid4().hex[:8]}",
        PolicyDocument=document(allow("s3:*Object", "*")),
    )["Policy"]["Arn"]
    role = make_role(allow("s3:*", "*"))
    iam.put_role_permissions_boundary(
        RoleName=role.rpartition("/")[2], PermissionsBoundary=boundary
    )
    s3 = session_of(role)("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    assert "no permissions boundary allows" in refusal(s3.list_objects_v2, Bucket=bucket)[1]


def test_users_have_their_groups_and_managed_policies(cloud, bucket):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html"""
    iam = cloud.context.client("iam")
    name = f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    s3 = clients(
        cloud,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )("s3")
    put = {"Bucket": bucket, "Key": "a", "Body": b"a"}
    assert f":user/{name} is not authorized" in refusal(s3.put_object, **put)[1]
    iam.create_group(GroupName=name)
    iam.add_user_to_group(GroupName=name, UserName=name)
    full = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    iam.attach_group_policy(GroupName=name, PolicyArn=full)
    s3.put_object(**put)
    iam.detach_group_policy(GroupName=name, PolicyArn=full)
    assert refusal(s3.put_object, **put)[0] == "AccessDenied"


def test_changed_policy_counts_for_the_next_request(cloud, bucket, make_role, session_of):
    role = make_role(allow("s3:PutObject", "*"))
    s3 = session_of(role)("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    iam = cloud.context.client("iam")
    iam.put_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyName="inline",
        PolicyDocument=document(allow("s3:GetObject", "*")),
    )
    assert refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"a")[0] == "AccessDenied"
    iam.delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="inline")
    iam.delete_role(RoleName=role.rpartition("/")[2])
    assert refusal(s3.get_object, Bucket=bucket, Key="a")[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("service", "call", "parameters", "code", "status"),
    [
        ("lambda", "list_functions", {}, "AccessDeniedException", 403),
        ("stepfunctions", "list_state_machines", {}, "AccessDeniedException", 400),
        ("ssm", "get_parameter", {"Name": "/a/b"}, "AccessDeniedException", 400),
        ("iam", "list_roles", {}, "AccessDenied", 403),
        ("cloudformation", "list_stacks", {}, "AccessDenied", 403),
        ("sns", "list_topics", {}, "AccessDenied", 403),
        ("apigatewayv2", "get_apis", {}, "AccessDeniedException", 403),
        ("logs", "describe_log_groups", {}, "AccessDeniedException", 400),
        ("ecr", "describe_repositories", {}, "AccessDeniedException", 400),
        ("kms", "list_keys", {}, "AccessDeniedException", 400),
        ("cloudwatch", "list_metrics", {}, "AccessDeniedException", 400),
    ],
)
def test_denial_comes_in_the_protocol_of_its_service(
    as_role, service, call, parameters, code, status
):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html"""
    refused = refusal(getattr(as_role()(service), call), **parameters)
    assert refused[0] == code
    assert refused[2] == status
    assert "is not authorized to perform: " in refused[1]


@pytest.mark.parametrize(
    ("service", "call", "parameters", "action", "resource"),
    [
        ("ssm", "get_parameter", {"Name": "/a/b"}, "GetParameter", "parameter/a/b"),
        ("logs", "put_log_events", EVENTS, "PutLogEvents", "log-group:/g:log-stream:s"),
        ("states", "start_execution", {"stateMachineArn": M}, "StartExecution", "stateMachine:M"),
        ("lambda", "invoke", LIVE, "InvokeFunction", "function:f:live"),
        ("lambda", "get_function", {"FunctionName": "f"}, "GetFunction", "function:f"),
        ("ecr", "describe_images", {"repositoryName": "rr"}, "DescribeImages", "repository/rr"),
        ("cloudformation", "describe_stacks", {"StackName": "s"}, "DescribeStacks", "stack/s/*"),
        ("iam", "get_role", {"RoleName": "r"}, "GetRole", "role/r"),
        ("sns", "publish", {"TopicArn": T, "Message": "m"}, "Publish", "t"),
        ("apigateway", "get_api", {"ApiId": "a"}, "GET", "/apis/a"),
    ],
)
def test_operation_asks_for_its_action_on_its_resource(
    cloud, as_role, service, call, parameters, action, resource
):
    """https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"""
    context = cloud.context
    region = "" if service == "iam" else context.region
    account = "" if service == "apigateway" else context.account
    arn = f"arn:aws:{service}:{region}:{account}:{resource}"
    client = {"states": "stepfunctions", "apigateway": "apigatewayv2"}.get(service, service)
    message = refusal(getattr(as_role()(client), call), **parameters)[1]
    assert f"to perform: {service}:{action} on resource: {arn} because" in message
    granted = as_role(allow(f"{service}:{action}", arn))
    with pytest.raises(ClientError) as raised:
        getattr(granted(client), call)(**parameters)
    # There is nothing of that name: the service itself says so.
    assert "AccessDenied" not in raised.value.response["Error"]["Code"]


def test_operation_that_is_not_modelled_is_denied_to_roles_and_says_so(as_role):
    admin = as_role(allow("*", "*"))
    message = refusal(admin("sqs").list_queues)[1]
    assert "does not model" in message
    message = refusal(admin("ssm").list_documents)[1]
    assert "ssm:ListDocuments" in message


def test_role_is_passed_to_a_service_only_by_who_may(cloud, make_role, as_role):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    role = make_role(trusting=trust(Service="states.amazonaws.com"))
    machine = {
        "name": f"m-{uuid.uuid4().hex[:8]}",
        "definition": '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}',
        "roleArn": role,
    }
    create = allow("states:CreateStateMachine", "*")
    message = refusal(as_role(create)("stepfunctions").create_state_machine, **machine)[1]
    assert f"to perform: iam:PassRole on resource: {role}" in message
    for service, passes in (("lambda", False), ("states", True)):
        condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        passing = as_role(create, allow("iam:PassRole", role, Condition=condition))
        client = passing("stepfunctions")
        if passes:
            client.create_state_machine(**machine)
        else:
            assert refusal(client.create_state_machine, **machine)[0] == "AccessDeniedException"


def test_service_refuses_a_role_that_does_not_trust_it(cloud, make_role):
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", "")
    function = {
        "FunctionName": f"f-{uuid.uuid4().hex[:8]}",
        "Runtime": "python3.12",
        "Handler": "handler.handler",
        "Code": {"ZipFile": archive.getvalue()},
    }
    states_role = make_role(trusting=trust(Service="states.amazonaws.com"))
    create = cloud.context.client("lambda").create_function
    code, message, status = refusal(create, **function, Role=states_role)
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert message == "The role defined for the function cannot be assumed by Lambda."
    create(**function, Role=make_role(trusting=trust(Service="lambda.amazonaws.com")))
    machine = cloud.context.client("stepfunctions").create_state_machine
    lambda_role = make_role(trusting=trust(Service="lambda.amazonaws.com"))
    message = refusal(machine, name="m", definition="{}", roleArn=lambda_role)[1]
    assert "nor the regional one is authorized to assume the provided role" in message


def test_gate_is_asked_within_this_process_as_well(cloud, make_role):
    role = make_role(allow("lambda:InvokeFunction", f"{F}:live"))
    caller = caller_of(role, "now")
    cloud.gate.allows(caller, "lambda:InvokeFunction", f"{F}:live", {})
    with pytest.raises(AccessDenied) as raised:
        cloud.gate.allows(caller, "lambda:InvokeFunction", f"{F}:2", {})
    assert raised.value.code == "AccessDeniedException"
    decided = [each for each in cloud.gate.decisions() if each.principal == role]
    assert decided == [
        Decision(role, "lambda:InvokeFunction", f"{F}:live", allowed=True),
        Decision(role, "lambda:InvokeFunction", f"{F}:2", allowed=False),
    ]


def test_condition_on_the_context_is_met_unmet_or_its_key_missing(cloud, make_role):
    def role(operator: str) -> Any:
        condition = {operator: {"aws:SourceAccount": "123456789012"}}
        return caller_of(make_role(allow("sns:Publish", "*", Condition=condition)), "now")

    topic = "arn:aws:sns:us-east-1:123456789012:t"
    met, unmet = {"aws:SourceAccount": "123456789012"}, {"aws:SourceAccount": "1"}
    strict = role("StringEquals")
    cloud.gate.allows(strict, "sns:Publish", topic, met)
    for keys in (unmet, {}):
        with pytest.raises(AccessDenied):
            cloud.gate.allows(strict, "sns:Publish", topic, keys)
    cloud.gate.allows(role("StringEqualsIfExists"), "sns:Publish", topic, {})


def test_denial_is_logged_for_the_developer(bucket, as_role, caplog):
    with caplog.at_level(logging.WARNING, "localcloud.iam.gate"):
        refusal(as_role()("s3").list_objects_v2, Bucket=bucket)
    assert "is not authorized to perform: s3:ListBucket" in caplog.text


def test_policy_that_cannot_be_read_denies_and_names_what_is_wrong(cloud, bucket, as_role):
    s3 = cloud.context.client("s3")
    unknown = allow("s3:*", objects(bucket), Principal="*", Condition={"StringIs": {"a:b": "c"}})
    s3.put_bucket_policy(Bucket=bucket, Policy=document(unknown))
    client = as_role(allow("s3:*", "*"))("s3")
    assert "StringIs" in refusal(client.put_object, Bucket=bucket, Key="a", Body=b"")[1]
    s3.delete_bucket_policy(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="a", Body=b"")


def test_key_policy_must_take_part(cloud, as_role):
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"""
    kms = cloud.context.client("kms")
    elsewhere = allow("kms:*", "*", Principal={"AWS": "210987654321"})
    own = allow("kms:*", "*", Principal={"AWS": "123456789012"})
    role = as_role(allow("kms:*", "*"))("kms")
    for statement, permitted in ((elsewhere, False), (own, True)):
        key = kms.create_key(Policy=document(statement))["KeyMetadata"]["KeyId"]
        if permitted:
            role.describe_key(KeyId=key)
        else:
            assert refusal(role.describe_key, KeyId=key)[0] == "AccessDeniedException"


def test_caller_identity_needs_no_permission(as_role):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    assert ":assumed-role/" in as_role()("sts").get_caller_identity()["Arn"]
