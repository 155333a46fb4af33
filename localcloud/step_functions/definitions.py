"""Definitions of state machines, read once, with what moto's grammar needs put its way."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any


def parsing(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """`parse` for every definition it should take, remembering the last ones (100 ms each)."""

    @functools.lru_cache(maxsize=64)
    def parse_once(definition: str) -> Any:
        try:
            machine = json.loads(definition)
        except ValueError:
            return parse(definition)
        _widen_percentages(machine)
        return parse(json.dumps(machine))

    return parse_once


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
