"""Who may call an API, and whether the API may call its function.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-aws.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@pytest.fixture
def api(apis, handlers) -> Any:
    deployed = apis.deploy("GET /jobs/{id}", "POST /jobs", authorization="AWS_IAM")
    handlers[deployed.function] = lambda event: "ok"
    return deployed


@pytest.fixture
def call_as(cloud, api):
    """`call_as(resource, method, path)`: what a user with execute-api:Invoke on it is answered."""

    def call(resource: str | None, method: str, path: str) -> Any:
        iam = cloud.context.client("iam")
        name = f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        if resource is not None:
            statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        request = AWSRequest(method, f"{api.url}{path}")
        credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        SigV4Auth(credentials, "execute-api", cloud.context.region).add_auth(request)
        return api.request(method, path, headers=dict(request.headers))

    return call


def test_caller_needs_the_permission_to_invoke_the_route(call_as, api):
    arn = f"arn:aws:execute-api:us-east-1:123456789012:{api.api_id}/$default"
    assert call_as(f"{arn}/GET/jobs/*", "GET", "/jobs/7").status_code == 200
    for resource in (
        None,
        f"{arn}/POST/jobs",
        f"{arn}/GET/jobs/8",
        arn.replace(api.api_id, "another") + "/*",
    ):
        answer = call_as(resource, "GET", "/jobs/7")
        assert answer.status_code == 403
        assert (
            f"is not authorized to perform: execute-api:Invoke on resource: {arn}/GET/jobs/7"
            in answer.json()["message"]
        )


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("/*/*/jobs/{id}", 200),
        ("/$default/GET/jobs/{id}", 200),
        ("/*/POST/*", 500),
        ("/prod/*", 500),
    ],
)
def test_function_is_called_for_the_sources_that_its_policy_names(
    apis, handlers, cloud, source, status
):
    api = apis.deploy("GET /jobs/{id}", permitted=source)
    handlers[api.function] = lambda event: "ok"
    assert api.request("GET", "/jobs/7").status_code == status


def test_function_is_not_called_for_another_account(apis, handlers):
    api = apis.deploy("GET /jobs/{id}", permitted=None)
    handlers[api.function] = lambda event: "ok"
    apis.permit(api.function, f"{api.api_id}/*", SourceAccount="210987654321")
    assert api.request("GET", "/jobs/7").status_code == 500
    apis.permit(api.function, f"{api.api_id}/*", SourceAccount="123456789012")
    assert api.request("GET", "/jobs/7").status_code == 200
