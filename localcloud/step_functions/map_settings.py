"""What a Distributed Map asks for beyond moto's grammar: read here, refused here by name.

EXPRESS children, WriterConfig, ItemBatcher and more item sources are taken out of a definition
before moto parses it, and put beside the parsed state. What is not modelled fails
CreateStateMachine.
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import (
    StateParallel,
)

_ATTRIBUTE = "_localcloud_map_settings"
_TRANSFORMATIONS = ("NONE", "COMPACT", "FLATTEN")
_OUTPUT_TYPES = ("JSON", "JSONL")
_INPUT_TYPES = ("JSON", "JSONL", "CSV")
_READER_FIELDS = ("InputType", "MaxItems", "MaxItemsPath", "CSVHeaderLocation", "CSVHeaders")
_NOT_IN_EXPRESS = (".sync", ".sync:2", ".waitForTaskToken")

Parse = Callable[[str], Any]


@dataclass(frozen=True)
class Batcher:
    """Limits of one child's batch; 0 is "no limit". `batch_input` is a parsed payload template."""

    max_items: int
    max_input_bytes: int
    batch_input: Any


@dataclass(frozen=True)
class MapSettings:
    """`transformation` is None where no WriterConfig is given; `definition` is the children's."""

    definition: str = "{}"
    express: bool = False
    transformation: str | None = None
    output_type: str = "JSON"
    batcher: Batcher | None = None
    lines: bool = False


def settings_of(state: StateMap) -> MapSettings:
    """What the definition of `state` asks for."""
    return cast("MapSettings", getattr(state, _ATTRIBUTE, MapSettings()))


def take_settings(
    states: Mapping[str, Any], template: Callable[[Any], Any], where: str = ""
) -> dict[str, MapSettings]:
    """Take the settings of every Distributed Map out of `states`, by the path of its state.

    `template` parses a payload template. Raises ValueError naming state, field and what is allowed.
    """
    taken: dict[str, MapSettings] = {}
    for name, state in states.items():
        path = f"{where}/{name}"
        if not isinstance(state, dict):
            continue
        if state.get("Type") == "Parallel":
            for number, branch in enumerate(state.get("Branches") or ()):
                inner = branch.get("States") or {}
                taken.update(take_settings(inner, template, f"{path}[{number}]"))
        if state.get("Type") != "Map":
            continue
        processor = state.get("ItemProcessor") or state.get("Iterator") or {}
        if (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED":
            taken[path] = _taken(state, processor, template, path)
        taken.update(take_settings(processor.get("States") or {}, template, path))
    return taken


def put_settings(program: Program, taken: Mapping[str, MapSettings]) -> None:
    """Give every parsed Distributed Map what was taken out of its definition."""
    _put(program.states.states, taken, "")


def _put(states: Mapping[str, Any], taken: Mapping[str, MapSettings], where: str) -> None:
    for name, state in states.items():
        path = f"{where}/{name}"
        if path in taken:
            setattr(state, _ATTRIBUTE, taken[path])
        if isinstance(state, StateMap):
            _put(state.iteration_component._states.states, taken, path)
        elif isinstance(state, StateParallel):
            for number, branch in enumerate(state.branches.programs):
                _put(branch.states.states, taken, f"{path}[{number}]")


def _taken(
    state: dict[str, Any],
    processor: dict[str, Any],
    template: Callable[[Any], Any],
    path: str,
) -> MapSettings:
    definition = json.dumps(processor)
    execution_type = processor["ProcessorConfig"].get("ExecutionType", "STANDARD")
    _one_of(f"{path}.ExecutionType", execution_type, ("STANDARD", "EXPRESS"))
    processor["ProcessorConfig"]["ExecutionType"] = "STANDARD"
    express = execution_type == "EXPRESS"
    if express:
        _refuse_in_express(processor.get("States") or {}, path)
    writer = _take_writer(state, path)
    return MapSettings(
        definition=definition,
        express=express,
        transformation=writer.get("Transformation"),
        output_type=writer.get("OutputType", "JSON"),
        batcher=_take_batcher(state, template, path),
        lines=_take_input_type(state, path) == "JSONL",
    )


def _refuse_in_express(states: Mapping[str, Any], path: str) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html"""
    for name, state in states.items():
        resource = str(state.get("Resource", ""))
        if resource.endswith(_NOT_IN_EXPRESS) or ":activity:" in resource:
            raise ValueError(
                f"{path}/{name}.Resource: {resource}; allowed in EXPRESS children: "
                "request-response integrations"
            )
        processor = state.get("ItemProcessor") or {}
        if (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED":
            raise ValueError(f"{path}/{name}: a Distributed Map; allowed in EXPRESS children: none")
        _refuse_in_express(processor.get("States") or {}, f"{path}/{name}")
        for branch in state.get("Branches") or ():
            _refuse_in_express(branch.get("States") or {}, f"{path}/{name}")


def _take_writer(state: dict[str, Any], path: str) -> dict[str, Any]:
    writer = state.get("ResultWriter")
    if writer is None:
        return {}
    if not writer:
        raise ValueError(f"{path}.ResultWriter: empty; allowed: WriterConfig, Resource, Parameters")
    config: dict[str, Any] = writer.pop("WriterConfig", None) or {}
    _only(f"{path}.WriterConfig", config, ("Transformation", "OutputType"))
    config.setdefault("Transformation", "NONE")
    _one_of(f"{path}.Transformation", config["Transformation"], _TRANSFORMATIONS)
    _one_of(f"{path}.OutputType", config.get("OutputType", "JSON"), _OUTPUT_TYPES)
    if not writer:
        if config.get("OutputType") == "JSONL":
            raise ValueError(f"{path}.OutputType: JSONL without Resource; allowed: JSON")
        del state["ResultWriter"]
    return config


def _take_batcher(
    state: dict[str, Any], template: Callable[[Any], Any], path: str
) -> Batcher | None:
    batcher = state.pop("ItemBatcher", None)
    if batcher is None:
        return None
    _only(
        f"{path}.ItemBatcher", batcher, ("MaxItemsPerBatch", "MaxInputBytesPerBatch", "BatchInput")
    )
    limits = [batcher.get(name, 0) for name in ("MaxItemsPerBatch", "MaxInputBytesPerBatch")]
    if not any(limits) or not all(isinstance(limit, int) and limit >= 0 for limit in limits):
        raise ValueError(
            f"{path}.ItemBatcher: {batcher}; allowed: MaxItemsPerBatch, MaxInputBytesPerBatch or "
            "both, whole numbers above 0"
        )
    given = batcher.get("BatchInput")
    max_items, max_input_bytes = limits
    return Batcher(max_items, max_input_bytes, None if given is None else template(given))


def _take_input_type(state: dict[str, Any], path: str) -> str:
    reader = state.get("ItemReader")
    if reader is None:
        return "JSON"
    config = reader.get("ReaderConfig")
    listing = str(reader.get("Resource", "")).endswith(":s3:listObjectsV2")
    if config is None:
        if not listing:
            raise ValueError(f"{path}.ItemReader.ReaderConfig: missing; allowed: an InputType")
        return "JSON"
    _only(f"{path}.ReaderConfig", config, _READER_FIELDS)
    input_type = str(config.setdefault("InputType", "JSON" if listing else ""))
    _one_of(f"{path}.ReaderConfig.InputType", input_type, _INPUT_TYPES)
    if input_type == "JSONL":
        config["InputType"] = "JSON"
    return input_type


def _one_of(field: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{field}: {value!r}; allowed: {', '.join(allowed)}")


def _only(field: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for name in given:
        if name not in allowed:
            raise ValueError(f"{field}.{name}: not modelled; allowed: {', '.join(allowed)}")
