"""Who may assume a role, what limits its sessions, and whom it is passed to."""

from __future__ import annotations

import io
import uuid
import zipfile

from tests.localcloud.iam.asking import clients, refusal
from tests.localcloud.iam.policies import allow, document, trust


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
