"""State machines of the embedded cloud: moto's interpreter, repaired where a fan-out needs it."""

from __future__ import annotations

from localcloud.step_functions.executions import await_executions, stop_executions
from localcloud.step_functions.patches import step_functions_patches

__all__ = ["await_executions", "step_functions_patches", "stop_executions"]
