"""A warm no-op invocation through boto3, against `list_aliases` on the same server.

The function does nothing, in a process of its own as every function; both calls go through the same
boto3 client code, HTTP server and signature checks, so that the ratio is what an invocation costs
beyond a plain request. The same `list_aliases` on moto's own server is printed beside it, because
the ratio is harder to keep the faster our server answers plain requests.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.config import Config

from bench.figure import Figure, interleaved, timed
from bench.images import ROOT
from bench.record import Goal, Result, Series, over
from bench.stage import embedded_cloud

FUNCTION = "noop"
_HANDLER = "def handler(event, context):\n    return None\n"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@dataclass(frozen=True, kw_only=True)
class Amount:
    """`calls` of each kind make one round's median."""

    rounds: int
    calls: int


def measure(amount: Amount) -> Result:
    """Call by call in turn, `rounds` medians of each."""
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        embedded_cloud(Path(folder)) as cloud,
        stock_server() as stock_endpoint,
    ):
        ours = _client("lambda", cloud.environ)
        stock_environ = {**cloud.environ, "AWS_ENDPOINT_URL": stock_endpoint}
        stock = _client("lambda", stock_environ)
        create_function(ours, _client("iam", cloud.environ))
        create_function(stock, _client("iam", stock_environ))

        def call_noop() -> bytes:
            answer = ours.invoke(FunctionName=FUNCTION, Qualifier="live")
            return bytes(answer["Payload"].read())

        calls: dict[str, Callable[[], object]] = {
            "invoke": call_noop,
            "list_aliases": lambda: ours.list_aliases(FunctionName=FUNCTION),
            "stock_list_aliases": lambda: stock.list_aliases(FunctionName=FUNCTION),
        }
        for _ in range(10):
            for call in calls.values():
                call()
        rounds = [
            interleaved(amount.calls, {name: _timing(call) for name, call in calls.items()})
            for _ in range(amount.rounds)
        ]

    def p50(name: str, told: str) -> Series:
        return Series(
            name=told, unit="ms", values=tuple(1000 * median(taken[name]) for taken in rounds)
        )

    invoke = p50("invoke", "invoke, warm no-op, p50")
    aliases = p50("list_aliases", "list_aliases, same server, p50")
    stock_aliases = p50("stock_list_aliases", "list_aliases, moto's own server, p50")
    return Result(
        figure=FIGURE.name,
        title="A warm no-op invocation",
        series=(invoke, aliases, stock_aliases),
        ratios=(
            over(
                "invoke / list_aliases",
                invoke,
                aliases,
                goal=Goal(sense="at most", bound=1.5),
            ),
            over("invoke / list_aliases of moto's own server", invoke, stock_aliases),
        ),
        notes=(
            f"{amount.calls} calls of each kind in a round, in turn; boto3's own time included.",
        ),
        raw={"amount": asdict(amount), "seconds": [dict(taken) for taken in rounds]},
    )


def _timing(call: Callable[[], object]) -> Callable[[], float]:
    return lambda: timed(call)


def create_function(client: Any, iam: Any) -> None:
    """A zip function that does nothing, its version 1 behind the alias `live`."""
    role = iam.create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=json.dumps(_TRUST))
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("noop.py", _HANDLER)
    client.create_function(
        FunctionName=FUNCTION,
        Role=role["Role"]["Arn"],
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="noop.handler",
        Code={"ZipFile": package.getvalue()},
        Publish=True,
    )
    _await_active(client)
    client.create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion="1")


def _await_active(client: Any, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while client.get_function_configuration(FunctionName=FUNCTION)["State"] != "Active":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{FUNCTION} is not Active after {within_s} s")
        time.sleep(0.05)


def _client(service: str, environ: Mapping[str, str]) -> Any:
    return boto3.client(
        service,
        endpoint_url=environ["AWS_ENDPOINT_URL"],
        region_name=environ["AWS_REGION"],
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


@contextmanager
def stock_server() -> Iterator[str]:
    """The address of moto's own server in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.stock_server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            if not line:
                raise RuntimeError(f"moto's server ended with {server.wait()}")
            yield line.strip()
        finally:
            if server.stdin:
                server.stdin.close()
            server.wait(30)


FIGURE = Figure(
    name="warm-invoke",
    summary="a warm no-op invocation against list_aliases",
    measure=measure,
    quick=Amount(rounds=3, calls=100),
    full=Amount(rounds=9, calls=300),
)
