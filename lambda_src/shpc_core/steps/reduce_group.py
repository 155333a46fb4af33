"""Reduce, first level: the results of one group of shards become one part.

Checks before it writes: every shard's result is there, continues where the one before stopped,
holds each of its items once, and comes from the same model. A part exists only if all that holds.
Where the stage tolerates failures, a shard may be missing whose own failure is recorded: the part
then says which items it lacks.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import numpy as np

from shpc_core import columns, confusion, coverage, keys
from shpc_core.errors import IncompleteResults, InvalidInput
from shpc_core.failures import MissingShard, missing_shard
from shpc_core.labels import CLASS_NAMES
from shpc_core.messages import GroupAnswer, GroupRequest
from shpc_core.results import PartSummary
from shpc_core.steps.inputs import read_slice
from shpc_core.store import Objects
from shpc_core.telemetry import Telemetry

# A group is a hundred small objects, each a round trip of tens of milliseconds.
_PARALLEL_READS = 16


@dataclass(frozen=True, slots=True)
class _ShardResult:
    covered: coverage.Covered
    predictions: columns.Predictions
    telemetry: Telemetry


def reduce_group(request: GroupRequest, *, inputs: Objects, results: Objects) -> GroupAnswer:
    """Writes the group's part and its summary; answers how many items it holds.

    `IncompleteResults` names every shard that is missing or wrong; nothing is written then.
    `InvalidInput` when labels were given that the input bucket no longer has, or that are no class.
    """
    group = request.group
    found, missing = _read_shards(request, results)
    predictions = columns.concatenated([result.predictions for result in found])
    model_sha256 = found[0].covered.model_sha256 if found else None
    matrix = None
    if request.input.labels is not None:
        truth = read_slice(
            inputs,
            request.input.labels,
            group.start,
            group.stop,
            item_shape=(),
            field="input.labels",
        )
        if truth.max() >= len(CLASS_NAMES):
            first = int(np.argmax(truth >= len(CLASS_NAMES)))
            raise InvalidInput(
                "input.labels",
                f"item {group.start + first} of {request.input.labels} is {truth[first]}",
                f"classes 0 to {len(CLASS_NAMES) - 1}",
            )
        predicted = (predictions.index - np.uint64(group.start)).astype(np.intp)
        matrix = confusion.matrix(truth[predicted], predictions.label)
    data = columns.encode(
        predictions,
        {
            "job_id": request.job_id,
            "group": str(group.group),
            "start": str(group.start),
            "stop": str(group.stop),
            **({} if model_sha256 is None else {"model_sha256": model_sha256}),
        },
    )
    summary = PartSummary(
        group=group.group,
        start=group.start,
        stop=group.stop,
        count=len(predictions),
        label_counts=confusion.label_counts(predictions.label).tolist(),
        confusion=None if matrix is None else matrix.tolist(),
        correct=None if matrix is None else confusion.correct(matrix),
        sha256=hashlib.sha256(data).hexdigest(),
        model_sha256=model_sha256,
        telemetry=[result.telemetry for result in found],
        missing_shards=missing,
    )
    results.put(keys.part(request.job_id, group.group), data)
    results.put(keys.part_summary(request.job_id, group.group), msgspec.json.encode(summary))
    return GroupAnswer(group=group.group, count=len(predictions))


def _read_shards(
    request: GroupRequest, results: Objects
) -> tuple[list[_ShardResult], list[MissingShard]]:
    """The group's results in order, and what accounts for the rest: all items exactly once."""
    group = request.group
    shards = range(group.first_shard, group.last_shard + 1)
    with ThreadPoolExecutor(_PARALLEL_READS) as readers:
        read = list(readers.map(lambda shard: _read_shard(results, request, shard), shards))
    problems = [problem for problem in read if isinstance(problem, str)]
    problems += coverage.problems(
        [_covered(result) for result in read], start=group.start, stop=group.stop
    )
    if problems:
        raise IncompleteResults(problems)
    return (
        [result for result in read if isinstance(result, _ShardResult)],
        [result for result in read if isinstance(result, MissingShard)],
    )


def _covered(result: _ShardResult | MissingShard | str) -> coverage.Covered | None:
    if isinstance(result, MissingShard):
        return coverage.Covered(
            name=f"missing shard {result.shard}",
            start=result.start,
            stop=result.stop,
            model_sha256=None,
        )
    return result.covered if isinstance(result, _ShardResult) else None


def _read_shard(
    results: Objects, request: GroupRequest, shard: int
) -> _ShardResult | MissingShard | str:
    """One shard's result, why it may be missing, or what is wrong with it."""
    job_id = request.job_id
    key = keys.shard_result(job_id, shard)
    try:
        predictions, metadata = columns.decode(results.get(key))
        stated = (metadata["job_id"], int(metadata["shard"]))
        covered = coverage.Covered(
            name=f"shard {shard}",
            start=int(metadata["start"]),
            stop=int(metadata["stop"]),
            model_sha256=metadata["model_sha256"],
        )
        telemetry = msgspec.json.decode(metadata["telemetry"], type=Telemetry)
    except FileNotFoundError:
        if request.tolerated_failure_percentage == 0:
            return f"shard {shard} is missing ({key})"
        missing = missing_shard(results, job_id, shard)
        return (
            f"shard {shard} is missing ({key}), and {missing}"
            if isinstance(missing, str)
            else missing
        )
    except KeyError as error:
        return f"shard {shard} has no {error} in its metadata ({key})"
    except (ValueError, msgspec.DecodeError) as error:
        return f"shard {shard} cannot be read ({key}): {error}"
    if stated != (job_id, shard):
        return f"shard {shard} states that it is shard {stated[1]} of job {stated[0]} ({key})"
    expected = np.arange(covered.start, covered.stop, dtype=np.uint64)
    if not np.array_equal(predictions.index, expected):
        return (
            f"shard {shard} holds {len(predictions)} items that are not "
            f"{covered.start}..{covered.stop}, each once ({key})"
        )
    if len(predictions) and predictions.label.max() >= len(CLASS_NAMES):
        return f"shard {shard} holds labels beyond {len(CLASS_NAMES) - 1} ({key})"
    return _ShardResult(covered=covered, predictions=predictions, telemetry=telemetry)
