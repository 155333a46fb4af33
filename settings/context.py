"""From CDK context to one stage: `-c stage=prod -c map_concurrency=50`.

It decides which context keys are ours, which stage they start from and how text becomes a typed
value. It reads nothing itself: app.py hands over the context. An unknown stage or name is refused,
because a misspelt override that is ignored deploys something else than was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from settings.errors import SettingsError, Violation
from settings.stage import StageSettings
from settings.stages import STAGES, nested

Rule = Callable[[StageSettings], Iterable[Violation]]

DEFAULT_STAGE = "dev"

# The CDK CLI keeps its own answers in the context: feature flags, toolkit options and look-ups all
# carry one of these marks; `cdk acknowledge` writes the last.
_CDK_MARKS = ("@", ":", "acknowledged-issue-numbers")


def load_stage(context: Mapping[str, object], *, rules: Iterable[Rule]) -> StageSettings:
    """The stage that `context` describes.

    Every override is parsed and every rule checked before anything is refused, so that one
    `SettingsError` names all that is wrong.
    """
    ours = {
        name: value
        for name, value in context.items()
        if not any(mark in name for mark in _CDK_MARKS)
    }
    stage_name = ours.pop("stage", DEFAULT_STAGE)
    stage = STAGES.get(stage_name) if isinstance(stage_name, str) else None
    if stage is None:
        raise SettingsError([Violation("stage", stage_name, f"one of {', '.join(STAGES)}")])

    stage, violations = _override(stage, ours)
    refused = {violation.field for violation in violations}
    for rule in rules:
        violations.extend(found for found in rule(stage) if found.field not in refused)
    if violations:
        raise SettingsError(violations)
    return stage


def _override(
    stage: StageSettings, overrides: Mapping[str, object]
) -> tuple[StageSettings, list[Violation]]:
    types = dict(_overridable(StageSettings))
    violations: list[Violation] = []
    accepted: dict[str, dict[str, object]] = {}
    for field, value in sorted(overrides.items()):
        if field not in types:
            violations.append(Violation(field, value, f"one of stage, {', '.join(types)}"))
            continue
        try:
            parsed = _parse(types[field], value)
        except ValidationError as error:
            allowed = "; ".join(detail["msg"] for detail in error.errors())
            violations.append(Violation(field, value, allowed))
            continue
        accepted.setdefault(field.rpartition(".")[0], {})[field] = parsed

    # Outer groups first: an inner one may stand in what an outer one has just made.
    for _, group in sorted(accepted.items(), key=lambda item: item[0].count(".")):
        try:
            merged = _merged(stage.model_dump(), nested(group))
            stage = StageSettings.model_validate(merged)
        except ValidationError as error:
            violations.extend(
                Violation(".".join(map(str, detail["loc"])), None, detail["msg"])
                for detail in error.errors()
            )
    return stage, violations


def _overridable(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, info in model.model_fields.items():
        path = f"{prefix}{name}"
        annotation = info.rebuild_annotation()
        inner = [kind for kind in (annotation, *get_args(annotation)) if _is_model(kind)]
        if path != "name" and (type(None) in get_args(annotation) or not inner):
            yield path, annotation
        for kind in inner:
            yield from _overridable(kind, f"{path}.")


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _parse(annotation: Any, value: object) -> object:
    if not isinstance(value, str):
        return TypeAdapter(annotation).validate_python(value, strict=True)
    if value == "none" and type(None) in get_args(annotation):
        return None
    return TypeAdapter(annotation).validate_strings(value, strict=True)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, change in changes.items():
        current = merged.get(name)
        if isinstance(change, dict):
            merged[name] = _merged(current if isinstance(current, dict) else {}, change)
        else:
            merged[name] = change
    return merged
