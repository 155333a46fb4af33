"""`make run`: the whole story on a cloud of its own, from synthesis to nothing left.

Each chapter is what a user would type: the real CDK CLI synthesizes, bootstraps, deploys and
destroys, and `hpc run` is the job, all of them processes of their own that know the cloud by its
environment variables alone. It decides the order, and says what is left at the end; it knows
nothing of what is deployed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.status import Status

from localcloud.cdk import REPOSITORY, CdkCli, environment_of_cli
from localcloud.cloud import Cloud
from localcloud.differences import differences, told
from localcloud.functions import ServiceLimits
from localcloud.residue import Leftover, bootstrap_resources, difference, snapshot

_JOB_FILES = ("summary.json", "report.html", "predictions.csv")


class JobFailedError(Exception):
    """`hpc run` ended with an error, which it has said itself."""


class _Log:
    """Takes what the CDK CLI says: every line to a file, the latest one to the spinner."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.status: Status | None = None
        self.chapter = ""

    def __call__(self, line: str) -> None:
        self._file.write(line)
        if self.status is not None and line.strip():
            shown = line.strip()[:100].replace("[", r"\[")
            self.status.update(f"{self.chapter} [dim]{shown}[/dim]")


class Story:
    """One run; `seconds` fills up chapter by chapter."""

    def __init__(
        self,
        *,
        stage: str,
        out: Path,
        job_options: tuple[str, ...],
        limits: ServiceLimits | None = None,
        containers: bool = False,
    ) -> None:
        """`out` gets the job's files and cdk.log; `job_options` go to `hpc run` as they are.

        With `containers`, functions run in their real images.
        """
        self._stage = stage
        self._out = out
        self._job_options = job_options
        self._limits = limits
        self._containers = containers
        self._console = Console(highlight=False)
        self.seconds: dict[str, float] = {}

    def tell(self) -> list[Leftover]:
        """Run it all; what is left behind, an empty list as it should be.

        Raises CdkFailedError or JobFailedError; what was deployed is torn down before that.
        """
        self._out.mkdir(parents=True, exist_ok=True)
        for name in _JOB_FILES:
            # A run that fails must not leave a former one's results as if they were its own.
            (self._out / name).unlink(missing_ok=True)
        with (
            (self._out / "cdk.log").open("w", encoding="utf-8") as file,
            Cloud(limits=self._limits, containers=self._containers) as cloud,
        ):
            log = _Log(file)
            context = cloud.context
            assembly = context.state_dir / "cdk.out"
            stage = {"stage": self._stage}
            cdk = CdkCli(environ=cloud.environ, context=stage, output=log)
            with self._chapter("synthesize", log):
                cdk.synth(assembly)
            with self._chapter("bootstrap", log):
                cdk.bootstrap(assembly)
            before = snapshot(context, cloud.functions, cloud.cloudformation, cloud.batch)
            try:
                with self._chapter("deploy", log):
                    cdk.deploy(assembly)
                for line in told(differences(context.client("cloudformation"))):
                    self._console.print(f"[yellow]![/yellow] {line}")
                self._job(cloud.environ)
            finally:
                with self._chapter("destroy", log):
                    cdk.destroy(assembly)
            after = snapshot(context, cloud.functions, cloud.cloudformation, cloud.batch)
            return difference(before, after, bootstrap_resources(context))

    @contextmanager
    def _chapter(self, name: str, log: _Log) -> Iterator[None]:
        began = time.monotonic()
        log.chapter = name
        if self._console.is_terminal:
            with self._console.status(name) as log.status:
                yield
            log.status = None
        else:
            self._console.print(f"{name} ...")
            yield
        self.seconds[name] = round(time.monotonic() - began, 1)
        self._console.print(f"[green]✓[/green] {name}, {self.seconds[name]} s")

    def _job(self, environ: Mapping[str, str]) -> None:
        began = time.monotonic()
        command = [sys.executable, "-m", "hpc", "run", "--stage", self._stage]
        finished = subprocess.run(
            [*command, "--out", str(self._out), *self._job_options],
            env=environment_of_cli(environ),
            cwd=REPOSITORY,
            check=False,
        )
        self.seconds["job and report"] = round(time.monotonic() - began, 1)
        if finished.returncode != 0:
            raise JobFailedError(f"the job ended with {finished.returncode}, see above")

    def conclude(self, leftovers: list[Leftover]) -> None:
        """Add residue and seconds to the job's summary.json, and say both."""
        path = self._out / "summary.json"
        summary = json.loads(path.read_text())
        summary["residue"] = [str(leftover) for leftover in leftovers]
        summary["seconds"] = self.seconds
        path.write_text(json.dumps(summary, indent=2) + "\n")
        times = ", ".join(f"{name} {seconds} s" for name, seconds in self.seconds.items())
        self._console.print(f"[green]✓[/green] {sum(self.seconds.values()):.0f} s in all: {times}")
        if leftovers:
            self._console.print("[red]left behind after destroy:[/red]")
            for leftover in leftovers:
                self._console.print(f"  {leftover}")
        else:
            self._console.print("[green]✓[/green] torn down, nothing left behind")
