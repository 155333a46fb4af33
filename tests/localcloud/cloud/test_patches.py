"""Each patch on its own: what it is for holds with all of them, and does not without that one.

A probe that fails without its patch says that moto still needs it; one that passes, that it can go.
"""

from __future__ import annotations

import inspect
import json
import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry.retry_decl import RetryDecl
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.utils import TMP_THREADS

import localcloud.cloud
from localcloud.functions.errors import TooManyRequestsError
from localcloud.services.lambda_destinations import destination_patches
from localcloud.services.lambda_versions import lambda_version_patches
from localcloud.services.patches import Patch
from localcloud.services.s3 import s3_patches
from localcloud.services.vpc import vpc_patches
from localcloud.step_functions import await_executions, stop_executions
from localcloud.step_functions.progress import progress_of

PASS = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
INVOKE = "arn:aws:states:::lambda:invoke"


def name_of(patch: Patch) -> str:
    return f"{patch.target.__name__.rpartition('.')[2]}.{patch.attribute}"


def task(**fields: Any) -> dict[str, Any]:
    state = {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": "any", "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
        **fields,
    }
    return {"StartAt": "Task", "States": {"Task": state}}


def a_map(mode: str, **fields: Any) -> dict[str, Any]:
    processor = {**task(), "ProcessorConfig": {"Mode": mode}}
    if mode == "DISTRIBUTED":
        processor["ProcessorConfig"]["ExecutionType"] = "STANDARD"
    state = {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "Map", "States": {"Map": state}}


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as raised:
        call()
    return raised.value.response["Error"]["Code"]


def fail(error: Exception) -> Callable[[Any], Any]:
    def handler(event: Any) -> Any:
        raise error

    return handler


def service_calls_reach_this_cloud(at: Any) -> bool:
    resource = "arn:aws:states:::aws-sdk:s3:listBuckets"
    state = {"Type": "Task", "Resource": resource, "End": True}
    return at.machines.run({"StartAt": "List", "States": {"List": state}})["status"] == "SUCCEEDED"


def lambda_tasks_use_no_http(at: Any) -> bool:
    threads: list[str] = []
    at.handlers["any"] = lambda event: threads.append(threading.current_thread().name)
    at.machines.run(task())
    return threads == ["execution"]


def error_without_type_is_unknown(at: Any) -> bool:
    at.handlers["any"] = fail(at.function_error({"errorMessage": "x"}))
    return at.machines.run(task())["error"] == "Lambda.Unknown"


def refusal_of_a_plain_task_has_its_name(at: Any) -> bool:
    at.handlers["any"] = fail(TooManyRequestsError("any"))
    definition = task(Resource="arn:aws:lambda:us-east-1:123456789012:function:any")
    del definition["States"]["Task"]["Parameters"], definition["States"]["Task"]["OutputPath"]
    return at.machines.run(definition)["error"] == "Lambda.TooManyRequestsException"


def stop_takes_effect_at_once(at: Any) -> bool:
    runs, release = threading.Event(), threading.Event()

    def hold(event: Any) -> Any:
        runs.set()
        release.wait(10)

    at.handlers["any"] = hold
    execution = at.machines.start(task())
    assert runs.wait(10)
    at.machines.client.stop_execution(executionArn=execution)
    try:
        status = at.machines.client.describe_execution(executionArn=execution)["status"]
    except ClientError:
        return False
    finally:
        release.set()
    return status == "ABORTED"


def unnamed_executions_differ(at: Any) -> bool:
    return not at.machines.start(PASS).endswith(":None")


def text_output_is_quoted(at: Any) -> bool:
    return at.machines.run(PASS, "text")["output"] == '"text"'


def children_are_listed(at: Any) -> bool:
    at.handlers["any"] = lambda event: event
    execution = at.machines.start(a_map("DISTRIBUTED"), [1])
    at.machines.end_of(execution)
    (run,) = at.machines.client.list_map_runs(executionArn=execution)["mapRuns"]
    try:
        listed = at.machines.client.list_executions(mapRunArn=run["mapRunArn"])
    except ClientError:
        return False
    return len(listed["executions"]) == 1


def stop_keeps_its_reason(at: Any) -> bool:
    wait = {"Type": "Wait", "Seconds": 30, "End": True}
    execution = at.machines.start({"StartAt": "Wait", "States": {"Wait": wait}})
    at.machines.client.stop_execution(executionArn=execution, error="Enough")
    return at.machines.client.describe_execution(executionArn=execution).get("error") == "Enough"


def bad_definition_has_its_code(at: Any) -> bool:
    call = lambda: at.machines.start({"StartAt": "Nowhere"})  # noqa: E731
    return refused(call) == "InvalidDefinition"


def bad_input_has_its_code(at: Any) -> bool:
    client = at.machines.client
    arn = client.create_state_machine(
        name="any", definition=json.dumps(PASS), roleArn="arn:aws:iam::123456789012:role/any"
    )["stateMachineArn"]
    code = refused(lambda: client.start_execution(stateMachineArn=arn, input="{"))
    return code == "InvalidExecutionInput"


def unknown_map_run_has_its_code(at: Any) -> bool:
    arn = "arn:aws:states:us-east-1:123456789012:mapRun:any/any:any"
    code = refused(lambda: at.machines.client.describe_map_run(mapRunArn=arn))
    return code == "ResourceNotFound"


def whole_percentages_are_taken(at: Any) -> bool:
    try:
        at.machines.start(a_map("DISTRIBUTED", ToleratedFailurePercentage=30), [])
    except ClientError:
        return False
    return True


def json_paths_are_parsed_once(at: Any) -> bool:
    return json_path.parse("$.a.b") is json_path.parse("$.a.b")


def result_paths_are_parsed_once(at: Any) -> bool:
    return result_path.parse("$.a.b") is result_path.parse("$.a.b")


def logged_by_components(at: Any, definition: dict[str, Any]) -> bool:
    logger = "moto.stepfunctions.parser.asl.component.eval_component"
    at.caplog.clear()
    with at.caplog.at_level(logging.ERROR, logger):
        at.machines.run(definition)
    return any(record.name == logger for record in at.caplog.records)


def expected_failures_are_not_printed(at: Any) -> bool:
    definition = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "Any"}}}
    return not logged_by_components(at, definition)


def errors_inside_components_are_not_printed(at: Any) -> bool:
    at.handlers["any"] = fail(TooManyRequestsError("any"))
    retried = {"ErrorEquals": ["States.ALL"], "Next": "Pass"}
    definition = task(ResultSelector={"a.$": "$.nowhere"}, Catch=[retried])
    at.handlers["any"] = lambda event: {}
    definition["States"].update(PASS["States"])
    return not logged_by_components(at, definition)


def component_keys_are_not_made_at_first_use(at: Any) -> bool:
    component = RetryDecl(retriers=[])
    before = dict(vars(component))
    return component.heap_key == component.heap_key and vars(component) == before


def no_thread_is_kept(at: Any, definition: dict[str, Any]) -> bool:
    at.handlers["any"] = lambda event: event
    before = len(TMP_THREADS)
    at.machines.run(definition)
    kept = len(TMP_THREADS) > before
    del TMP_THREADS[before:]
    return not kept


def retry_ends_with_its_execution(at: Any) -> bool:
    failed = threading.Event()

    def throttled(event: Any) -> Any:
        failed.set()
        raise TooManyRequestsError("any")

    at.handlers["any"] = throttled
    retrier = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1}
    at.machines.start(task(Retry=[retrier]))
    assert failed.wait(10)
    stop_executions()
    await_executions(timeout_s=0.6)
    ended = not any(thread.name == "execution" for thread in threading.enumerate())
    await_executions(timeout_s=5)
    return ended


def deletion_ends_executions(at: Any) -> bool:
    wait = {"Type": "Wait", "Seconds": 1, "End": True}
    execution = at.machines.start({"StartAt": "Wait", "States": {"Wait": wait}})
    described = at.machines.client.describe_execution(executionArn=execution)
    at.machines.client.delete_state_machine(stateMachineArn=described["stateMachineArn"])
    await_executions(timeout_s=0.6)
    ended = not any(thread.name == "execution" for thread in threading.enumerate())
    await_executions(timeout_s=5)
    return ended


def failed_child_fails_the_map(at: Any) -> bool:
    at.handlers["any"] = fail(TooManyRequestsError("any"))
    return at.machines.run(a_map("DISTRIBUTED"), [1])["status"] == "FAILED"


def failed_execution_is_redriven(at: Any) -> bool:
    broken = True

    def run(event: Any) -> Any:
        if broken:
            raise TooManyRequestsError("any")
        return event

    at.handlers["any"] = run
    second = task()["States"]["Task"]
    parallel = {"Type": "Parallel", "Branches": [task()], "Next": "Second"}
    definition = {"StartAt": "Both", "States": {"Both": parallel, "Second": second}}
    execution = at.machines.start(definition, 1)
    at.machines.end_of(execution)
    broken = False
    try:
        at.machines.client.redrive_execution(executionArn=execution)
    except ClientError:
        return False
    return at.machines.end_of(execution)["status"] == "SUCCEEDED"


def last_state_is_known(at: Any) -> bool:
    second = task()["States"]["Task"]
    first = {"Type": "Pass", "Next": "Second"}
    at.handlers["any"] = fail(TooManyRequestsError("any"))
    execution = at.machines.start({"StartAt": "A", "States": {"A": first, "Second": second}})
    at.machines.end_of(execution)
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    context = at.cloud.context
    backend: Any = stepfunctions_parser_backends[context.account][context.region]
    position = progress_of(backend.describe_execution(execution).exec_worker.env)
    at.handlers["any"] = lambda event: event
    ended = at.machines.start(PASS)
    at.machines.end_of(ended)
    after: Any = progress_of(backend.describe_execution(ended).exec_worker.env)
    return position.state == "Second" and after.ended


def timed_out_part_fails_its_state_by_name(at: Any, state: dict[str, Any]) -> bool:
    hold = threading.Event()
    at.handlers["any"] = lambda event: hold.wait(10)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Pass"}]
    definition = {"StartAt": "Part", "States": {"Part": {**state, "Catch": catch}}}
    definition["States"].update(PASS["States"])
    ended = at.machines.run(definition, [1])
    hold.set()
    return ended["status"] == "SUCCEEDED"


def branch_fails_under_its_name(at: Any) -> bool:
    branch = task(TimeoutSeconds=1)
    state = {"Type": "Parallel", "Branches": [branch], "End": True}
    return timed_out_part_fails_its_state_by_name(at, state)


def iteration_fails_under_its_name(at: Any) -> bool:
    processor = {**task(TimeoutSeconds=1), "ProcessorConfig": {"Mode": "INLINE"}}
    state = {"Type": "Map", "ItemProcessor": processor, "End": True}
    return timed_out_part_fails_its_state_by_name(at, state)


def terminal_errors_are_not_caught(at: Any) -> bool:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Pass"}]
    at.handlers["any"] = lambda event: {}
    definition = task(ResultSelector={"a.$": "$.nowhere"}, Catch=catch)
    definition["States"].update(PASS["States"])
    return at.machines.run(definition).get("error") == "States.Runtime"


def history_has_pages(at: Any) -> bool:
    execution = at.machines.start(PASS)
    at.machines.end_of(execution)
    page = at.machines.client.get_execution_history(executionArn=execution, maxResults=1)
    return len(page["events"]) == 1 and "nextToken" in page


def definition_is_that_of_the_start(at: Any) -> bool:
    execution = at.machines.start(PASS)
    machine = at.machines.end_of(execution)["stateMachineArn"]
    client = at.machines.client
    client.update_state_machine(stateMachineArn=machine, definition=json.dumps(task()))
    described = client.describe_state_machine_for_execution(executionArn=execution)
    return json.loads(described["definition"]) == PASS


def map_runs_have_pages(at: Any) -> bool:
    at.handlers["any"] = lambda event: event
    definition = a_map("DISTRIBUTED")
    first = {**definition["States"]["Map"], "Next": "Again"}
    del first["End"]
    definition["States"] = {"Map": first, "Again": definition["States"]["Map"]}
    execution = at.machines.start(definition, [1])
    at.machines.end_of(execution)
    page = at.machines.client.list_map_runs(executionArn=execution, maxResults=1)
    return len(page["mapRuns"]) == 1


def ended_map_run_is_not_updated(at: Any) -> bool:
    at.handlers["any"] = lambda event: event
    execution = at.machines.start(a_map("DISTRIBUTED"), [1])
    at.machines.end_of(execution)
    (run,) = at.machines.client.list_map_runs(executionArn=execution)["mapRuns"]
    try:
        at.machines.client.update_map_run(mapRunArn=run["mapRunArn"], maxConcurrency=1)
    except ClientError:
        return True
    return False


def inline_items_do_not_deepen_the_stack(at: Any) -> bool:
    depths: list[int] = []
    at.handlers["any"] = lambda event: depths.append(len(inspect.stack(0)))
    at.machines.run(a_map("INLINE", MaxConcurrency=1), [1, 2, 3])
    return len(set(depths)) == 1


def policy_on_tls_passes(at: Any) -> bool:
    s3 = at.cloud.context.client("s3")
    s3.create_bucket(Bucket="tls-bucket")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::tls-bucket/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_object(Bucket="tls-bucket", Key="a", Body=b"a")
    s3.put_bucket_policy(Bucket="tls-bucket", Policy=json.dumps({"Statement": [statement]}))
    try:
        s3.get_object(Bucket="tls-bucket", Key="a")
    except ClientError:
        return False
    return True


def api_endpoint_is_here(at: Any) -> bool:
    client = at.cloud.context.client("apigatewayv2")
    api = client.create_api(Name="any", ProtocolType="HTTP")
    return api["ApiEndpoint"].startswith(at.cloud.context.endpoint)


def deployer_knows_itself(at: Any) -> bool:
    identity = at.cloud.context.client("sts").get_caller_identity()
    return identity["Arn"].endswith(":user/deployer")


def event_history_is_empty(at: Any) -> bool:
    client = at.cloud.context.client("cloudtrail")
    try:
        return bool(client.lookup_events()["Events"] == [])
    except ClientError:
        return False


def text_in_json_is_no_parameter(at: Any) -> bool:
    # An execution's ARN without its name is that of its state machine, but for one word.
    arn = at.machines.start(PASS).rpartition(":")[0].replace(":execution:", ":stateMachine:")
    text = json.dumps({"text": f"&stateMachineArn={arn}-other&"})
    try:
        return bool(at.machines.client.start_execution(stateMachineArn=arn, input=text))
    except ClientError:
        return False


def text_in_json_is_no_action(at: Any) -> bool:
    sqs = at.cloud.context.client("sqs")
    queue = sqs.create_queue(QueueName="any")["QueueUrl"]
    try:
        return bool(sqs.send_message(QueueUrl=queue, MessageBody="a&Action=ListQueues&b"))
    except ClientError:
        return False
    finally:
        sqs.delete_queue(QueueUrl=queue)


def put_object(at: Any, bucket: str) -> dict[str, Any]:
    parameters = {"Bucket": bucket, "Key": "k", "Body": {"json": True}}
    resource = "arn:aws:states:::aws-sdk:s3:putObject"
    ended: dict[str, Any] = at.machines.run(
        {
            "StartAt": "Task",
            "States": {
                "Task": task()["States"]["Task"]
                | {"Resource": resource, "Parameters": parameters, "OutputPath": "$"}
            },
        }
    )
    return ended


def json_is_a_body(at: Any) -> bool:
    at.cloud.context.client("s3").create_bucket(Bucket="bodies")
    return bool(put_object(at, "bodies")["status"] == "SUCCEEDED")


def errors_of_s3_have_their_names(at: Any) -> bool:
    return bool(put_object(at, "nobody-s")["error"] == "S3.NoSuchBucketException")


PROBES: dict[str, Callable[[Any], bool]] = {
    "boto_client.boto3": service_calls_reach_this_cloud,
    "lambda_eval_utils.execute_lambda_function_integration": lambda_tasks_use_no_http,
    "StateTaskServiceLambda._from_error": error_without_type_is_unknown,
    "StateTaskLambda._from_error": refusal_of_a_plain_task_has_its_name,
    "StateTaskServiceAwsSdk._normalise_parameters": json_is_a_body,
    "StateTaskServiceAwsSdk._from_error": errors_of_s3_have_their_names,
    "models.Execution": stop_takes_effect_at_once,
    "StepFunctionsParserBackend.start_execution": unnamed_executions_differ,
    "StepFunctionBackend.delete_state_machine": deletion_ends_executions,
    "StepFunctionResponse.describe_execution": text_output_is_quoted,
    "StepFunctionResponse.list_executions": children_are_listed,
    "StepFunctionResponse.redrive_execution": failed_execution_is_redriven,
    "StepFunctionResponse.get_execution_history": history_has_pages,
    "StepFunctionResponse.describe_state_machine_for_execution": definition_is_that_of_the_start,
    "StepFunctionResponse.list_map_runs": map_runs_have_pages,
    "StepFunctionResponse.update_map_run": ended_map_run_is_not_updated,
    "StepFunctionResponse.stop_execution": stop_keeps_its_reason,
    "models.InvalidDefinition": bad_definition_has_its_code,
    "models.InvalidExecutionInput": bad_input_has_its_code,
    "models.ResourceNotFound": unknown_map_run_has_its_code,
    "AmazonStateLanguageParser.parse": whole_percentages_are_taken,
    "json_path.parse": json_paths_are_parsed_once,
    "result_path.parse": result_paths_are_parsed_once,
    "EvalComponent._log_failure_event_exception": expected_failures_are_not_printed,
    "EvalComponent._log_exception": errors_inside_components_are_not_printed,
    "EvalComponent.heap_key": component_keys_are_not_made_at_first_use,
    "Program.eval": lambda at: no_thread_is_kept(at, PASS),
    "CommonStateField._set_next": last_state_is_known,
    "BranchesDecl._eval_body": branch_fails_under_its_name,
    "InlineIterationComponent._eval_body": inline_items_do_not_deepen_the_stack,
    "iteration_worker.CustomErrorName": iteration_fails_under_its_name,
    "ErrorEqualsDecl._eval_body": terminal_errors_are_not_caught,
    "ExecutionState._evaluate_with_timeout": lambda at: no_thread_is_kept(at, task()),
    "RetrierDecl._eval_body": retry_ends_with_its_execution,
    "StateMap._eval_execution": failed_child_fails_the_map,
    "FakeBucket.get_permission": policy_on_tls_passes,
    "ApiGatewayV2Backend.create_api": api_endpoint_is_here,
    "STSBackend.get_caller_identity": deployer_knows_itself,
    "CloudTrailResponse.lookup_events": event_history_is_empty,
    "BaseResponse.setup_class": text_in_json_is_no_parameter,
    "BaseResponse._get_action": text_in_json_is_no_action,
}


@pytest.fixture
def without(monkeypatch):
    """Leave one patch out of the clouds that start from now on."""
    patches_of = localcloud.cloud._patches

    def leave_out(name: str) -> None:
        monkeypatch.setattr(
            localcloud.cloud,
            "_patches",
            lambda *parts: [patch for patch in patches_of(*parts) if name_of(patch) != name],
        )

    return leave_out


@pytest.mark.parametrize("name", PROBES)
def test_probe_fails_without_its_patch(name, without, fresh_cloud, caplog):
    without(name)
    with fresh_cloud() as at:
        assert not PROBES[name](SimpleNamespace(**vars(at), caplog=caplog))


def test_every_patch_has_a_probe_which_holds_with_all_of_them(fresh_cloud, caplog):
    tested_elsewhere = {
        name_of(patch)
        for patch in [
            *destination_patches(),
            *lambda_version_patches(),
            *s3_patches(),
            *vpc_patches(),
        ]
    }
    with fresh_cloud() as at:
        patches = localcloud.cloud._patches(at.cloud.context, at.cloud.functions, at.cloud.gate)
        assert {name_of(patch) for patch in patches} - tested_elsewhere == set(PROBES)
        assert all(patch.reason for patch in patches)
        with_caplog = SimpleNamespace(**vars(at), caplog=caplog)
        held = {name: probe(with_caplog) for name, probe in PROBES.items()}
    assert held == dict.fromkeys(PROBES, True)
