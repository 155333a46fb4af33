"""Every replacement in moto's Step Functions, with what moto does otherwise."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import jsonpath_ng
import jsonpath_ng.ext
from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (  # noqa: E501
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import (
    BranchesDecl,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk import (  # noqa: E501
    StateTaskServiceAwsSdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (  # noqa: E501
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.responses import StepFunctionResponse

from localcloud.functions.invocation import Invoke
from localcloud.iam.call import Account
from localcloud.iam.gate import Allows
from localcloud.monitoring.metrics import Metrics
from localcloud.services.patches import Patch, method
from localcloud.step_functions import (
    api,
    branches,
    error_names,
    errors,
    interpreter,
    map_api,
    programs,
    sdk_tasks,
)
from localcloud.step_functions.clients import ServiceClients
from localcloud.step_functions.definitions import parsing
from localcloud.step_functions.error_names import ReportedName
from localcloud.step_functions.executions import deleting, measured, started_once
from localcloud.step_functions.lambda_tasks import LambdaTasks
from localcloud.step_functions.map_state import map_evaluation

if TYPE_CHECKING:
    from localcloud.context import CloudContext


def step_functions_patches(context: CloudContext, invoke: Invoke, allows: Allows) -> list[Patch]:
    """What moto's interpreter does differently while this cloud is up."""
    return [
        *_call_patches(context, invoke, allows),
        *_execution_patches(context.metrics),
        *_evaluation_patches(allows),
    ]


def _call_patches(context: CloudContext, invoke: Invoke, allows: Allows) -> list[Patch]:
    tasks = LambdaTasks(invoke, allows, Account(context.account, context.region))
    return [
        Patch(
            boto_client, "boto3", ServiceClients(context), "calls go to port 5000, one client each"
        ),
        Patch(
            lambda_eval_utils,
            "execute_lambda_function_integration",
            tasks.execute,
            "Lambda tasks go through HTTP, with 5 ms of CPU each",
        ),
        Patch(
            StateTaskServiceLambda,
            "_from_error",
            method(tasks.service_failure),
            "a payload without errorType fails as 'Exception', on AWS as Lambda.Unknown",
        ),
        Patch(
            StateTaskLambda,
            "_from_error",
            method(tasks.plain_failure),
            "every refusal of Lambda fails as 'Exception', which no Retry matches",
        ),
        Patch(
            StateTaskServiceAwsSdk,
            "_normalise_parameters",
            sdk_tasks.normalise_parameters,
            "a body that is JSON is refused by botocore",
            adds=True,
        ),
        Patch(
            StateTaskServiceAwsSdk,
            "_from_error",
            sdk_tasks.failures(StateTaskServiceAwsSdk._from_error),
            "S3's errors are called s3.s3Exception; a lost connection is States.Runtime",
        ),
    ]


def _execution_patches(metrics: Metrics) -> list[Patch]:
    return [
        Patch(models, "Execution", measured(metrics), "an error in the thread leaves it RUNNING"),
        Patch(
            models.StepFunctionsParserBackend,
            "start_execution",
            started_once(models.StepFunctionsParserBackend.start_execution),
            "unnamed executions are all called None; two equal requests at once start two",
        ),
        Patch(
            StepFunctionBackend,
            "delete_state_machine",
            deleting(StepFunctionBackend.delete_state_machine),
            "executions of a deleted machine run on, out of reach",
        ),
        Patch(
            StepFunctionResponse,
            "describe_execution",
            api.describe_execution,
            "no end of one that timed out, text output without quotes, no children",
        ),
        Patch(
            StepFunctionResponse,
            "list_executions",
            api.list_executions,
            "the children of a map run are not known, nor redrives",
        ),
        Patch(
            StepFunctionResponse,
            "get_execution_history",
            api.get_execution_history(StepFunctionResponse.get_execution_history),
            "neither pages nor order; a map's children have no history",
        ),
        Patch(
            StepFunctionResponse,
            "describe_state_machine_for_execution",
            api.describe_state_machine_for_execution,
            "tells the machine as it is now, and knows no children",
        ),
        Patch(
            StepFunctionResponse,
            "list_map_runs",
            map_api.list_map_runs,
            "no pages; runs of nested maps are told as the outer execution's",
        ),
        Patch(
            StepFunctionResponse,
            "update_map_run",
            map_api.update_map_run,
            "limits are noted and have no effect",
        ),
        Patch(
            StepFunctionResponse,
            "redrive_execution",
            api.redrive_execution,
            "there is no RedriveExecution",
            adds=True,
        ),
        Patch(
            StepFunctionResponse,
            "stop_execution",
            api.stop_execution,
            "error and cause of the stop are ignored",
        ),
        *(
            Patch(models, error.__name__, error, "raised without the name clients know it by")
            for error in (
                errors.InvalidDefinition,
                errors.InvalidExecutionInput,
                errors.ResourceNotFound,
            )
        ),
    ]


def _evaluation_patches(allows: Allows) -> list[Patch]:
    parse = staticmethod(parsing(AmazonStateLanguageParser.parse))
    json_path_parse = functools.lru_cache(maxsize=1024)(jsonpath_ng.ext.parse)
    result_path_parse = functools.lru_cache(maxsize=1024)(jsonpath_ng.parse)
    return [
        Patch(
            AmazonStateLanguageParser,
            "parse",
            parse,
            "100 ms at each use; whole percentages refused",
        ),
        Patch(json_path, "parse", json_path_parse, "parsed at each use, 1.5 ms of CPU per child"),
        Patch(result_path, "parse", result_path_parse, "parsed at each use"),
        *(
            Patch(EvalComponent, name, interpreter.log_failure, "printed by each component around")
            for name in ("_log_failure_event_exception", "_log_exception")
        ),
        Patch(
            EvalComponent,
            "heap_key",
            property(interpreter.component_key),
            "made at first use without a lock",
        ),
        Patch(
            Program,
            "eval",
            programs.evaluate_program,
            "two threads per program, kept for ever in a list; no way back in after a failure",
        ),
        Patch(
            CommonStateField,
            "_set_next",
            programs.set_next(CommonStateField._set_next),
            "nobody knows how far an execution came",
        ),
        Patch(
            BranchesDecl,
            "_eval_body",
            branches.evaluate_branches,
            "a branch that fails with an error of States fails as States.Runtime; no redrive",
        ),
        Patch(
            InlineIterationComponent,
            "_eval_body",
            branches.evaluate_iterations,
            "a call per item ends in a RecursionError; threads kept for ever in a list; no redrive",
        ),
        Patch(
            iteration_worker,
            "CustomErrorName",
            ReportedName,
            "an iteration that fails with an error of States fails as States.Runtime",
        ),
        Patch(
            ErrorEqualsDecl,
            "_eval_body",
            error_names.evaluate_error_equals,
            "States.ALL matches terminal errors; States.TaskFailed none of those of States",
        ),
        Patch(
            ExecutionState,
            "_evaluate_with_timeout",
            interpreter.evaluate_with_timeout,
            "a thread per state, kept for ever in a list",
        ),
        Patch(
            RetrierDecl,
            "_eval_body",
            interpreter.evaluate_retrier,
            "sleeps on after the execution was stopped",
        ),
        Patch(
            StateMap,
            "_eval_execution",
            map_evaluation(StateMap._eval_execution, allows),
            "failed children give null and SUCCEEDED; 2,400 items end in a RecursionError",
        ),
    ]
