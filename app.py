"""Composition root: context -> settings -> stacks -> synth.

It is the only reader of the CDK context, and it decides which stack gets what from which. Synthesis
is a pure function of this repository and that context: no network, credentials, Docker, clock or
git.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping

# Only in the CLI's own process, never in one that imports this module, and before the first import
# of CDK, which starts jsii's Node. Nothing here changes what is synthesized: decision 0010.
if __name__ == "__main__":
    # What a synthesis creates, classes of aws-cdk-lib above all, lives until the process ends.
    gc.disable()
    # V8 would spend some four threads on optimising code that runs for a second, CDK's validation
    # engine in WebAssembly above all. Theirs comes last, so whoever sets another size gets it.
    os.environ["NODE_OPTIONS"] = f"--v8-pool-size=1 {os.environ.get('NODE_OPTIONS', '')}".rstrip()

import aws_cdk as cdk
from aws_cdk.cx_api import CloudAssembly

from settings.context import load_stage
from settings.errors import SettingsError
from settings.limits import platform_limits
from settings.machine_limits import machine_limits
from settings.monitoring_limits import monitoring_limits
from settings.stage import StageSettings
from stacks.api_stack import ApiStack
from stacks.checks.asynchronous import add_asynchronous_check
from stacks.checks.nag import add_nag
from stacks.functions_stack import FunctionsStack
from stacks.storage_stack import StorageStack
from stacks.workflow_stack import WorkflowStack
from workloads.fit import function_needs, openwhisk_needs

_RULES = (platform_limits, monitoring_limits, machine_limits, function_needs, openwhisk_needs)

# Traces lead into a temporary folder of the jsii kernel: two syntheses would not be equal.
_NO_TRACES = {
    "aws:cdk:disable-stack-trace": True,
    "aws:cdk:disable-creation-stack-traces": True,
}


def compose(app: cdk.App, stage: StageSettings) -> None:
    """Add the stacks of `stage` to `app`; references point one way, from top to bottom.

    The baseline needs the storage alone, so it is deployed without the functions as well.
    """
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
    api = ApiStack(
        app,
        "Api",
        stage=stage,
        results=storage.results,
        machine=workflow.machine,
        predict=functions.predict.live,
    )
    # Only who asks for alarms or for virtual machines loads the classes that describe them.
    if stage.alarms:
        from stacks.monitoring_stack import MonitoringStack

        MonitoringStack(
            app,
            "Monitoring",
            stage=stage,
            functions={
                "plan": functions.plan.live,
                "classify": functions.classify.live,
                "reduce": functions.reduce.live,
                "predict": functions.predict.live,
                "jobs": api.jobs.live,
            },
            machine=workflow.machine,
            api=api.stage,
        )
    if stage.baseline:
        from stacks.baseline_stack import BaselineStack

        BaselineStack(app, "Baseline", stage=stage, inputs=storage.inputs, results=storage.results)
    add_nag(app)
    add_asynchronous_check(app)


def synthesize(
    context: Mapping[str, object] | None = None, outdir: str | None = None
) -> CloudAssembly:
    """Synthesize the stage that the context names; `context` adds to what the CDK CLI hands over.

    Raises SettingsError before any construct exists.
    """
    app = cdk.App(context={**_NO_TRACES, **(context or {})}, outdir=outdir)
    stage = load_stage(
        app.node.get_all_context(),
        rules=_RULES,
    )
    compose(app, stage)
    return app.synth()


if __name__ == "__main__":
    try:
        synthesize()
    except SettingsError as error:
        sys.exit(str(error))
