"""The command line `hpc`: each command reads its options, calls the parts in order, and prints.

Results and what is meant for other programs go to stdout, progress to stderr.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from hpc.api import ENDED
from hpc.baseline.command import baseline
from hpc.conclude import conclude
from hpc.connection import Connection, connect
from hpc.dataset import Dataset
from hpc.failures import UserErrorGroup, telling_the_way_on
from hpc.job import JobRequest, join, redrive, redrive_and_wait, submit, submit_and_wait
from hpc.job_id import new_job_id
from hpc.options import (
    EXISTING_FILE,
    dataset_of,
    images_option,
    labels_option,
    no_labels_option,
    shard_size_option,
    stage_option,
    upload_dataset,
)
from hpc.outcome import JobOutcome
from hpc.pictures import DEFAULT_MODEL, classify_locally, classify_remotely
from hpc.progress import progress_view
from hpc.size_command import size_command
from hpc.summary import write_outcome
from hpc.terminal import print_outcome, print_predictions, print_status
from hpc.upload import Uploaded

DEFAULT_OUT = Path("out/run")
# The job succeeded by its stage's tolerance, and shards of it are lost.
EXIT_PARTIAL = 3

_job_id = click.option("--job-id", help="The job's id. Default: date, time, a few letters.")
_out = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder for summary.json, report.html and predictions.csv.",
)
_accept_partial = click.option(
    "--accept-partial",
    is_flag=True,
    help=f"End with 0, not {EXIT_PARTIAL}, where the stage tolerates that shards lost.",
)


@click.group(cls=UserErrorGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Classify images with functions on AWS, or on the embedded cloud of this machine.

    A deployment is found by the outputs of its stacks, with the usual AWS environment (credentials,
    region, AWS_ENDPOINT_URL).

    \b
    Examples:
      hpc run
      hpc run --images big/images.idx --shard-size 1000 --out out/big
      hpc classify boot.png
    """


main.add_command(baseline)


@main.command()
@stage_option
@images_option
@labels_option
@no_labels_option
@shard_size_option
@_job_id
@_out
@_accept_partial
def run(
    stage: str,
    images: Path,
    labels: Path | None,
    no_labels: bool,
    shard_size: int,
    job_id: str | None,
    out: Path,
    accept_partial: bool,
) -> None:
    """Upload, submit, wait, fetch, check, report: the whole job.

    Ctrl-C stops watching; the job goes on, and `hpc fetch` brings its results.

    \b
    Examples:
      hpc run
      hpc run --stage prod --shard-size 500 --out out/prod
      hpc run --images mine.idx --no-labels
    """
    dataset = dataset_of(images, labels, no_labels)
    with connect(stage) as connection:
        uploads = _upload(connection, dataset)
        request = _request(uploads, shard_size, job_id)
        view = progress_view(Console(stderr=True), request.job_id)
        with telling_the_way_on(stage):
            ended = submit_and_wait(connection.api, request, view)
        outcome = conclude(connection, ended, dataset=dataset, uploads=uploads)
    _hand_over(outcome, out, accept_partial=accept_partial)


@main.command("submit")
@stage_option
@images_option
@labels_option
@no_labels_option
@shard_size_option
@_job_id
def submit_command(
    stage: str,
    images: Path,
    labels: Path | None,
    no_labels: bool,
    shard_size: int,
    job_id: str | None,
) -> None:
    """Upload and submit, print the job's id, and do not wait.

    \b
    Example:
      hpc fetch "$(hpc submit)"
    """
    dataset = dataset_of(images, labels, no_labels)
    with connect(stage) as connection:
        request = _request(_upload(connection, dataset), shard_size, job_id)
        submit(connection.api, request)
    click.echo(request.job_id)


@main.command()
@stage_option
@click.argument("job_id")
def status(stage: str, job_id: str) -> None:
    """Show how a job is doing. Exits with 1 if it has ended without success.

    \b
    Example:
      hpc status 20260131-140509-k7mq2x
    """
    with connect(stage) as connection:
        answer = connection.api.status(job_id)
    print_status(Console(), answer, stage=stage)
    if answer.status in ENDED - {"SUCCEEDED"}:
        raise click.exceptions.Exit(1)


@main.command()
@stage_option
@click.argument("job_id")
@click.option(
    "--images", type=EXISTING_FILE, help="The images it was given, for the report's pictures."
)
@labels_option
@no_labels_option
@_out
@_accept_partial
def fetch(
    stage: str,
    job_id: str,
    images: Path | None,
    labels: Path | None,
    no_labels: bool,
    out: Path,
    accept_partial: bool,
) -> None:
    """Fetch a job's results, waiting for it if need be, check them and write the report.

    \b
    Examples:
      hpc fetch 20260131-140509-k7mq2x
      hpc fetch 20260131-140509-k7mq2x --images data/fashion-mnist-3000/images.idx
    """
    if images is None and labels is not None:
        raise click.UsageError("--labels needs the --images they belong to")
    dataset = None if images is None else dataset_of(images, labels, no_labels)
    with connect(stage) as connection:
        view = progress_view(Console(stderr=True), job_id)
        with telling_the_way_on(stage):
            ended = join(connection.api, job_id, view)
        outcome = conclude(connection, ended, dataset=dataset)
    _hand_over(outcome, out, accept_partial=accept_partial)


@main.command("redrive")
@stage_option
@click.argument("job_id")
@click.option("--wait", "is_waiting", is_flag=True, help="Watch it until it ends again.")
def redrive_command(stage: str, job_id: str, is_waiting: bool) -> None:
    """Go on with a job that failed, where it failed: only what was lost is done again.

    For a job that FAILED, was ABORTED or TIMED_OUT in the last 14 days, once its cause is mended.

    \b
    Example:
      hpc redrive 20260131-140509-k7mq2x --wait
    """
    with connect(stage) as connection:
        if not is_waiting:
            redrive(connection.api, job_id)
            click.echo(f"job {job_id} goes on; hpc fetch {job_id} --stage {stage}")
            return
        view = progress_view(Console(stderr=True), job_id)
        with telling_the_way_on(stage):
            status = redrive_and_wait(connection.api, job_id, view)
    print_status(Console(), status, stage=stage)


@main.command()
@stage_option
@click.option("--local", is_flag=True, help="In this process, with no cloud and no credentials.")
@click.option(
    "--model",
    type=EXISTING_FILE,
    default=DEFAULT_MODEL,
    help="Model file for --local.",
    show_default=True,
)
@click.argument("pictures", nargs=-1, required=True, type=EXISTING_FILE)
def classify(stage: str, local: bool, model: Path, pictures: tuple[Path, ...]) -> None:
    """Classify PNG, JPEG, WebP, GIF or BMP pictures of clothing at once, without a job.

    \b
    Examples:
      hpc classify boot.png shirt.jpg
      hpc classify --local boot.png
    """
    if local:
        predictions = classify_locally(model, pictures)
    else:
        with connect(stage) as connection:
            predictions = classify_remotely(connection.api, pictures)
    print_predictions(Console(), pictures, predictions)


main.add_command(size_command)


def _hand_over(outcome: JobOutcome, out: Path, *, accept_partial: bool) -> None:
    """Write and print what the job came to; part of the images is an error unless it was asked."""
    write_outcome(outcome, out)
    print_outcome(Console(), outcome, out)
    if not outcome.is_complete and not accept_partial:
        raise click.exceptions.Exit(EXIT_PARTIAL)


def _upload(connection: Connection, dataset: Dataset) -> tuple[Uploaded, ...]:
    return upload_dataset(connection.client("s3"), connection.deployment.input_bucket, dataset)


def _request(uploads: tuple[Uploaded, ...], shard_size: int, job_id: str | None) -> JobRequest:
    images, *labels = uploads
    return JobRequest(
        job_id=job_id or new_job_id(),
        images_key=images.key,
        labels_key=labels[0].key if labels else None,
        shard_size=shard_size,
    )
