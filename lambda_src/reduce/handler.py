"""Lambda's entry for both levels of the reduction: opens the buckets once, then parse, reduce."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from shpc_core.errors import InvalidInput
from shpc_core.messages import GroupRequest, ReportRequest, parse
from shpc_core.steps.reduce_group import reduce_group
from shpc_core.steps.reduce_job import reduce_job
from shpc_core.store import open_bucket
from shpc_lambda.observation import Observation

_INPUTS = open_bucket(os.environ["INPUT_BUCKET"], os.environ)
_RESULTS = open_bucket(os.environ["RESULTS_BUCKET"], os.environ)
_OBSERVATION = Observation(os.environ)


@_OBSERVATION.each
def handler(event: Any, context: object) -> Any:
    """`{"level": "group" | "job", ...}` in, the step's answer out; raises what the step raises."""
    del context
    level = event.get("level") if isinstance(event, dict) else None
    if level == "group":
        group = parse(event, GroupRequest)
        return msgspec.to_builtins(reduce_group(group, inputs=_INPUTS, results=_RESULTS))
    if level == "job":
        return msgspec.to_builtins(reduce_job(parse(event, ReportRequest), results=_RESULTS))
    raise InvalidInput("level", f"is {level!r}", '"group" or "job"')
