"""CloudFormation's execution role, by the real CDK CLI: a deployment may do what that role may.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from localcloud.cloud import Cloud
from tests.localcloud.cloudformation.assemblies import Assembly
from tests.localcloud.cloudformation.resources import trust

TEMPLATE = {
    "Resources": {
        "Q": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}},
        "P": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "p", "Type": "String", "Value": {"Ref": "Q"}},
        },
    }
}


def statement(*actions: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }


def test_permission_missing_in_the_execution_role_fails_the_deploy_and_is_named(
    tmp_path: Path,
) -> None:
    with Cloud() as cloud:
        iam = cloud.context.client("iam")
        role = iam.create_role(
            RoleName="exec",
            AssumeRolePolicyDocument=json.dumps(trust("cloudformation.amazonaws.com")),
        )["Role"]

        def permit(*actions: str) -> None:
            iam.put_role_policy(
                RoleName="exec", PolicyName="p", PolicyDocument=json.dumps(statement(*actions))
            )

        assembly = Assembly(tmp_path, cloud.context)
        assembly.write({"s": TEMPLATE}, cloudFormationExecutionRoleArn=role["Arn"])
        permit("sns:*")

        failed = assembly.deploy()

        assert failed.code == 1, failed.said
        assert "ssm:PutParameter" in failed.said
        assert cloud.context.client("sns").list_topics()["Topics"] == []

        permit("sns:*", "ssm:*")
        deployed = assembly.deploy()
        assert deployed.code == 0, deployed.said
