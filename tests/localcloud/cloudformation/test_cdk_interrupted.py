"""The real CDK CLI, ended in the middle of its work, and several of them at once.

CloudFormation goes on without its client: an operation belongs to the stack, not to who began it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacks.html
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.localcloud.cloudformation.assemblies import Assembly
from tests.localcloud.cloudformation.conftest import CloudUnderTest
from tests.localcloud.cloudformation.world import World, thing

DEPLOY = ("deploy", "--require-approval", "never")


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


@contextmanager
def running(assembly: Assembly, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A CLI that does not outlive the block."""
    with assembly.begin(*arguments) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


def statuses(cloud: CloudUnderTest) -> dict[str, str]:
    listed = cloud.cloudformation.describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackStatus"] for stack in listed}


def interrupt(assembly: Assembly, world: World, how: signal.Signals) -> None:
    """Deploy, and end the CLI while a thing is being made."""
    world.gate = threading.Event()
    with running(assembly, *DEPLOY, "s") as cli:
        assert world.reached.wait(60)
        cli.send_signal(how)
        cli.communicate(timeout=60)
        assert cli.returncode != 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_deploy_is_completed_and_can_be_repeated(
    things: CloudUnderTest, world: World, assembly: Assembly, how: signal.Signals
) -> None:
    assembly.write({"s": template(A=thing(), B=thing("A"))})
    interrupt(assembly, world, how)
    assert statuses(things) == {"s": "CREATE_IN_PROGRESS"}

    assert world.gate is not None
    world.gate.set()
    things.service.join()

    assert statuses(things) == {"s": "CREATE_COMPLETE"}
    repeated = assembly.deploy("s")
    assert repeated.code == 0, repeated.said
    assert "no changes" in repeated.said
    assert world.log == ["create A", "create B"]


def test_deploy_beside_an_unfinished_one_is_refused_and_disturbs_nothing(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html"""
    assembly.write({"s": template(A=thing(Value="1"))})
    interrupt(assembly, world, signal.SIGKILL)
    assembly.write({"s": template(A=thing(Value="2"))})

    early = assembly.deploy("s")

    assert early.code == 1, early.said
    assert "EXECUTE_IN_PROGRESS" in early.said
    assert world.gate is not None
    world.gate.set()
    things.service.join()
    assert [thing["Value"] for thing in world.things.values()] == ["1"]
    later = assembly.deploy("s")
    assert later.code == 0, later.said
    assert [thing["Value"] for thing in world.things.values()] == ["2"]


def test_deploy_ended_before_its_change_set_ran_can_be_repeated_and_destroyed(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    assembly.write({"s": template(A=thing())})
    prepared = assembly.deploy("s", "--method", "prepare-change-set")
    assert prepared.code == 0, prepared.said
    assert (statuses(things), world.things) == ({"s": "REVIEW_IN_PROGRESS"}, {})

    repeated = assembly.deploy("s")

    assert repeated.code == 0, repeated.said
    assert statuses(things) == {"s": "CREATE_COMPLETE"}


def test_one_cli_deploys_two_stacks_at_once(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    assembly.write({"s": template(A=thing()), "t": template(B=thing())})
    # Neither is made before the other one is being made.
    world.barrier = threading.Barrier(2)

    deployed = assembly.deploy("--all", "--concurrency", "2")

    assert deployed.code == 0, deployed.said
    assert statuses(things) == dict.fromkeys("st", "CREATE_COMPLETE")


def test_two_clis_deploy_at_once_and_one_failure_is_one_verdict(
    things: CloudUnderTest, world: World, assembly: Assembly
) -> None:
    assembly.write({"s": template(A=thing()), "t": template(B=thing())})
    world.barrier = threading.Barrier(2)
    world.failing = {"create B"}

    with (
        running(assembly, *DEPLOY, "s", "--output", str(assembly.folder / "1")) as one,
        running(assembly, *DEPLOY, "t", "--output", str(assembly.folder / "2")) as other,
    ):
        said = one.communicate(timeout=60)[0], other.communicate(timeout=60)[0]

    assert (one.returncode, other.returncode) == (0, 1), said
    assert statuses(things) == {"s": "CREATE_COMPLETE", "t": "ROLLBACK_COMPLETE"}
    assert "asked to fail: create B" in said[1]
