from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from localcloud.cloud import Cloud
from localcloud.context import CloudContext
from localcloud.functions import INVOKE_PATH, InvokeResult

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROLE = "arn:aws:iam::123456789012:role/any"


@dataclass
class FunctionsInThisProcess:
    """Stands for FunctionService: functions are Python callables by name, called where they are."""

    context: CloudContext
    handlers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    invocations: list[tuple[str, str | None, Any]] = field(default_factory=list)
    processes: list[int] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    def invoke(
        self, function: str, qualifier: str | None, payload: bytes, **_: Any
    ) -> InvokeResult:
        event = json.loads(payload)
        self.invocations.append((function, qualifier, event))
        name = function.split(":")[6] if function.startswith("arn:") else function.split(":")[0]
        try:
            answer, error = self.handlers[name](event), None
        except FunctionError as raised:
            answer, error = raised.payload, "Unhandled"
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return InvokeResult(200, body, error, "1", None, str(uuid.uuid4()))

    def wsgi_invoke(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = INVOKE_PATH.fullmatch(environ["PATH_INFO"])
        assert path is not None
        payload = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        answer = self.invoke(path["function"], None, payload)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [answer.payload]

    def provision(self, function: str, alias: str, count: int) -> None:
        raise AssertionError("not provisioned in these tests")

    def measure_provisioned(self, now: float) -> None:
        """Nothing is provisioned."""

    def running_processes(self) -> list[int]:
        return self.processes

    def open_ports(self) -> list[int]:
        return self.ports

    def containers(self) -> list[str]:
        return []

    def stop(self) -> None:
        self.handlers.clear()


@pytest.fixture
def function_error() -> type[FunctionError]:
    return FunctionError


class FunctionError(Exception):
    """Raised by a handler: its function ends with this payload as its error."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(payload)
        self.payload = payload


@contextmanager
def start_cloud() -> Iterator[Cloud]:
    """With the role `any`, which functions and state machines run as: it may do everything."""
    with Cloud(make_functions=FunctionsInThisProcess) as cloud:  # type: ignore[arg-type]
        make_role(cloud, "any", ["*"])
        yield cloud


def make_role(cloud: Cloud, name: str, actions: list[str]) -> str:
    """A role that functions, state machines and the account may assume; its ARN."""
    iam = cloud.context.client("iam")
    principal = {
        "AWS": cloud.context.account,
        "Service": ["lambda.amazonaws.com", "states.amazonaws.com"],
    }
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(
            policy(Effect="Allow", Action="sts:AssumeRole", Principal=principal)
        ),
    )
    document = json.dumps(policy(Effect="Allow", Action=actions, Resource="*"))
    iam.put_role_policy(RoleName=name, PolicyName="any", PolicyDocument=document)
    return str(role["Role"]["Arn"])


def policy(**statement: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """One for a module, whose tests give their own names to what they make."""
    with start_cloud() as cloud:
        yield cloud


@pytest.fixture
def handlers(cloud: Cloud) -> Iterator[dict[str, Callable[[Any], Any]]]:
    """Functions by name; a test adds its own."""
    functions: Any = cloud.functions
    yield functions.handlers
    functions.handlers.clear()
    functions.invocations.clear()


@dataclass
class StateMachines:
    """Creates a state machine for a definition and runs it."""

    cloud: Cloud

    @property
    def client(self) -> Any:
        return self.cloud.context.client("stepfunctions")

    def start(self, definition: dict[str, Any], given: Any = None, name: str = "") -> str:
        machine = self.client.create_state_machine(
            name=f"machine-{uuid.uuid4().hex[:8]}",
            definition=json.dumps(definition),
            roleArn=ROLE,
        )
        started = self.client.start_execution(
            stateMachineArn=machine["stateMachineArn"],
            input=json.dumps({} if given is None else given),
            **({"name": name} if name else {}),
        )
        return started["executionArn"]

    def run(self, definition: dict[str, Any], given: Any = None) -> dict[str, Any]:
        return self.end_of(self.start(definition, given))

    def end_of(self, execution_arn: str, within_s: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            execution = self.client.describe_execution(executionArn=execution_arn)
            if execution["status"] != "RUNNING":
                return execution
            threading.Event().wait(0.01)
        raise AssertionError(f"still RUNNING after {within_s} s")

    def map_run(self, execution_arn: str) -> dict[str, Any]:
        (run,) = self.client.list_map_runs(executionArn=execution_arn)["mapRuns"]
        return self.client.describe_map_run(mapRunArn=run["mapRunArn"])

    def children(self, execution_arn: str, **filters: Any) -> list[dict[str, Any]]:
        """Of an execution's only map run, all of them, as DescribeExecution tells them."""
        arn = self.map_run(execution_arn)["mapRunArn"]
        pages = self.client.get_paginator("list_executions").paginate(mapRunArn=arn, **filters)
        listed = [child["executionArn"] for page in pages for child in page["executions"]]
        return [self.client.describe_execution(executionArn=child) for child in listed]

    def failed_child(self, execution_arn: str) -> dict[str, Any]:
        (child,) = self.children(execution_arn, statusFilter="FAILED")
        return child


@pytest.fixture
def fresh_cloud() -> Callable[[], AbstractContextManager[Any]]:
    """Start a cloud of its own: what it yields has cloud, handlers, machines, function_error."""

    @contextmanager
    def start() -> Iterator[Any]:
        with start_cloud() as cloud:
            functions: Any = cloud.functions
            yield SimpleNamespace(
                cloud=cloud,
                handlers=functions.handlers,
                machines=StateMachines(cloud),
                function_error=FunctionError,
            )

    return start


@pytest.fixture
def state_machines(cloud: Cloud) -> StateMachines:
    return StateMachines(cloud)


@dataclass
class DeployedApi:
    """An HTTP API whose routes all go to one function's alias."""

    cloud: Cloud
    api_id: str
    function: str
    alias_arn: str

    @property
    def url(self) -> str:
        return self.cloud.context.http_api_url(self.api_id)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Unsigned, unless `options` has `auth`."""
        return requests.request(method, self.url + path, timeout=10, **options)

    def event(self) -> dict[str, Any]:
        """What the function received last."""
        functions: Any = self.cloud.functions
        function, _, event = functions.invocations[-1]
        assert function == self.alias_arn
        return event


@dataclass
class Apis:
    """Deploys HTTP APIs by the services' own calls."""

    cloud: Cloud

    def deploy(
        self,
        *routes: str,
        authorization: str = "NONE",
        permitted: str | None = "/*",
        stage: str = "$default",
        timeout_ms: int = 30_000,
        **stage_settings: Any,
    ) -> DeployedApi:
        name = f"function-{uuid.uuid4().hex[:8]}"
        alias_arn = self._function(name)
        client = self.cloud.context.client("apigatewayv2")
        api_id = client.create_api(Name="any", ProtocolType="HTTP")["ApiId"]
        integration = client.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=alias_arn,
            PayloadFormatVersion="2.0",
            TimeoutInMillis=timeout_ms,
        )
        for route in routes:
            client.create_route(
                ApiId=api_id,
                RouteKey=route,
                AuthorizationType=authorization,
                Target=f"integrations/{integration['IntegrationId']}",
            )
        client.create_stage(ApiId=api_id, StageName=stage, AutoDeploy=True, **stage_settings)
        if permitted is not None:
            self.permit(name, f"{api_id}{permitted}")
        return DeployedApi(self.cloud, api_id, name, alias_arn)

    def permit(self, function: str, source: str, **fields: Any) -> None:
        context = self.cloud.context
        self.cloud.context.client("lambda").add_permission(
            FunctionName=function,
            **{
                "StatementId": uuid.uuid4().hex,
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "Qualifier": "live",
                "SourceArn": f"arn:aws:execute-api:{context.region}:{context.account}:{source}",
                **fields,
            },
        )

    def _function(self, name: str) -> str:
        client = self.cloud.context.client("lambda")
        client.create_function(
            FunctionName=name,
            Role=ROLE,
            PackageType="Image",
            Code={"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/any:any"},
            Publish=True,
        )
        alias = client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        return alias["AliasArn"]


@pytest.fixture(scope="module")
def apis(cloud: Cloud) -> Apis:
    return Apis(cloud)


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    name = f"results-{uuid.uuid4().hex[:8]}"
    cloud.context.client("s3").create_bucket(Bucket=name)
    return name
