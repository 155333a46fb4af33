"""The command line `hpc`: each command reads its options, calls the parts in order, and prints.

Results and what is meant for other programs go to stdout, progress to stderr.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from hpc.api import ENDED
from hpc.conclude import conclude
from hpc.connection import Connection, connect
from hpc.dataset import Dataset, read_dataset
from hpc.failures import UserErrorGroup, leaving_on_interrupt
from hpc.job import JobRequest, join, redrive, redrive_and_wait, submit, submit_and_wait
from hpc.job_id import new_job_id
from hpc.outcome import JobOutcome
from hpc.pictures import DEFAULT_MODEL, classify_locally, classify_remotely
from hpc.progress import progress_view
from hpc.summary import write_outcome
from hpc.terminal import print_outcome, print_predictions, print_status
from hpc.upload import Uploaded, upload_input
from shpc_core.limits import MAX_SHARD_SIZE

# On two cores 3,000 images make 30 shards: enough to share evenly and to see the fan-out, while a
# shard's own work still outweighs what starting one costs.
DEFAULT_SHARD_SIZE = 100
DEFAULT_IMAGES = Path("data/fashion-mnist-3000/images.idx")
DEFAULT_OUT = Path("out/run")
# The job succeeded by its stage's tolerance, and shards of it are lost.
EXIT_PARTIAL = 3

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_stage = click.option("--stage", default="dev", show_default=True, help="Which deployment.")
_images = click.option(
    "--images",
    type=_FILE,
    default=DEFAULT_IMAGES,
    show_default=True,
    help="Images as uncompressed IDX, uint8 (n, 28, 28).",
)
_labels = click.option(
    "--labels",
    type=_FILE,
    help="True labels as IDX. Default: labels.idx beside the images, where there is one.",
)
_no_labels = click.option("--no-labels", is_flag=True, help="Do as if no true labels were known.")
_shard_size = click.option(
    "--shard-size",
    type=click.IntRange(min=1, max=MAX_SHARD_SIZE),
    default=DEFAULT_SHARD_SIZE,
    show_default=True,
    help="Images per shard, that is per invocation.",
)
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
    help=f"End with 0, not {EXIT_PARTIAL}, where the stage tolerates that shards were lost.",
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


@main.command()
@_stage
@_images
@_labels
@_no_labels
@_shard_size
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
    dataset = _read_dataset(images, labels, no_labels)
    with connect(stage) as connection:
        uploads = _upload(connection, dataset)
        request = _request(uploads, shard_size, job_id)
        view = progress_view(Console(stderr=True), request.job_id)
        with leaving_on_interrupt(stage):
            ended = submit_and_wait(connection.api, request, view)
        outcome = conclude(connection, ended, dataset=dataset, uploads=uploads)
    _hand_over(outcome, out, accept_partial=accept_partial)


@main.command("submit")
@_stage
@_images
@_labels
@_no_labels
@_shard_size
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
    dataset = _read_dataset(images, labels, no_labels)
    with connect(stage) as connection:
        request = _request(_upload(connection, dataset), shard_size, job_id)
        submit(connection.api, request)
    click.echo(request.job_id)


@main.command()
@_stage
@click.argument("job_id")
def status(stage: str, job_id: str) -> None:
    """Show how a job is doing. Exits with 1 if it has ended without success.

    \b
    Example:
      hpc status 20260131-140509-k7mq2x
    """
    with connect(stage) as connection:
        answer = connection.api.status(job_id)
    print_status(Console(), answer)
    if answer.status in ENDED - {"SUCCEEDED"}:
        raise click.exceptions.Exit(1)


@main.command()
@_stage
@click.argument("job_id")
@click.option("--images", type=_FILE, help="The images it was given, for the report's pictures.")
@_labels
@_no_labels
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
    dataset = None if images is None else _read_dataset(images, labels, no_labels)
    with connect(stage) as connection:
        view = progress_view(Console(stderr=True), job_id)
        with leaving_on_interrupt(stage):
            ended = join(connection.api, job_id, view)
        outcome = conclude(connection, ended, dataset=dataset)
    _hand_over(outcome, out, accept_partial=accept_partial)


@main.command("redrive")
@_stage
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
        with leaving_on_interrupt(stage):
            status = redrive_and_wait(connection.api, job_id, view)
    print_status(Console(), status)


@main.command()
@_stage
@click.option("--local", is_flag=True, help="In this process, with no cloud and no credentials.")
@click.option(
    "--model", type=_FILE, default=DEFAULT_MODEL, help="Model file for --local.", show_default=True
)
@click.argument("pictures", nargs=-1, required=True, type=_FILE)
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


def _hand_over(outcome: JobOutcome, out: Path, *, accept_partial: bool) -> None:
    """Write and print what the job came to; part of the images is an error unless it was asked."""
    write_outcome(outcome, out)
    print_outcome(Console(), outcome, out)
    if not outcome.is_complete and not accept_partial:
        raise click.exceptions.Exit(EXIT_PARTIAL)


def _read_dataset(images: Path, labels: Path | None, no_labels: bool) -> Dataset:
    if no_labels and labels is not None:
        raise click.UsageError("--labels and --no-labels exclude each other")
    beside = images.with_name("labels.idx")
    if labels is None and not no_labels and beside.is_file():
        labels = beside
    return read_dataset(images, labels)


def _upload(connection: Connection, dataset: Dataset) -> tuple[Uploaded, ...]:
    """The images' object, then the labels' if there are any."""
    s3 = connection.client("s3")
    bucket = connection.deployment.input_bucket
    files = [(dataset.images_path, "images.idx")]
    if dataset.labels_path is not None:
        files.append((dataset.labels_path, "labels.idx"))
    return tuple(upload_input(s3, bucket=bucket, path=path, name=name) for path, name in files)


def _request(uploads: tuple[Uploaded, ...], shard_size: int, job_id: str | None) -> JobRequest:
    images, *labels = uploads
    return JobRequest(
        job_id=job_id or new_job_id(),
        images_key=images.key,
        labels_key=labels[0].key if labels else None,
        shard_size=shard_size,
    )
