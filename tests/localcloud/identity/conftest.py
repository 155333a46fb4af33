from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localcloud.cloud import Cloud


@dataclass
class Signed:
    """A request signed by botocore; what a test then changes was not signed."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""
    session: requests.Session = field(default_factory=requests.Session)

    def send(self) -> requests.Response:
        request = requests.Request(self.method, self.url, headers=self.headers, data=self.body)
        with self.session as session:
            prepared = session.prepare_request(request)
            # The address as it was signed, which requests would make tidy.
            prepared.url = self.url
            return session.send(prepared, timeout=10)

    def refusal(self) -> tuple[str, int]:
        """Code and status of an answer in XML or JSON."""
        answer = self.send()
        assert not answer.ok, answer.text
        if "xml" in answer.headers["Content-Type"]:
            (code,) = ElementTree.fromstring(answer.text).iter("Code")  # noqa: S314 - our own
            return str(code.text), answer.status_code
        return str(answer.json()["__type"]), answer.status_code


@dataclass(frozen=True)
class Signer:
    """Signs requests to one cloud, by default as its deployer."""

    cloud: Cloud

    @property
    def deployer(self) -> Credentials:
        return Credentials(self.cloud.context.access_key_id, self.cloud.context.secret_access_key)

    def s3(self, path: str = "/", method: str = "GET", body: bytes = b"", **options: Any) -> Signed:
        return self._signed(S3SigV4Auth, "s3", path, method, body, **options)

    def query(self, body: bytes = b"Action=GetCallerIdentity&Version=2011-06-15", **options: Any):
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self._signed(SigV4Auth, "sts", "/", "POST", body, headers=headers, **options)

    def json(self, body: bytes = b"{}", **options: Any) -> Signed:
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AmazonSSM.DescribeParameters",
        }
        return self._signed(SigV4Auth, "ssm", "/", "POST", body, headers=headers, **options)

    def rest(self, path: str = "/2015-03-31/functions", **options: Any) -> Signed:
        return self._signed(SigV4Auth, "lambda", path, "GET", b"", **options)

    def _signed(
        self,
        signer: type[SigV4Auth],
        service: str,
        path: str,
        method: str,
        body: bytes,
        *,
        credentials: Credentials | None = None,
        region: str = "us-east-1",
        headers: dict[str, str] | None = None,
        at: datetime.datetime | None = None,
    ) -> Signed:
        url = self.cloud.context.endpoint + path
        request = AWSRequest(method=method, url=url, data=body, headers=headers or {})
        auth = signer(credentials or self.deployer, service, region)
        moment = at or datetime.datetime.now(datetime.UTC)
        request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
        auth._modify_request_before_signing(request)
        text = auth.string_to_sign(request, auth.canonical_request(request))
        auth._inject_signature_to_request(request, auth.signature(text, request))
        return Signed(method, url, dict(request.headers.items()), body)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as cloud:
        cloud.context.client("s3").create_bucket(Bucket="data")
        cloud.context.client("s3").put_object(Bucket="data", Key="a", Body=b"abc")
        yield cloud


@pytest.fixture
def sign(cloud: Cloud) -> Signer:
    return Signer(cloud)


@pytest.fixture
def session_of_role(cloud: Cloud) -> dict[str, Any]:
    """Temporary credentials of a role that the deployer may assume, as STS answers them."""
    name = f"role-{uuid.uuid4().hex[:8]}"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": cloud.context.account},
        "Action": "sts:AssumeRole",
    }
    role = cloud.context.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Role"]
    cloud.context.client("iam").attach_role_policy(
        RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    issued = cloud.context.client("sts").assume_role(
        RoleArn=role["Arn"], RoleSessionName="scientist"
    )
    return {**issued["Credentials"], "RoleArn": role["Arn"], "Role": name}


@pytest.fixture
def session(session_of_role: dict[str, Any]) -> Credentials:
    return Credentials(
        session_of_role["AccessKeyId"],
        session_of_role["SecretAccessKey"],
        session_of_role["SessionToken"],
    )
