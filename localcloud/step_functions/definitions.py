"""Definitions of state machines, read once, with what moto's grammar needs put its way."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from localcloud.step_functions.map_settings import put_settings, take_settings


def parsing(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """`parse` for every definition it should take, remembering the last ones (100 ms each)."""

    @functools.lru_cache(maxsize=64)
    def parse_once(definition: str) -> Any:
        try:
            machine = json.loads(definition)
        except ValueError:
            return parse(definition)
        _widen_percentages(machine)
        taken = take_settings(_states(machine), template)
        parsed = parse(json.dumps(machine))
        put_settings(parsed[0], taken)
        return parsed

    def template(payload: Any) -> Any:
        """A payload template on its own: the grammar has it as a state's Parameters."""
        state = {"Type": "Pass", "Parameters": payload, "End": True}
        program: Any = parse(json.dumps({"StartAt": "Any", "States": {"Any": state}}))[0]
        return program.states.states["Any"].parameters

    return parse_once


def _states(machine: Any) -> Any:
    states = machine.get("States") if isinstance(machine, dict) else None
    return states if isinstance(states, dict) else {}


def _widen_percentages(value: Any) -> None:
    """Make whole percentages decimal numbers: moto's grammar takes 30.0 and refuses 30."""
    if isinstance(value, list):
        for item in value:
            _widen_percentages(item)
    elif isinstance(value, dict):
        percentage = value.get("ToleratedFailurePercentage")
        if isinstance(percentage, int) and not isinstance(percentage, bool):
            value["ToleratedFailurePercentage"] = float(percentage)
        for item in value.values():
            _widen_percentages(item)
