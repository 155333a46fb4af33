"""A deployed stage to measure: an embedded cloud in a process of its own, as a user has it.

The real CDK CLI deploys to it and `hpc run` runs jobs on it. It decides how a job is called and
what is read of it; no option here makes it faster than it is for users.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.images import ROOT
from bench.processes import cpu_s, environments_of, peak_mb, run_measured
from localcloud.cdk import CdkCli, environment_of_cli
from localcloud.images.virtual_environment import cache_folder

STAGE = "dev"


@dataclass(frozen=True, kw_only=True)
class CloudProcess:
    """`python -m localcloud up`: its process id and the variables that it prints."""

    pid: int
    environ: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """One `hpc run`: `job_s` from POST to SUCCEEDED, the rest of the whole command and the cloud.

    Peaks are MiB: of the cloud's process since it began, of the largest execution environment that
    is alive, and of the client. `cloud_cpu_s` includes the functions.
    """

    images: int
    shard_size: int
    job_s: float
    command_s: float
    cloud_cpu_s: float
    client_cpu_s: float
    cloud_peak_mb: float
    functions_peak_mb: float
    client_peak_mb: float
    summary: dict[str, Any]


@contextmanager
def embedded_cloud(folder: Path) -> Iterator[CloudProcess]:
    """A cloud that lives as long as the context, and keeps its files in `folder`."""
    up = subprocess.Popen(
        [sys.executable, "-m", "localcloud", "up"],
        cwd=folder,
        env={**os.environ, "LOCALCLOUD_CACHE": str(cache_folder())},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        environ: dict[str, str] = {}
        while "CDK_DOCKER" not in environ:
            line = up.stdout.readline() if up.stdout else ""
            if not line:
                raise RuntimeError(f"the cloud ended with {up.wait()}")
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").partition("=")
                (environ[name],) = shlex.split(value)
        yield CloudProcess(pid=up.pid, environ=environ)
    finally:
        up.send_signal(signal.SIGTERM)
        with up:
            up.wait(60)


@contextmanager
def deployed_stage(assembly: Path | None = None) -> Iterator[CloudProcess]:
    """An embedded cloud with the stage deployed, nothing of it started yet.

    `assembly` is a synthesized stage, where there is one already. Raises CdkFailedError.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        with embedded_cloud(folder) as cloud:
            cdk = CdkCli(environ=cloud.environ, context={"stage": STAGE})
            if assembly is None:
                assembly = folder / "cdk.out"
                cdk.synth(assembly)
            cdk.bootstrap(assembly)
            cdk.deploy(assembly)
            yield cloud


@contextmanager
def synthesized_stage() -> Iterator[Path]:
    """The stage's assembly, for deploying it several times."""
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        assembly = Path(temporary) / "cdk.out"
        CdkCli(context={"stage": STAGE}).synth(assembly)
        yield assembly


def run_job(cloud: CloudProcess, images: Path, *, shard_size: int) -> JobRun:
    """`hpc run` on labelled images. Raises ProcessFailedError with the end of what it said."""
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        out = Path(temporary)
        command = [sys.executable, "-m", "hpc", "run", "--stage", STAGE, "--out", str(out)]
        cloud_before_s = cpu_s(cloud.pid)
        began = time.perf_counter()
        finished = run_measured(
            [*command, "--images", str(images), "--shard-size", str(shard_size)],
            environ=environment_of_cli(cloud.environ),
            cwd=ROOT,
            log=out / "hpc.log",
        )
        command_s = time.perf_counter() - began
        summary = json.loads((out / "summary.json").read_text())
    environments = environments_of(cloud.pid)
    return JobRun(
        images=summary["predicted"],
        shard_size=shard_size,
        job_s=summary["job_seconds"],
        command_s=command_s,
        cloud_cpu_s=cpu_s(cloud.pid) - cloud_before_s,
        client_cpu_s=finished.cpu_s,
        cloud_peak_mb=peak_mb(cloud.pid),
        functions_peak_mb=max(peak_mb(one.pid) for one in environments),
        client_peak_mb=finished.peak_mb,
        summary=summary,
    )


def end_environments(cloud: CloudProcess) -> None:
    """Kill every execution environment, so that the next job starts cold."""
    environments = environments_of(cloud.pid)
    for environment in environments:
        with contextlib.suppress(psutil.NoSuchProcess):
            environment.kill()
    psutil.wait_procs(environments, timeout=10)
