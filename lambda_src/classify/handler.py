"""Lambda's entry for one shard of a job.

The model is loaded while the environment initialises, never during a request. Pictures by HTTP are
the business of `predict`, whose callers wait: decision 0011.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

import msgspec

from shpc_core.classifier import Classifier, shipped_model
from shpc_core.messages import ShardRequest, parse
from shpc_core.steps.classify import classify_shard
from shpc_core.store import open_bucket
from shpc_core.telemetry import ExecutionEnvironment
from shpc_lambda.observation import Observation


class Context(Protocol):
    """What this handler reads of Lambda's context object."""

    aws_request_id: str
    memory_limit_in_mb: str


_INPUTS = open_bucket(os.environ["INPUT_BUCKET"], os.environ)
_RESULTS = open_bucket(os.environ["RESULTS_BUCKET"], os.environ)
_CLASSIFIER = Classifier(shipped_model(os.environ))
_OBSERVATION = Observation(os.environ)
_ENVIRONMENT = ExecutionEnvironment("classify", os.environ)


@_OBSERVATION.each
def handler(event: Any, context: Context) -> Any:
    """A shard of the state machine in; its number and its count of images out."""
    invocation = _ENVIRONMENT.begin(
        memory_mb=int(context.memory_limit_in_mb), request_id=context.aws_request_id
    )
    shard = classify_shard(
        parse(event, ShardRequest),
        inputs=_INPUTS,
        results=_RESULTS,
        classifier=_CLASSIFIER,
        invocation=invocation,
    )
    _OBSERVATION.done(images=shard.count, shards=1)
    return msgspec.to_builtins(shard)
