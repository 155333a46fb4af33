"""What the whole suite shares: its order, syntheses of the app, and where the time went."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from localcloud.cdk import CdkCli

# How long an example takes says nothing on a machine with other work to do. Where a run decides
# about a change, it tries the same examples each time; elsewhere it looks for new ones.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

TESTS = Path(__file__).parent
ROOT = TESTS.parent

ORDER = (
    "core",
    "prices",
    "settings",
    "workloads",
    "policy",
    "tools",
    "handlers",
    "hpc",
    "localcloud/iam",
    "localcloud/identity",
    "localcloud/s3",
    "localcloud/monitoring",
    "localcloud/scaling",
    "localcloud/batch",
    "localcloud/functions",
    "localcloud/cloudformation",
    "localcloud/cloud",
    "stacks",
    "review",
    "browser",
    "training",
    "images",
    "e2e",
    "bench",
    "chaos",
    "lifecycle",
)
_seconds: defaultdict[str, float] = defaultdict(float)
_counts: Counter[str] = Counter()


def _folder(path: Path) -> str:
    """The folder of ORDER that a test file lies in; any other folder sorts last by its name."""
    relative = path.relative_to(TESTS).parent.as_posix()
    return next((name for name in ORDER if f"{relative}/".startswith(f"{name}/")), relative)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stage `dev` as the CDK CLI synthesizes it: once, for whoever deploys it as it is."""
    folder = tmp_path_factory.mktemp("assembly") / "cdk.out"
    CdkCli().synth(folder)
    return folder


@pytest.fixture(scope="session")
def synthesize_into(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Synthesize in this process with the context that the CLI would hand over, and overrides.

    The first synthesis of a process takes seconds, the next ones do not.
    """
    from_cli = {
        **json.loads((ROOT / "cdk.json").read_text())["context"],
        "aws:cdk:enable-path-metadata": True,
    }

    def synthesize(stage: str, **overrides: object) -> Path:
        # jsii starts a Node process with this import: only for those who synthesize.
        import app

        folder = tmp_path_factory.mktemp(f"cdk.out.{stage}")
        app.synthesize({**from_cli, "stage": stage, **overrides}, outdir=str(folder))
        return folder

    return synthesize


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--deployed-stage",
        help="run tests/e2e against this stage as it is deployed where the AWS environment points",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: number for number, name in enumerate(ORDER)}
    items.sort(key=lambda item: rank.get(_folder(item.path), len(ORDER)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    folder = _folder(ROOT / report.nodeid.partition("::")[0])
    _seconds[folder] += report.duration
    _counts[folder] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if len(_seconds) < 2:
        return
    terminalreporter.section("where the time went")
    for folder, seconds in sorted(_seconds.items(), key=lambda entry: -entry[1]):
        terminalreporter.write_line(f"{seconds:8.1f} s  {_counts[folder]:4d} tests  {folder}")
