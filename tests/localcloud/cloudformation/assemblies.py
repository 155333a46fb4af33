"""Cloud assemblies without an app, and the real CDK CLI's verdict on them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.cdk import CdkCli, CdkFailedError, environment_of_cli, find_cli, find_node
from localcloud.context import CloudContext

# Before it rolls back, the CLI asks for the version of the bootstrap stack; it wants 23 at least.
BOOTSTRAP_VERSION = "/cdk-bootstrap/tests/version"
_COMMON = ("--no-notices", "--ci", "--no-color")


@dataclass(frozen=True)
class Verdict:
    """How a command of the CLI ended, and all that it said."""

    code: int
    said: str


class Assembly:
    """A folder with one template a stack, as `cdk synth` would leave it."""

    def __init__(self, folder: Path, context: CloudContext) -> None:
        self.folder = folder
        self._context = context
        # The CLI keeps its caches in the home folder.
        self._environ = {**context.environ, "HOME": str(folder)}
        self._cdk = CdkCli(environ=self._environ, app_dir=folder)

    def write(
        self,
        stacks: Mapping[str, Mapping[str, Any]],
        *,
        after: Mapping[str, list[str]] | None = None,
        **properties: Any,
    ) -> None:
        """Templates by stack; `after`: which stacks each waits for; `properties`: of all stacks."""
        artifacts = {}
        for name, template in stacks.items():
            (self.folder / f"{name}.template.json").write_text(json.dumps(template))
            artifacts[name] = {
                "type": "aws:cloudformation:stack",
                "environment": f"aws://{self._context.account}/{self._context.region}",
                "properties": {
                    "templateFile": f"{name}.template.json",
                    "bootstrapStackVersionSsmParameter": BOOTSTRAP_VERSION,
                    **properties,
                },
                "dependencies": (after or {}).get(name, []),
            }
        manifest = {"version": "36.0.0", "artifacts": artifacts}
        (self.folder / "manifest.json").write_text(json.dumps(manifest))

    def _arguments(self, *arguments: str) -> list[str]:
        return [*arguments, "--app", str(self.folder), *_COMMON]

    def cdk(self, *arguments: str) -> Verdict:
        """Run a command to its end."""
        try:
            return Verdict(0, self._cdk.run(*self._arguments(*arguments)))
        except CdkFailedError as error:
            return Verdict(error.return_code, error.output)

    def deploy(self, *arguments: str) -> Verdict:
        """All stacks, unless some are named."""
        return self.cdk("deploy", "--require-approval", "never", *(arguments or ("--all",)))

    def destroy(self, *arguments: str) -> Verdict:
        """All stacks, unless some are named."""
        return self.cdk("destroy", "--force", *(arguments or ("--all",)))

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command; the caller ends it."""
        return subprocess.Popen(
            [find_node(), find_cli(), *self._arguments(*arguments)],
            env=environment_of_cli(self._environ),
            cwd=self.folder,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
