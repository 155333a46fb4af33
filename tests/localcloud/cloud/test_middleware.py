"""The seam in front of a cloud, and what a connection dropped there does to a Distributed Map.

A map that cannot read its items, or write its results, fails with a name of its own:
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.cloud import Cloud

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "JSON"},
    "Parameters": {"Bucket": "lists", "Key": "items.json"},
}
WRITER = {
    "Resource": "arn:aws:states:::s3:putObject",
    "Parameters": {"Bucket": "lists", "Prefix": "record"},
}


class Dropping:
    """Middleware that hangs up on one method and path."""

    def __init__(self) -> None:
        self.unwanted = ("", "nothing")
        self.seen: list[str] = []

    def wrap(self, application: WSGIApplication) -> WSGIApplication:
        def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            method, part = self.unwanted
            self.seen.append(environ["PATH_INFO"])
            if environ["REQUEST_METHOD"] == method and part in environ["PATH_INFO"]:
                raise ConnectionResetError
            return application(environ, start_response)

        return wrapped


@pytest.fixture(scope="module")
def dropping() -> Dropping:
    return Dropping()


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@pytest.fixture(scope="module")
def cloud(dropping: Dropping) -> Iterator[Cloud]:
    with Cloud(middleware=dropping.wrap) as cloud:
        s3 = cloud.context.client("s3")
        s3.create_bucket(Bucket="lists")
        s3.put_object(Bucket="lists", Key="items.json", Body=b"[1, 2]")
        iam = cloud.context.client("iam")
        states = {"Service": "states.amazonaws.com"}
        iam.create_role(
            RoleName="states",
            AssumeRolePolicyDocument=policy(Action="sts:AssumeRole", Principal=states),
        )
        allowed = policy(Action=["s3:*", "states:*"], Resource="*")
        iam.put_role_policy(RoleName="states", PolicyName="all", PolicyDocument=allowed)
        yield cloud


def ended(cloud: Cloud, **fields: Any) -> dict[str, Any]:
    """A Distributed Map that passes each item through, once it is over."""
    state = {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Pass",
            "States": {"Pass": {"Type": "Pass", "End": True}},
        },
        "End": True,
        **fields,
    }
    client = cloud.context.client("stepfunctions")
    machine = client.create_state_machine(
        name="-".join(["map", *fields]),
        definition=json.dumps({"StartAt": "Map", "States": {"Map": state}}),
        roleArn="arn:aws:iam::123456789012:role/states",
    )["stateMachineArn"]
    execution = client.start_execution(stateMachineArn=machine, input="[1]")["executionArn"]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        described: dict[str, Any] = client.describe_execution(executionArn=execution)
        if described["status"] != "RUNNING":
            return described
        threading.Event().wait(0.01)
    raise AssertionError("still RUNNING")


def test_middleware_sees_every_request(cloud: Cloud, dropping: Dropping) -> None:
    dropping.seen.clear()
    cloud.context.client("s3").head_object(Bucket="lists", Key="items.json")
    assert dropping.seen == ["/lists/items.json"]


@pytest.mark.parametrize(
    ("unwanted", "fields", "error"),
    [
        (("GET", "items.json"), {"ItemReader": READER}, "States.ItemReaderFailed"),
        (("PUT", "/record/"), {"ResultWriter": WRITER}, "States.ResultWriterFailed"),
    ],
)
def test_dropped_connection_of_a_map_fails_it_by_name(
    cloud: Cloud, dropping: Dropping, unwanted, fields, error
) -> None:
    dropping.unwanted = unwanted
    execution = ended(cloud, **fields)
    dropping.unwanted = ("", "nothing")
    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert "lists" in execution["cause"]
