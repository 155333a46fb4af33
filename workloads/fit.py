"""Whether a stage, and the platforms it is for, give each function what it needs.

It compares the catalogue with the settings and reports; it raises nothing itself, so that these
violations appear in the same error as those of the platforms.
"""

from __future__ import annotations

from collections.abc import Iterator

from settings.errors import Violation
from settings.stage import StageSettings
from workloads.catalogue import FUNCTIONS, Platform


def function_needs(stage: StageSettings) -> Iterator[Violation]:
    """Every setting of `stage` that starves a function."""
    for function in FUNCTIONS:
        needs, settings = function.needs, stage.functions[function.name]
        if settings.memory_mb < needs.memory_mb:
            allowed = f"at least {needs.memory_mb} MB, what {function.name} needs on any platform"
            yield Violation(f"{function.name}.memory_mb", settings.memory_mb, allowed)
        if settings.timeout_s < needs.time_s:
            allowed = f"at least {needs.time_s} s, what {function.name} needs on any platform"
            yield Violation(f"{function.name}.timeout_s", settings.timeout_s, allowed)


def openwhisk_needs(stage: StageSettings) -> Iterator[Violation]:
    """Every limit of the stage's OpenWhisk that leaves out a function declared for it."""
    allowed = stage.openwhisk
    for function in FUNCTIONS:
        if Platform.OPENWHISK not in function.platforms:
            continue
        needs = function.needs
        if allowed.max_memory_mb < needs.memory_mb:
            least = f"at least {needs.memory_mb} MB, what {function.name} needs"
            yield Violation("openwhisk.max_memory_mb", allowed.max_memory_mb, least)
        if allowed.max_timeout_s < needs.time_s:
            least = f"at least {needs.time_s} s, what {function.name} needs"
            yield Violation("openwhisk.max_timeout_s", allowed.max_timeout_s, least)
