"""`python -m localcloud`: keep a cloud up, and run commands against it."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import threading
from pathlib import Path
from types import FrameType

import click

from localcloud.limit_options import chosen_limits, limit_options
from localcloud.state_dir import remove_abandoned
from localcloud.state_file import NoCloudError, find_cloud, remove_stale, this_process

_UNUSED_DAYS = 30


containers_option = click.option(
    "--containers",
    is_flag=True,
    envvar="LOCALCLOUD_CONTAINERS",
    show_envvar=True,
    help="build the images with this machine's container engine and run functions in them",
)


@click.group()
def cli() -> None:
    """An AWS account on this machine."""
    # Already importing moto fails on a profile that is in no configuration file.
    os.environ.pop("AWS_PROFILE", None)


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 (default): any free one")
@containers_option
@limit_options
def up(port: int, containers: bool, **limits: float | None) -> None:
    """Keep a cloud up until Ctrl-C, and print how to use it."""
    from localcloud.cloud import Cloud
    from localcloud.images.engine import NoEngineError

    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    ended = threading.Event()

    def end(signum: int, frame: FrameType | None) -> None:
        ended.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, end)
    for stale in remove_stale():
        click.echo(f"removed {stale}: its cloud is gone", err=True)
    tidy_up()
    chosen = chosen_limits(limits)
    try:
        cloud = Cloud(port=port, limits=chosen, containers=containers).start()
    except NoEngineError as error:
        raise click.ClickException(f"--containers: {error}") from error
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}") from error
    written = None
    try:
        context = cloud.context
        written = this_process(context.endpoint, context.state_dir, cloud.environ)
        written.write()
        click.echo(f"embedded cloud up at {context.endpoint}, account {context.account}")
        click.echo(f"limits: {chosen}")
        click.echo("commands: python -m localcloud exec -- COMMAND; or, in a shell:")
        for variable, value in cloud.environ.items():
            click.echo(f"export {variable}={shlex.quote(value)}")
        ended.wait()
    finally:
        if written is not None:
            written.remove()
        cloud.stop()
    click.echo("embedded cloud down")


@cli.command(
    "exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option("--port", type=int, help="which cloud, where several are up")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run_command(port: int | None, command: tuple[str, ...]) -> None:
    """Run COMMAND with the environment of the cloud that is up."""
    from localcloud.cdk import environment_of_cli

    try:
        cloud = find_cloud(port)
    except NoCloudError as error:
        raise click.ClickException(str(error)) from error
    environ = environment_of_cli(cloud.environ)
    try:
        os.execvpe(command[0], command, environ)
    except OSError as error:
        raise click.ClickException(f"{command[0]}: {error.strerror}") from error


@cli.command("differences")
@click.option("--port", type=int, help="which cloud, where several are up")
def say_differences(port: int | None) -> None:
    """Say what the deployed stacks ask for that has no effect on this machine."""
    import boto3

    from localcloud.differences import differences, told

    try:
        cloud = find_cloud(port)
    except NoCloudError as error:
        raise click.ClickException(str(error)) from error
    session = boto3.Session(
        aws_access_key_id=cloud.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud.environ["AWS_SECRET_ACCESS_KEY"],
        region_name=cloud.environ["AWS_REGION"],
    )
    client = session.client("cloudformation", endpoint_url=cloud.endpoint)
    for line in told(differences(client)):
        click.echo(line)


@cli.command("run", context_settings={"ignore_unknown_options": True})
@click.option("--stage", default="dev", show_default=True, help="which stage to deploy")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="out/run",
    show_default=True,
    help="folder for the job's files and cdk.log",
)
@containers_option
@limit_options
@click.argument("job_options", nargs=-1, type=click.UNPROCESSED)
def run_story(
    stage: str,
    out: Path,
    containers: bool,
    job_options: tuple[str, ...],
    **limits: float | None,
) -> None:
    """Deploy to a cloud of its own, run the job there, tear down, and say what is left.

    Further options (--shard-size, --images, --labels, ...) go to `hpc run`.
    """
    from localcloud.cdk import CdkFailedError, CdkNotInstalledError
    from localcloud.images.engine import NoEngineError
    from localcloud.story import JobFailedError, Story

    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    tidy_up()
    chosen = chosen_limits(limits)
    click.echo(f"limits: {chosen}")
    story = Story(
        stage=stage,
        out=out.resolve(),
        job_options=job_options,
        limits=chosen,
        containers=containers,
    )
    try:
        leftovers = story.tell()
    except NoEngineError as error:
        raise click.ClickException(f"--containers: {error}") from error
    except (CdkFailedError, CdkNotInstalledError, JobFailedError) as error:
        raise click.ClickException(str(error)) from error
    story.conclude(leftovers)
    if leftovers:
        raise SystemExit(1)


def tidy_up() -> None:
    """Remove what former clouds left behind, and say so."""
    from localcloud.images.virtual_environment import VirtualEnvironments, cache_folder

    for folder in remove_abandoned():
        click.echo(f"removed {folder}: its cloud was killed", err=True)
    for folder in VirtualEnvironments(cache_folder()).remove_unused(days=_UNUSED_DAYS):
        click.echo(f"removed {folder}: not used for {_UNUSED_DAYS} days", err=True)


if __name__ == "__main__":
    cli(prog_name="python -m localcloud")
