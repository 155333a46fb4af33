"""What each function is and needs, whatever platform runs it.

It declares; it decides no memory size, no price and no address. The stacks and the OpenWhisk
manifest are both made from these declarations, so neither can have a function that the other has
never heard of.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INPUT_PREFIX = "inputs/"
JOBS_PREFIX = "jobs/"


class Platform(StrEnum):
    """Where a function can live."""

    LAMBDA = "lambda"
    OPENWHISK = "openwhisk"


ANYWHERE = frozenset(Platform)

# What every handler needs to know to log and to count.
TELEMETRY = (
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_METRICS_DISABLED",
    "STAGE",
)


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The least a function works with: memory to hold its data, time for its longest unit of work.

    A stage may give more (Lambda sells CPU by the megabyte), never less.
    """

    memory_mb: int
    time_s: int


@dataclass(frozen=True, kw_only=True)
class Route:
    """One HTTP operation that a function answers synchronously."""

    method: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function: its source files, its needs and how it is reached.

    `files` are the only ones that enter its image, as patterns relative to lambda_src/: an
    allow-list, so that nothing else can change the image's hash. `environment` names the variables
    that its work takes, wherever that runs; its handler reads those of TELEMETRY as well.
    """

    name: str
    purpose: str
    files: tuple[str, ...]
    environment: tuple[str, ...]
    needs: Needs
    platforms: frozenset[Platform]
    routes: tuple[Route, ...] = ()

    @property
    def dockerfile(self) -> str:
        """Path of the Dockerfile, relative to lambda_src/."""
        return f"{self.name}/Dockerfile"

    @property
    def handler_environment(self) -> tuple[str, ...]:
        """The variables that its handler reads."""
        return (*self.environment, *TELEMETRY)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A fan-out: `plan` cuts the input into shards, `work` does one shard, `reduce` joins them."""

    name: str
    plan: Function
    work: Function
    reduce: Function


def _own_files(name: str) -> tuple[str, ...]:
    return (f"{name}/Dockerfile", f"{name}/requirements.txt", f"{name}/*.py")


_CORE = ("shpc_core/**/*.py",)
_HTTP = ("shpc_http/**/*.py",)
_JOBS = ("shpc_jobs/**/*.py",)
_OBSERVED = ("shpc_lambda/**/*.py",)
_MODEL = ("model/model.tflite", "model/card.json")
_BUCKETS = ("INPUT_BUCKET", "RESULTS_BUCKET")

PLAN = Function(
    name="plan",
    purpose="Reads the input's size and writes the explicit shards and groups of a job.",
    files=(*_CORE, *_OBSERVED, *_own_files("plan")),
    environment=_BUCKETS,
    needs=Needs(memory_mb=256, time_s=30),
    platforms=ANYWHERE,
)

CLASSIFY = Function(
    name="classify",
    purpose="Classifies one shard of images.",
    files=(*_CORE, *_OBSERVED, *_own_files("classify"), "classify/entry.sh", *_MODEL),
    environment=_BUCKETS,
    needs=Needs(memory_mb=512, time_s=60),
    platforms=ANYWHERE,
)

PREDICT = Function(
    name="predict",
    purpose="Classifies a few pictures sent by HTTP, at once.",
    files=(*_CORE, *_HTTP, *_OBSERVED, *_own_files("predict"), *_MODEL),
    environment=(),
    needs=Needs(memory_mb=512, time_s=10),
    platforms=ANYWHERE,
    routes=(Route(method="POST", path="/classify"),),
)

REDUCE = Function(
    name="reduce",
    purpose="Checks that shards cover the input exactly once and joins their results.",
    files=(*_CORE, *_OBSERVED, *_own_files("reduce")),
    environment=_BUCKETS,
    needs=Needs(memory_mb=512, time_s=60),
    platforms=ANYWHERE,
)

JOBS = Function(
    name="jobs",
    purpose="Starts jobs, reports on them and redrives them.",
    files=(*_CORE, *_HTTP, *_JOBS, *_OBSERVED, *_own_files("jobs")),
    environment=("STATE_MACHINE_ARN", "RESULTS_BUCKET"),
    needs=Needs(memory_mb=256, time_s=10),
    platforms=frozenset({Platform.LAMBDA}),
    routes=(
        Route(method="POST", path="/jobs"),
        Route(method="GET", path="/jobs/{id}"),
        Route(method="POST", path="/jobs/{id}/redrive"),
    ),
)

FUNCTIONS = (PLAN, CLASSIFY, REDUCE, PREDICT, JOBS)

CLASSIFY_WORKLOAD = Workload(name="classify", plan=PLAN, work=CLASSIFY, reduce=REDUCE)
