"""Reduce, first level: the results of one group of shards become one part.

Checks before it writes: every shard's result is there, continues where the one before stopped,
holds each of its items once, and comes from the same model. A part exists only if all that holds.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
import numpy as np

from shpc_core import columns, confusion, coverage, keys
from shpc_core.errors import IncompleteResults, InvalidInput
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
    found = _read_shards(request, results)
    predictions = columns.concatenated([result.predictions for result in found])
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
        matrix = confusion.matrix(truth, predictions.label)
    data = columns.encode(
        predictions,
        {
            "job_id": request.job_id,
            "group": str(group.group),
            "start": str(group.start),
            "stop": str(group.stop),
            "model_sha256": found[0].covered.model_sha256,
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
        model_sha256=found[0].covered.model_sha256,
        telemetry=[result.telemetry for result in found],
    )
    results.put(keys.part(request.job_id, group.group), data)
    results.put(keys.part_summary(request.job_id, group.group), msgspec.json.encode(summary))
    return GroupAnswer(group=group.group, count=len(predictions))


def _read_shards(request: GroupRequest, results: Objects) -> list[_ShardResult]:
    """The group's results in order, proven to cover its items exactly once."""
    group = request.group
    shards = range(group.first_shard, group.last_shard + 1)
    with ThreadPoolExecutor(_PARALLEL_READS) as readers:
        read = list(readers.map(lambda shard: _read_shard(results, request.job_id, shard), shards))
    problems = [problem for problem in read if isinstance(problem, str)]
    problems += coverage.problems(
        [None if isinstance(result, str) else result.covered for result in read],
        start=group.start,
        stop=group.stop,
    )
    if problems:
        raise IncompleteResults(problems)
    return [result for result in read if isinstance(result, _ShardResult)]


def _read_shard(results: Objects, job_id: str, shard: int) -> _ShardResult | str:
    """One shard's result, or what is wrong with it."""
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
        return f"shard {shard} is missing ({key})"
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
