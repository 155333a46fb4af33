"""What the platforms refuse of a stage, as tests ask for it."""

from __future__ import annotations

from settings.context import load_stage
from settings.errors import SettingsError
from settings.limits import platform_limits


def refused(**overrides: object) -> dict[str, str]:
    """Field -> what would be allowed, for a dev stage with `a__b=1` standing for `-c a.b=1`."""
    context = {name.replace("__", "."): value for name, value in overrides.items()}
    try:
        load_stage(context, rules=[platform_limits])
    except SettingsError as error:
        return {violation.field: violation.allowed for violation in error.violations}
    return {}
