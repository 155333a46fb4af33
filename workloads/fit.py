"""Whether a stage gives each function what it needs.

It compares the catalogue with the settings and reports; it raises nothing itself, so that these
violations appear in the same error as those of the platforms.
"""

from __future__ import annotations

from collections.abc import Iterator

from settings.errors import Violation
from settings.stage import StageSettings
from workloads.catalogue import FUNCTIONS


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
