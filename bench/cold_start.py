"""Cold start of `predict`, spawn to first answer, against importing what it cannot do without.

The deployed function is invoked with one picture while it has no execution environment: the time
holds the process, the runtime interface client, all imports, the model, the prediction and the
answer through Lambda's API. The reference is `import numpy, ai_edge_litert.interpreter` in a fresh
process of the same Python.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3

from bench.figure import Figure, interleaved, timed
from bench.processes import environments_of
from bench.record import Goal, Result, Series, over
from bench.stage import STAGE, CloudProcess, deployed_stage, end_environments
from hpc.outputs import APP

REFERENCE = "import numpy, ai_edge_litert.interpreter"
_EVENT = {
    "version": "2.0",
    "routeKey": "POST /classify",
    "rawPath": "/classify",
    "requestContext": {"http": {"method": "POST", "path": "/classify"}},
    "headers": {"content-type": "application/json"},
    "body": json.dumps({"pixels": [[[0] * 28] * 28]}),
    "isBase64Encoded": False,
}


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How often each is timed."""

    rounds: int


def measure(amount: Amount) -> Result:
    """Both in turn, on one deployed stage."""
    with deployed_stage() as cloud:
        invoke = first_answer(cloud)
        invoke()
        python = Path(environments_of(cloud.pid)[0].cmdline()[0])

        def cold() -> float:
            end_environments(cloud)
            return timed(invoke)

        taken = interleaved(
            amount.rounds, {"cold": cold, "imports": lambda: timed(lambda: _import(python))}
        )
    cold_start = Series(name="predict, cold, to its first answer", unit="s", values=taken["cold"])
    imports = Series(name=f'python -c "{REFERENCE}"', unit="s", values=taken["imports"])
    return Result(
        figure=FIGURE.name,
        title="Cold start of predict",
        series=(cold_start, imports),
        ratios=(
            over(
                "cold start / imports",
                cold_start,
                imports,
                goal=Goal(sense="at most", bound=1.8),
            ),
        ),
        raw={"amount": asdict(amount)},
    )


def first_answer(cloud: CloudProcess) -> Callable[[], None]:
    """Invokes predict with one picture; the call raises RuntimeError unless it is classified."""
    session = boto3.Session(
        aws_access_key_id=cloud.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud.environ["AWS_SECRET_ACCESS_KEY"],
        region_name=cloud.environ["AWS_REGION"],
    )
    endpoint = cloud.environ["AWS_ENDPOINT_URL"]
    functions = session.client("lambda", endpoint_url=endpoint)
    (name,) = (
        function["FunctionName"]
        for function in functions.list_functions()["Functions"]
        if function["FunctionName"].startswith(f"{APP}-{STAGE}-functions-Predict")
    )

    def invoke() -> None:
        answer = functions.invoke(
            FunctionName=name, Qualifier="live", Payload=json.dumps(_EVENT).encode()
        )
        payload = json.loads(answer["Payload"].read())
        if payload.get("statusCode") != 200:
            raise RuntimeError(f"predict answered {payload}")

    return invoke


def _import(python: Path) -> None:
    environ = {"PATH": os.environ.get("PATH", os.defpath)}
    subprocess.run([str(python), "-c", REFERENCE], env=environ, check=True)


FIGURE = Figure(
    name="cold-start",
    summary="cold start of predict against its unavoidable imports",
    measure=measure,
    quick=Amount(rounds=5),
    full=Amount(rounds=25),
)
