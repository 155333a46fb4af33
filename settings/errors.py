"""The one error of this package: every impossible setting, reported together.

It decides how a refusal reads. It never corrects a value: a clamped setting is a silent lie about
what was deployed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One setting that cannot be: its dotted name, the value found, and what would be allowed."""

    field: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.field} = {self.value!r}; allowed: {self.allowed}"


class SettingsError(ValueError):
    """Raised once, before any construct exists, with all violations."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        lines = "\n".join(f"  - {violation}" for violation in self.violations)
        super().__init__(f"these settings are not possible:\n{lines}")
