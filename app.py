"""Composition root: context -> settings -> stacks -> synth.

It is the only reader of the CDK context, and it decides which stack gets what from which. Synthesis
is a pure function of this repository and that context: no network, credentials, Docker, clock or
git.
"""

from __future__ import annotations

import sys

import aws_cdk as cdk

from settings.context import load_stage
from settings.errors import SettingsError
from settings.limits import platform_limits
from settings.stage import StageSettings
from stacks.api_stack import ApiStack
from stacks.checks.nag import add_nag
from stacks.functions_stack import FunctionsStack
from stacks.storage_stack import StorageStack
from stacks.workflow_stack import WorkflowStack
from workloads.fit import function_needs


def compose(app: cdk.App, stage: StageSettings) -> None:
    """Add the four stacks of `stage` to `app`; references point one way, from top to bottom."""
    storage = StorageStack(app, "Storage", stage=stage)
    functions = FunctionsStack(
        app, "Functions", stage=stage, inputs=storage.inputs, results=storage.results
    )
    workflow = WorkflowStack(
        app,
        "Workflow",
        stage=stage,
        results=storage.results,
        plan=functions.plan.live,
        classify=functions.classify.live,
        reduce=functions.reduce.live,
    )
    ApiStack(
        app,
        "Api",
        stage=stage,
        inputs=storage.inputs,
        results=storage.results,
        machine=workflow.machine,
        classify=functions.classify.live,
    )
    add_nag(app)


def main() -> None:
    """Synthesize the stage that the context names, or say everything that is wrong with it."""
    app = cdk.App()
    try:
        stage = load_stage(app.node.get_all_context(), rules=(platform_limits, function_needs))
    except SettingsError as error:
        sys.exit(str(error))
    compose(app, stage)
    app.synth()


if __name__ == "__main__":
    main()
