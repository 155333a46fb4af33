"""moto's services and our CloudFormation behind one port, without the rest of the cloud."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from localcloud.batch import BatchService
from localcloud.cloudformation import CloudFormationService
from localcloud.cloudformation.resources.catalogue import handlers_for
from localcloud.context import CloudContext
from localcloud.iam.call import Account
from localcloud.iam.requests import calls, service_of
from localcloud.identity import Refused
from localcloud.monitoring.alarm_api import alarm_patches
from localcloud.monitoring.alarms import Alarms
from localcloud.server.errors import refused_request
from localcloud.services.budgets import budget_patches
from localcloud.services.lambda_versions import lambda_version_patches
from localcloud.services.patches import applied
from localcloud.services.provisioned_concurrency import (
    PROVISIONED_CONCURRENCY_PATH,
    ProvisionedConcurrency,
)
from localcloud.services.s3_access_logging import access_logging_patches
from localcloud.services.vpc import vpc_patches
from tests.localcloud.cloudformation.assemblies import BOOTSTRAP_VERSION, Assembly
from tests.localcloud.cloudformation.world import Thing, World

Application = Callable[[dict[str, Any], Any], Any]


# Tells what resource handlers ask of the services from what the tests do themselves.
HANDLERS_KEY = "AKIAHANDLERSEXAMPLE1"


class _QuietHandler(WSGIRequestHandler):
    def log(self, *args: object) -> None:
        pass


@dataclass
class Routes:
    """What the server's thread serves; exchanged for every test."""

    account: Account
    moto: Application
    cloudformation: Application
    provisioned: Application
    batch: Application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if "/cloudformation/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
            return self.cloudformation(environ, start_response)
        if PROVISIONED_CONCURRENCY_PATH.fullmatch(environ["PATH_INFO"]):
            return self.provisioned(environ, start_response)
        if f"Credential={HANDLERS_KEY}/" in environ.get("HTTP_AUTHORIZATION", ""):
            # An execution role must be able to do all that resources need: the gate denies to
            # everybody what it does not know.
            calls(environ, service_of(environ), self.account)
        if "/batch/aws4_request" in environ.get("HTTP_AUTHORIZATION", ""):
            try:
                return self.batch(environ, start_response)
            except Refused as refused:
                return refused_request(environ, start_response, "batch", refused)
        return self.moto(environ, start_response)


@dataclass
class CloudUnderTest:
    """What the tests use."""

    context: CloudContext
    service: CloudFormationService
    routes: Routes

    def client(self, name: str) -> Any:
        return self.context.client(name)

    @property
    def cloudformation(self) -> Any:
        return self.context.client("cloudformation")

    def finish(self, stack_name: str) -> dict[str, Any]:
        """Wait for the stack's operation; the stack as it is then."""
        self.service.join()
        return self.cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]

    def create(self, name: str, template: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        """Create a stack; the stack at the end of it, found by its id."""
        stack_id = self.cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **arguments,
        )["StackId"]
        return self.finish(stack_id)

    def update(self, name: str, template: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        self.cloudformation.update_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **arguments,
        )
        return self.finish(name)

    def delete(self, name: str, **arguments: Any) -> dict[str, Any]:
        stack_id = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.cloudformation.delete_stack(StackName=name, **arguments)
        return self.finish(stack_id)

    def change_set(
        self, stack: str, template: dict[str, Any], name: str = "cdk-deploy-change-set", **more: Any
    ) -> dict[str, Any]:
        self.cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **more,
        )
        return self.cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)

    def statuses(self, stack: str, logical_id: str) -> list[str]:
        """The statuses a resource (or the stack itself) went through, oldest first."""
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return [e["ResourceStatus"] for e in events[::-1] if e["LogicalResourceId"] == logical_id]

    def reasons(self, stack: str) -> list[str]:
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return [e["ResourceStatusReason"] for e in events[::-1] if "ResourceStatusReason" in e]

    def physical_id(self, stack: str, logical_id: str) -> str:
        resource = self.cloudformation.describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        return str(resource["StackResourceDetail"]["PhysicalResourceId"])

    def refusal(self, call: Callable[..., Any], **arguments: Any) -> dict[str, str]:
        """The error that a call must end with."""
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
        return dict(caught.value.response["Error"])


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CloudContext, Routes]]:
    def nothing(environ: dict[str, Any], start_response: Any) -> Any:
        raise AssertionError("no test is running")

    account = Account("123456789012", "us-east-1")
    moto = DomainDispatcherApplication(create_backend_app)
    routes = Routes(account, moto, nothing, nothing, nothing)
    server = make_server("localhost", 0, routes, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = CloudContext(
        account="123456789012",
        region="us-east-1",
        endpoint=f"http://localhost:{server.server_port}",
        state_dir=tmp_path_factory.mktemp("state"),
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        secret_access_key="secret",
    )
    with applied([*lambda_version_patches(), *access_logging_patches()]):
        yield context, routes
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def context(served: tuple[CloudContext, Routes]) -> CloudContext:
    return served[0]


@pytest.fixture
def provisioned() -> list[tuple[str, str, int]]:
    """What the function service was told about provisioned concurrency."""
    return []


@pytest.fixture
def managed_policies() -> Iterator[None]:
    """AWS's own managed policies exist; ask for it before `cloud`. Loading them takes a second."""
    iam: dict[str, Any] = default_user_config["iam"]  # type: ignore[assignment]
    iam["load_aws_managed_policies"] = True
    yield
    iam["load_aws_managed_policies"] = False


@pytest.fixture
def cloud(
    served: tuple[CloudContext, Routes], provisioned: list[tuple[str, str, int]]
) -> Iterator[CloudUnderTest]:
    """An empty account; afterwards no operation is left running."""
    context, routes = served
    BackendDict.reset()
    reset_model_data()
    service = CloudFormationService(context.with_credentials(HANDLERS_KEY, "secret", None))
    routes.cloudformation = service.wsgi_app
    routes.provisioned = ProvisionedConcurrency(
        context, lambda function, qualifier, count: provisioned.append((function, qualifier, count))
    )
    batch = BatchService(context, lambda *_: None)
    routes.batch = batch.wsgi_app
    alarms = Alarms(context, lambda action, change: None)
    # Not for the session: a whole cloud, in another test, adds the same to moto.
    with applied([*budget_patches(), *alarm_patches(alarms), *vpc_patches()]):
        yield CloudUnderTest(context, service, routes)
        service.stop()
        batch.stop()


@pytest.fixture
def things(cloud: CloudUnderTest, world: World) -> Iterator[CloudUnderTest]:
    """The cloud with things in memory beside the services' resources, to fail on demand."""
    handlers = {**handlers_for(cloud.context), Thing.type_name: Thing(cloud.context, world)}
    service = CloudFormationService(cloud.context, handlers)
    cloud.routes.cloudformation = service.wsgi_app
    cloud.client("ssm").put_parameter(Name=BOOTSTRAP_VERSION, Type="String", Value="30")
    yield CloudUnderTest(cloud.context, service, cloud.routes)
    if world.gate is not None:
        world.gate.set()
    service.stop()


@pytest.fixture
def assembly(tmp_path: Path, cloud: CloudUnderTest) -> Assembly:
    """For the real CDK CLI."""
    return Assembly(tmp_path, cloud.context)


@pytest.fixture
def repository_root() -> Path:
    return Path(__file__).resolve().parents[3]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def service(context: CloudContext, world: World) -> Iterator[CloudFormationService]:
    service = CloudFormationService(context, {"Test::Thing": Thing(context, world)}, linger_s=0)
    yield service
    if world.gate is not None:
        world.gate.set()
    service.stop()
