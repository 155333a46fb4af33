"""`hpc baseline`: reads its options, calls the parts in order, and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import click
from botocore.config import Config
from rich.console import Console

from hpc.baseline.array_job import BaselineInterruptedError
from hpc.baseline.bill import ArrayVolume, bill
from hpc.baseline.compare import check_same_images, check_same_predictions, serverless_figures
from hpc.baseline.deployment import read_baseline, read_machines
from hpc.baseline.outcome import BaselineOutcome, print_baseline, write_baseline
from hpc.baseline.progress import array_view
from hpc.baseline.run import Clients, run_baseline
from hpc.conclude import conclude, evaluate_agreed
from hpc.connection import connect, open_session
from hpc.failures import EXIT_INTERRUPTED, telling_the_way_on
from hpc.job import join
from hpc.job_id import new_job_id
from hpc.options import (
    dataset_of,
    images_option,
    labels_option,
    no_labels_option,
    shard_size_option,
    stage_option,
    upload_dataset,
)
from hpc.outcome import JobOutcome
from hpc.progress import progress_view
from shpc_core.messages import Input, JobRequest

DEFAULT_OUT = Path("out/baseline")
# As many as the reduction reads at a time.
_CONNECTIONS = 16


@click.command()
@stage_option
@images_option
@labels_option
@no_labels_option
@shard_size_option
@click.option(
    "--children",
    type=int,
    help="Children of the array job, at most one a shard. Default: as many as run at once.",
)
@click.option("--job", "compared", help="A serverless job of the same images to compare with.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder for baseline.json and predictions.csv.",
)
def baseline(
    stage: str,
    images: Path,
    labels: Path | None,
    no_labels: bool,
    shard_size: int,
    children: int | None,
    compared: str | None,
    out: Path,
) -> None:
    """Run the same work on virtual machines, and say what they took and cost.

    It needs the baseline stack: deploy with `-c baseline=true`. Ctrl-C ends the job.

    \b
    Examples:
      hpc baseline
      hpc baseline --job 20260131-140509-k7mq2x
    """
    dataset = dataset_of(images, labels, no_labels)
    session = open_session()
    deployment = read_baseline(stage, session=session)
    clients = _clients(session, deployment.region)
    machines = read_machines(clients.batch, deployment)
    console = Console(stderr=True)
    # First, because it costs nothing: a job that cannot be compared with starts no machine.
    serverless = None
    if compared is not None:
        serverless = _serverless(stage, compared, console)
        check_same_images(serverless, len(dataset.images))
    uploads = upload_dataset(clients.s3, deployment.input_bucket, dataset)
    keys = [upload.key for upload in uploads]
    request = JobRequest(
        job_id=f"vm-{new_job_id()}",
        input=Input(images=keys[0], labels=keys[1] if len(keys) > 1 else None),
        shard_size=shard_size,
    )
    try:
        run = run_baseline(
            clients,
            deployment,
            machines,
            request,
            array_view(console, request.job_id),
            children=children,
        )
    except BaselineInterruptedError as interrupt:
        click.echo(str(interrupt), err=True)
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from interrupt
    if serverless is not None:
        check_same_predictions(run.results, serverless.results)
    report = run.results.report
    outcome = BaselineOutcome(
        deployment=deployment,
        machines=machines,
        run=run,
        dataset=dataset,
        evaluation=evaluate_agreed(run.results, dataset.labels),
        bill=bill(
            run.array,
            machines,
            ArrayVolume(
                shards=report.shards,
                groups=report.groups,
                has_labels=report.confusion is not None,
                objects_checked=len(uploads),
                objects_uploaded=sum(upload.sent for upload in uploads),
            ),
        ),
        serverless=None if serverless is None else serverless_figures(serverless),
    )
    write_baseline(outcome, out)
    print_baseline(Console(), outcome, out)


def _clients(session: boto3.Session, region: str) -> Clients:
    def client(service: str, **config: Any) -> Any:
        return session.client(service, region_name=region, config=Config(**config))

    return Clients(
        # botocore would sign an address of us-east-1 the old way, which few regions take.
        s3=client("s3", max_pool_connections=_CONNECTIONS, signature_version="s3v4"),
        batch=client("batch"),
        logs=client("logs"),
    )


def _serverless(stage: str, job_id: str, console: Console) -> JobOutcome:
    with connect(stage) as connection:
        with telling_the_way_on(stage):
            ended = join(connection.api, job_id, progress_view(console, job_id))
        return conclude(connection, ended, dataset=None)
