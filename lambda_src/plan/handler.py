"""Lambda's entry for the plan step: opens the buckets once, then parse, plan, answer."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from shpc_core.messages import JobRequest, parse
from shpc_core.steps.plan import plan
from shpc_core.store import open_bucket
from shpc_lambda.observation import Observation

_INPUTS = open_bucket(os.environ["INPUT_BUCKET"], os.environ)
_RESULTS = open_bucket(os.environ["RESULTS_BUCKET"], os.environ)
_OBSERVATION = Observation(os.environ)


@_OBSERVATION.each
def handler(event: Any, context: object) -> Any:
    """The state machine's input in, the plan out; raises what `plan` raises."""
    del context
    request = parse(event, JobRequest)
    return msgspec.to_builtins(plan(request, inputs=_INPUTS, results=_RESULTS))
