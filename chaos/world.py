"""The product deployed once to an embedded cloud, and the hands of its operator.

It decides what the campaign's stage differs in from a user's (short timeouts, little memory, set as
an operator sets them: update, publish, move the alias), and gives the limits that faults lower.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from chaos.disk import SmallDisk
from chaos.front import Front
from hpc.outputs import Deployment, read_deployment
from localcloud.cdk import CdkCli
from localcloud.cloud import Cloud
from localcloud.functions import ServiceLimits

STAGE = "dev"
TIMEOUT_S = 4
MEMORY_MB = 128
# Enough for the input that was too large, and the time to classify it.
_LARGE_TIMEOUT_S = 120
_LARGE_MEMORY_MB = 1769
# AWS leaves a hundred places to functions without a reservation, whatever the others reserve.
_ALL_BUT_A_HUNDRED = 900
# More environments than cores: those that hang or stall must not hold up the others.
_WIDTH = 6
_CONTEXT = {
    "stage": STAGE,
    "api.rate_per_s": "1000",
    "api.burst": "1000",
    "map_concurrency": "150",
    # Functions with a share of their own would not feel an account that is taken.
    **{
        f"{name}.reserved_concurrency": "none"
        for name in ("plan", "classify", "reduce", "predict", "jobs")
    },
}


class Lowered:
    """A limit that several faults may lower at once: restored by the last one to end."""

    def __init__(self, lower: Callable[[], None], restore: Callable[[], None]) -> None:
        self._lower = lower
        self._restore = restore
        self._lock = threading.Lock()
        self._held = 0

    def begin(self) -> None:
        """Lower it, or hold it lowered."""
        with self._lock:
            self._held += 1
            if self._held == 1:
                self._lower()

    def end(self) -> None:
        """Let go of it."""
        with self._lock:
            self._held -= 1
            if self._held == 0:
                self._restore()


@dataclass
class World:
    """A deployed stage behind a `front`; `disk` is None where none of limited size can be made."""

    cloud: Cloud
    front: Front
    session: boto3.Session
    deployment: Deployment
    disk: SmallDisk | None
    names: dict[str, str]
    timeout_s: float = TIMEOUT_S
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.no_concurrency = self._reservation("Classify", 0)
        self.account_taken = self._reservation("Plan", _ALL_BUT_A_HUNDRED)

    @property
    def classify(self) -> str:
        """The name of the function that classifies."""
        return self.names["Classify"]

    def client(self, service: str) -> Any:
        """A client with the operator's credentials, shared by threads."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self.session.client(
                    service,
                    config=Config(
                        retries={"total_max_attempts": 8, "mode": "standard"},
                        read_timeout=90,
                        max_pool_connections=32,
                    ),
                )
            return self._clients[service]

    def throttles(self) -> int:
        """Invocations refused with 429 since the world began, as CloudWatch has it."""
        self.cloud.functions.flush()
        now = datetime.now(UTC)
        total = 0.0
        for name in self.names.values():
            answer = self.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName="Throttles",
                Dimensions=[{"Name": "FunctionName", "Value": name}],
                StartTime=self._began - timedelta(minutes=1),
                EndTime=now + timedelta(minutes=1),
                Period=86_400,
                Statistics=["Sum"],
            )
            total += sum(point["Sum"] for point in answer["Datapoints"])
        return int(total)

    def configure(self, *, timeout_s: int, memory_mb: int, functions: tuple[str, ...]) -> None:
        """Publish functions with another timeout and memory, and point `live` to that."""
        lambda_ = self.client("lambda")
        for role in functions:
            name = self.names[role]
            lambda_.update_function_configuration(
                FunctionName=name, Timeout=timeout_s, MemorySize=memory_mb
            )
            version = lambda_.publish_version(FunctionName=name)["Version"]
            lambda_.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    @contextmanager
    def more_memory(self) -> Iterator[None]:
        """What an operator does about a function that is too small for its input."""
        self.configure(
            timeout_s=_LARGE_TIMEOUT_S, memory_mb=_LARGE_MEMORY_MB, functions=("Classify",)
        )
        try:
            yield
        finally:
            self.configure(timeout_s=TIMEOUT_S, memory_mb=MEMORY_MB, functions=("Classify",))

    def _reservation(self, role: str, count: int) -> Lowered:
        name = self.names[role]
        return Lowered(
            lambda: self.client("lambda").put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=count
            ),
            lambda: self.client("lambda").delete_function_concurrency(FunctionName=name),
        )


@contextmanager
def deployed(folder: Path, say: Callable[[str], None]) -> Iterator[World]:
    """The product on a cloud whose state lies in `folder`; nothing is left of it afterwards."""
    front = Front()
    with ExitStack() as ending:
        disk = ending.enter_context(SmallDisk.mounted(folder / "disk"))
        cloud = ending.enter_context(
            Cloud(
                state_dir=folder / "disk" / "state",
                limits=ServiceLimits(width=_WIDTH),
                middleware=front.wrap,
            )
        )
        ending.enter_context(_environment(cloud.environ))
        cdk = CdkCli(environ=cloud.environ, context=_CONTEXT)
        assembly = folder / "cdk.out"
        for chapter in (cdk.synth, cdk.bootstrap, cdk.deploy):
            say(f"{chapter.__name__} ...")
            chapter(assembly)
        session = boto3.Session()
        world = World(
            cloud=cloud,
            front=front,
            session=session,
            deployment=read_deployment(STAGE, session=session),
            disk=disk,
            names=_function_names(session),
        )
        world.configure(
            timeout_s=TIMEOUT_S, memory_mb=MEMORY_MB, functions=("Plan", "Classify", "Reduce")
        )
        yield world


def _function_names(session: boto3.Session) -> dict[str, str]:
    functions = session.client("lambda").list_functions()["Functions"]
    return {
        role: next(
            function["FunctionName"]
            for function in functions
            if f"-{role}Function" in function["FunctionName"]
        )
        for role in ("Plan", "Classify", "Reduce", "Jobs")
    }


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """The cloud's variables in this process's environment, where boto3 and `hpc` look for them."""
    before = dict(os.environ)
    os.environ.update(variables)
    os.environ.pop("AWS_SESSION_TOKEN", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
