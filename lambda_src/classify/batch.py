"""AWS Batch's entry for the classifier: one child of an array job does its share of the shards.

Child i of n does shards i, i + n, i + 2n and so on of the job's list, each as a function would: the
same step, the same keys, so that doing one twice changes nothing. What it is to do comes from
variables, because Batch has no other way to tell an array's children apart. It retries nothing: an
error of its own ends it with a code, and whether the machine was lost is Batch's to know.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from shpc_core import keys
from shpc_core.classifier import Classifier, shipped_model
from shpc_core.errors import InvalidInput, StorageError
from shpc_core.messages import Input, JobReference, Shard, ShardRequest, parse
from shpc_core.steps.classify import classify_shard
from shpc_core.store import Objects, open_bucket
from shpc_core.telemetry import ExecutionEnvironment

# How its telemetry tells a machine from a function.
FUNCTION = "classify on a virtual machine"
# What the client reads as the reason, beside the log: sysexits.h, which nothing else here uses.
EXIT_INVALID, EXIT_STORAGE = 65, 74
_NUMBER = "a whole number, as AWS Batch sets it"


@dataclass(frozen=True, kw_only=True)
class Share:
    """Which of a job's shards this process does: `index`, `index + size`, and so on."""

    job_id: str
    input: Input
    index: int
    size: int
    attempt: int
    request_id: str
    memory_mb: int

    def of(self, shards: list[Shard]) -> list[Shard]:
        """Its own among all of them; none where there are more children than shards."""
        return shards[self.index :: self.size]


def read_share(environment: Mapping[str, str]) -> Share:
    """The share that the variables describe; `InvalidInput` names the first that does not fit.

    A job that is no array has neither index nor size, and does everything.
    https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
    """
    size = _number(environment, "AWS_BATCH_JOB_ARRAY_SIZE", default=1)
    index = _number(environment, "AWS_BATCH_JOB_ARRAY_INDEX", default=0)
    if not 0 <= index < size:
        raise InvalidInput(
            "AWS_BATCH_JOB_ARRAY_INDEX", f"is {index}", f"0 to {size - 1}, less than the array size"
        )
    job = parse({"job_id": _text(environment, "JOB_ID")}, JobReference)
    return Share(
        job_id=job.job_id,
        input=Input(images=_text(environment, "INPUT_IMAGES")),
        index=index,
        size=size,
        # Batch counts from 1.
        attempt=_number(environment, "AWS_BATCH_JOB_ATTEMPT", default=1) - 1,
        request_id=_text(environment, "AWS_BATCH_JOB_ID"),
        memory_mb=_number(environment, "MEMORY_MB"),
    )


def read_shards(results: Objects, job_id: str) -> list[Shard]:
    """The job's list of shards as the plan wrote it, each entry checked."""
    key = keys.shards(job_id)
    try:
        return parse(msgspec.json.decode(results.get(key)), list[Shard])
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise InvalidInput("JOB_ID", str(error), "the id of a job that was planned") from error


def run(environment: Mapping[str, str]) -> None:
    """Classify the share that the variables describe, and say how much that was."""
    share = read_share(environment)
    results = open_bucket(environment["RESULTS_BUCKET"], environment)
    inputs = open_bucket(environment["INPUT_BUCKET"], environment)
    classifier = Classifier(shipped_model(environment))
    machine = ExecutionEnvironment(FUNCTION, environment)
    started, images = time.monotonic(), 0
    shards = share.of(read_shards(results, share.job_id))
    for shard in shards:
        answer = classify_shard(
            ShardRequest(
                job_id=share.job_id, input=share.input, shard=shard, attempt=share.attempt
            ),
            inputs=inputs,
            results=results,
            classifier=classifier,
            invocation=machine.begin(memory_mb=share.memory_mb, request_id=share.request_id),
        )
        images += answer.count
    _say(
        level="INFO",
        message="share classified",
        job_id=share.job_id,
        index=share.index,
        size=share.size,
        shards=len(shards),
        images=images,
        seconds=round(time.monotonic() - started, 3),
    )


def main() -> int:
    """Run the share of this process's environment; the exit code says whose fault a failure is."""
    try:
        run(os.environ)
    except InvalidInput as error:
        _say(level="ERROR", message=str(error), error="InvalidInput", field=error.field)
        return EXIT_INVALID
    except StorageError as error:
        _say(level="ERROR", message=str(error), error="StorageError", bucket=error.bucket)
        return EXIT_STORAGE
    return 0


def _say(**line: object) -> None:
    """One line of JSON, as the functions log."""
    print(msgspec.json.encode(line).decode(), flush=True)


def _text(environment: Mapping[str, str], name: str) -> str:
    if not (value := environment.get(name)):
        raise InvalidInput(name, "is not set", "what the client submits with the job")
    return value


def _number(environment: Mapping[str, str], name: str, *, default: int | None = None) -> int:
    text = environment.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.isascii() or not text.isdigit():
        raise InvalidInput(name, "is not set" if text is None else f"is {text!r}", _NUMBER)
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
