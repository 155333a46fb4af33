"""Synthesis is a pure function: the same again in a process that has nothing to ask."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.stacks.synthesized import Synthesized

ROOT = Path(__file__).parents[2]
# Where jsii keeps its packages unpacked. Unpacking aws-cdk-lib takes twice the rest of a synthesis.
UNPACKED = os.environ.get(
    "JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(Path.home() / ".cache/aws/jsii/package-cache")
)

NO_NETWORK = """
const refuse = () => { throw new Error('synthesis must not use the network'); };
require('net').Socket.prototype.connect = refuse;
require('dns').lookup = refuse;
"""
# Python imports it before the program, from the first folder of PYTHONPATH. It counts what it
# refuses, because a library may swallow the error.
NO_PYTHON_NETWORK = """
import os, socket

def refuse(*arguments, **more):
    open(os.environ["REFUSED"], "a").write("x")
    raise RuntimeError("synthesis must not use the network")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
"""


def test_synthesis_needs_no_network_credentials_docker_or_git(
    dev: Synthesized, tmp_path: Path
) -> None:
    node = shutil.which("node")
    assert node is not None
    programs, block, out = tmp_path / "bin", tmp_path / "block.js", tmp_path / "cdk.out"
    packages, refused = tmp_path / "packages", tmp_path / "refused"
    programs.mkdir()
    packages.mkdir()
    (packages / "sitecustomize.py").write_text(NO_PYTHON_NETWORK)
    (programs / "node").symlink_to(node)
    block.write_text(NO_NETWORK)
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        check=True,
        env={
            "PATH": str(programs),
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            # Another home has none of its own.
            **({"JSII_RUNTIME_PACKAGE_CACHE_ROOT": UNPACKED} if Path(UNPACKED).is_dir() else {}),
            "NODE_OPTIONS": f"--require {block}",
            "CDK_OUTDIR": str(out),
            "CDK_CONTEXT_JSON": json.dumps({**context, "aws:cdk:enable-path-metadata": True}),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(packages),
            "REFUSED": str(refused),
            "TZ": "Pacific/Kiritimati",
        },
    )
    assert not refused.exists()
    assert dev.differing(Synthesized("dev", out)) == []


def test_impossible_settings_end_with_a_message_and_no_traceback(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "CDK_OUTDIR": str(tmp_path),
            "CDK_CONTEXT_JSON": json.dumps({"stage": "dev", "map_concurrency": "0", "typo": "1"}),
        },
    )
    assert refused.returncode == 1
    assert "map_concurrency = 0; allowed: 1 to 10000" in refused.stderr
    assert "typo = '1'; allowed: one of stage, " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list(tmp_path.iterdir())
