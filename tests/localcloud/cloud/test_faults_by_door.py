"""Every fault through every door: Lambda's Invoke, a task of a state machine, an HTTP API.

The functions are real processes. What each door answers is documented by AWS:

- Invoke: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors and, for
  errors of the function, https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html
- Step Functions: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
  and https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
- HTTP API: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.functions import FunctionService, ServiceLimits
from localcloud.images.virtual_environment import cache_folder

CODE = (Path(__file__).parent / "faulty_handler.py").read_text()
REQUEST_ID = r"RequestId: [0-9a-f-]{36} Error: "
INTERNAL_ERROR = (500, {"message": "Internal Server Error"})
UNAVAILABLE = (503, {"message": "Service Unavailable"})


@dataclass(frozen=True)
class Failure:
    """What Invoke answered; `error` and `cause` are what Step Functions makes of it."""

    status: int
    body: dict[str, Any]
    function_error: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Fault:
    """How a function is made to fail, and by which names the failure is known.

    `code` is of an error of Lambda itself; without it the function's answer is the error, and
    `message` a pattern of its errorMessage.
    """

    name: str
    error_type: str
    message: str = ""
    code: str | None = None
    status: int = 200
    http: tuple[int, dict[str, str]] = INTERNAL_ERROR
    source: str = CODE
    settings: dict[str, Any] = field(default_factory=dict)
    reserved: int | None = None

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


def throttled(name: str, **settings: Any) -> Fault:
    return Fault(
        name,
        "Lambda.TooManyRequestsException",
        message="Rate Exceeded",
        code="TooManyRequestsException",
        status=429,
        # The 503 is what HTTP APIs are seen to answer; AWS documents only that it is no 429.
        http=UNAVAILABLE,
        **settings,
    )


FAULTS = (
    Fault("exception", "LookupError", "no such shard"),
    Fault(
        "timeout",
        "Sandbox.Timedout",
        REQUEST_ID + r"Task timed out after 1\.00 seconds",
        settings={"Timeout": 1},
    ),
    Fault(
        "memory",
        "Runtime.ExitError",
        REQUEST_ID + "Runtime exited with error: signal: killed",
        settings={"MemorySize": 128},
    ),
    Fault("exit", "Runtime.ExitError", REQUEST_ID + "Runtime exited with error: exit status 7"),
    Fault("signal", "Runtime.ExitError", REQUEST_ID + "Runtime exited with error: signal: killed"),
    Fault("init exception", "LookupError", "no model"),
    Fault(
        "init exit", "Runtime.ExitError", REQUEST_ID + "Runtime exited with error: exit status 3"
    ),
    Fault(
        "init timeout",
        "Sandbox.Timedout",
        REQUEST_ID + r"Task timed out after 1\.00 seconds",
        settings={"Timeout": 1},
    ),
    Fault(
        "import error",
        "Runtime.ImportModuleError",
        "Unable to import module 'handler': No module named 'absent'",
        source="import absent",
    ),
    Fault(
        "syntax error",
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'handler'",
        source="def",
    ),
    Fault(
        "missing handler",
        "Runtime.HandlerNotFound",
        "Handler 'absent' missing on module 'handler'",
        settings={"Handler": "handler.absent"},
    ),
    Fault(
        "unserialisable answer",
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type object is not JSON serializable",
    ),
    Fault(
        "large answer",
        "Function.ResponseSizeTooLarge",
        r"Response payload size \(\d+ bytes\) exceeded maximum allowed payload size "
        r"\(6291556 bytes\)\.",
    ),
    throttled("throttling", reserved=0),
    Fault(
        "foreign runtime",
        "Lambda.InvalidRuntimeException",
        message="runtime 'nodejs22.x' cannot run",
        code="InvalidRuntimeException",
        status=502,
        settings={"Runtime": "nodejs22.x", "Handler": "index.handler"},
    ),
)


class Doors:
    """Deploys functions into one cloud and calls them by each of its doors."""

    def __init__(self, cloud: Cloud) -> None:
        self._context = cloud.context
        self._deployed: dict[str, str] = {}

    def deploy(self, fault: Fault) -> str:
        """The ARN of the function with that fault, made once."""
        if fault.name not in self._deployed:
            client = self._context.client("lambda")
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as file:
                file.writestr("handler.py", fault.source)
            name = fault.name.replace(" ", "-")
            self._deployed[fault.name] = client.create_function(
                **{
                    "FunctionName": name,
                    "Role": self.role,
                    "Runtime": "python3.13",
                    "Handler": "handler.handler",
                    "Timeout": 20,
                    "MemorySize": 256,
                    "Code": {"ZipFile": archive.getvalue()},
                    "Environment": {"Variables": {"FAULT": fault.name}},
                    **fault.settings,
                }
            )["FunctionArn"]
            if fault.reserved is not None:
                client.put_function_concurrency(
                    FunctionName=name, ReservedConcurrentExecutions=fault.reserved
                )
        return self._deployed[fault.name]

    @cached_property
    def role(self) -> str:
        iam = self._context.client("iam")
        services = ["lambda.amazonaws.com", "states.amazonaws.com"]
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
        may = {"Effect": "Allow", "Action": ["lambda:*", "logs:*", "sts:*"], "Resource": "*"}
        role = iam.create_role(
            RoleName="any",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        iam.put_role_policy(
            RoleName="any",
            PolicyName="any",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
        )
        return str(role["Role"]["Arn"])

    def invoke(self, function: str, payload: bytes = b"{}") -> Failure:
        """By boto3."""
        try:
            answer = self._context.client("lambda").invoke(FunctionName=function, Payload=payload)
        except ClientError as refused:
            response = refused.response
            return Failure(
                response["ResponseMetadata"]["HTTPStatusCode"],
                {name: response[name] for name in ("Reason", "Type") if name in response}
                | {"message": response["Error"]["Message"]},
                code=response["Error"]["Code"],
            )
        body = json.loads(answer["Payload"].read())
        return Failure(answer["StatusCode"], body, answer.get("FunctionError"))

    def run(self, function: str, retry: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """By a Task; returns the execution with `attempts`, how often the task was tried."""
        client = self._context.client("stepfunctions")
        task: dict[str, Any] = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": function},
            "Retry": retry or [],
            "End": True,
        }
        machine = client.create_state_machine(
            name=f"machine-{len(client.list_state_machines()['stateMachines'])}",
            definition=json.dumps({"StartAt": "Call", "States": {"Call": task}}),
            roleArn=self.role,
        )["stateMachineArn"]
        arn = client.start_execution(stateMachineArn=machine)["executionArn"]
        while (execution := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            threading.Event().wait(0.01)
        history = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        attempts = sum(event["type"] == "TaskScheduled" for event in history)
        return {**execution, "attempts": attempts}

    def request(self, function: str, body: bytes | None = None) -> tuple[int, Any]:
        """By a POST to an HTTP API whose default route is the function."""
        client = self._context.client("apigatewayv2")
        api_id = client.create_api(Name="any", ProtocolType="HTTP")["ApiId"]
        integration = client.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=function,
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        client.create_route(ApiId=api_id, RouteKey="$default", Target=f"integrations/{integration}")
        client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
        where = f"{self._context.region}:{self._context.account}:{api_id}"
        self._context.client("lambda").add_permission(
            FunctionName=function,
            StatementId=api_id,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{where}/*",
        )
        answer = requests.post(
            self._context.http_api_url(api_id) + "/",
            data=body,
            headers={"Content-Type": "image/png"},
            timeout=30,
        )
        return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    def functions(context: Any) -> FunctionService:
        limits = ServiceLimits(init_s=0.2)
        return FunctionService(context, cache_dir=cache_folder(), limits=limits)

    with Cloud(make_functions=functions) as cloud:
        yield Doors(cloud)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_by_invoke(doors: Doors, fault: Fault) -> None:
    found = doors.invoke(doors.deploy(fault))
    assert (found.status, found.code) == (fault.status, fault.code)
    if fault.code is None:
        assert found.function_error == "Unhandled"
        assert found.body["errorType"] == fault.error_type
        assert re.search(fault.message, found.body["errorMessage"])
    else:
        assert found.body["Type"] == "User"
        assert re.search(fault.message, found.body["message"])


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_by_a_task(doors: Doors, fault: Fault) -> None:
    execution = doors.run(doors.deploy(fault))
    assert (execution["status"], execution["error"]) == ("FAILED", fault.error_type)
    if fault.code is None:
        payload = json.loads(execution["cause"])
        assert payload["errorType"] == fault.error_type
        assert re.search(fault.message, payload["errorMessage"])
    else:
        assert re.search(fault.message, execution["cause"])
        assert f"Status Code: {fault.status}" in execution["cause"]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_by_an_http_api(doors: Doors, fault: Fault) -> None:
    assert doors.request(doors.deploy(fault)) == fault.http


@pytest.mark.parametrize(
    ("fault", "names", "attempts"),
    [
        ("exception", ["LookupError"], 2),
        ("exception", ["States.TaskFailed"], 2),
        ("exception", ["Lambda.Unknown", "Runtime.ExitError", "Exception"], 1),
        ("exit", ["Runtime.ExitError"], 2),
        ("timeout", ["Sandbox.Timedout"], 2),
        ("timeout", ["States.Timeout"], 1),
        ("throttling", ["Lambda.TooManyRequestsException"], 2),
        ("throttling", ["TooManyRequestsException"], 1),
    ],
)
def test_retry_matches_the_name_of_the_error(
    doors: Doors, fault: str, names: list[str], attempts: int
) -> None:
    (wanted,) = (one for one in FAULTS if one.name == fault)
    retry = {
        "ErrorEquals": names,
        "IntervalSeconds": 1,
        "MaxAttempts": 1,
        "MaxDelaySeconds": 1,
        "JitterStrategy": "FULL",
    }
    execution = doors.run(doors.deploy(wanted), [retry])
    assert (execution["error"], execution["attempts"]) == (wanted.error_type, attempts)


def test_full_disk_by_every_door(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    function = doors.deploy(Fault("nothing", ""))
    stock = Path.mkdir

    def mkdir(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.parent.parent.name == "environments":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        stock(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    found = doors.invoke(function)
    assert (found.status, found.code, found.body["Type"]) == (500, "ServiceException", "Service")
    assert "No space left on device" in found.body["message"]
    execution = doors.run(function)
    assert execution["error"] == "Lambda.ServiceException"
    assert "No space left on device" in execution["cause"]
    assert doors.request(function) == INTERNAL_ERROR
    monkeypatch.undo()
    assert doors.invoke(function).body == {"fine": True}
    assert json.loads(doors.run(function)["output"])["Payload"] == {"fine": True}
    assert doors.request(function) == (200, {"fine": True})


def test_function_that_is_gone_by_every_door(doors: Doors) -> None:
    function = doors.deploy(Fault("nothing", "")) + "-gone"
    found = doors.invoke(function)
    assert (found.status, found.code) == (404, "ResourceNotFoundException")
    assert doors.run(function)["error"] == "Lambda.ResourceNotFoundException"


@pytest.mark.parametrize(
    ("payload", "status", "code"),
    [
        (b"{", 400, "InvalidRequestContentException"),
        (b'"' + b"x" * 6 * 1024 * 1024 + b'"', 413, "RequestTooLargeException"),
    ],
    ids=["malformed", "large"],
)
def test_payload_that_lambda_does_not_take(
    doors: Doors, payload: bytes, status: int, code: str
) -> None:
    found = doors.invoke(doors.deploy(Fault("nothing", "")), payload)
    assert (found.status, found.code) == (status, code)


def test_body_beyond_lambdas_payload_is_too_large_for_an_http_api(doors: Doors) -> None:
    function = doors.deploy(Fault("nothing", ""))
    assert doors.request(function, bytes(4_400_000)) == (200, {"fine": True})
    too_large = (413, {"message": "Request Entity Too Large"})
    assert doors.request(function, bytes(4_800_000)) == too_large
