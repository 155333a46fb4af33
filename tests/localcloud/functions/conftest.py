"""A scratch cloud for the data plane: moto's own server for the control plane, on a free port."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from localcloud.context import CloudContext
from localcloud.functions import INVOKE_PATH, FunctionService, ServiceLimits
from localcloud.monitoring.metric_api import metric_patches
from localcloud.services.patches import applied
from tests.localcloud.functions.invoking import (
    ACCOUNT,
    CACHE,
    CODE,
    REGION,
    Deploy,
    Meeting,
    Serve,
    delete_if_there,
    role_of,
    zip_of,
)


@dataclass
class MotoServer:
    """A moto server whose Invoke goes to the service of the test in progress."""

    endpoint: str = ""
    service: FunctionService | None = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "POST" and INVOKE_PATH.fullmatch(environ["PATH_INFO"]):
            assert self.service is not None
            return self.service.wsgi_invoke(environ, start_response)
        return self._moto(environ, start_response)

    _moto: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))


@pytest.fixture(scope="session")
def moto_server() -> Iterator[MotoServer]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = MotoServer()
    server = make_server("localhost", 0, application, threaded=True)
    application.endpoint = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield application
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def aws(moto_server: MotoServer, tmp_path_factory: pytest.TempPathFactory) -> CloudContext:
    """For its clients only."""
    folder = tmp_path_factory.mktemp("clients")
    return CloudContext(ACCOUNT, REGION, moto_server.endpoint, folder, "test", "test")


@pytest.fixture
def context(moto_server: MotoServer, tmp_path: Path) -> Iterator[CloudContext]:
    made = CloudContext(ACCOUNT, REGION, moto_server.endpoint, tmp_path, "test", "test")
    with applied(metric_patches(made.metrics)):
        yield made


@pytest.fixture
def serve(context: CloudContext, moto_server: MotoServer) -> Iterator[Serve]:
    """Starts a service with the limits given; it is stopped after the test."""
    services: list[FunctionService] = []

    def start(**options: Any) -> FunctionService:
        options.setdefault("limits", ServiceLimits(width=8))
        service = FunctionService(context, cache_dir=CACHE, **options)
        services.append(service)
        moto_server.service = service
        return service

    yield start
    moto_server.service = None
    for service in services:
        service.stop()


@pytest.fixture
def service(serve: Serve) -> FunctionService:
    return serve()


@pytest.fixture
def deploy(aws: CloudContext) -> Iterator[Deploy]:
    """Creates a zip function of `code`; keyword arguments go to CreateFunction."""
    names: list[str] = []

    def create(code: str = CODE, **settings: Any) -> str:
        name = settings.pop("FunctionName", f"function-{uuid.uuid4().hex[:12]}")
        settings = {
            "Runtime": "python3.13",
            "Handler": "handler.handler",
            "Timeout": 20,
            "MemorySize": 256,
            "Code": {"ZipFile": zip_of(code)},
            **settings,
        }
        aws.client("lambda").create_function(FunctionName=name, Role=role_of(aws), **settings)
        names.append(name)
        return name

    yield create
    for name in names:
        delete_if_there(aws, name)


@pytest.fixture
def meeting() -> Iterator[Meeting]:
    with ThreadPoolExecutor(16) as executor, closing(Meeting(executor)) as started:
        yield started
