"""What was deployed is what runs, also after it changed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psutil
import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from localcloud.functions.errors import ResourceNotFoundError
from tests.localcloud.functions.invoking import CODE, Deploy, Meeting, answer, zip_of

SECOND = CODE.replace('CODE = "first"', 'CODE = "second"')
DESCRIBE = b'{"do": "describe"}'


def publish(aws: CloudContext, function: str) -> str:
    return str(aws.client("lambda").publish_version(FunctionName=function)["Version"])


def change(aws: CloudContext, function: str, code: str, **variables: str) -> None:
    client = aws.client("lambda")
    client.update_function_code(FunctionName=function, ZipFile=zip_of(code))
    client.update_function_configuration(
        FunctionName=function, Environment={"Variables": variables}
    )


def described(service: FunctionService, function: str, qualifier: str | None = None) -> Any:
    return answer(service.invoke(function, qualifier, DESCRIBE))


def test_changed_function_runs_new_code_with_new_variables_at_once(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy(Environment={"Variables": {"STAGE": "first"}})
    before = described(service, function)
    change(aws, function, SECOND, STAGE="second")
    after = described(service, function)
    assert (before["code"], before["variables"]["STAGE"]) == ("first", "first")
    assert (after["code"], after["variables"]["STAGE"]) == ("second", "second")


def test_published_version_keeps_code_and_variables(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy(Environment={"Variables": {"STAGE": "first"}})
    version = publish(aws, function)
    change(aws, function, SECOND, STAGE="second")
    result = service.invoke(function, version, DESCRIBE)
    seen = answer(result)
    assert result.executed_version == version == seen["variables"]["AWS_LAMBDA_FUNCTION_VERSION"]
    assert (seen["code"], seen["variables"]["STAGE"]) == ("first", "first")


def test_alias_runs_the_version_it_points_to(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    client = aws.client("lambda")
    function = deploy()
    client.create_alias(FunctionName=function, Name="live", FunctionVersion=publish(aws, function))
    first = service.invoke(function, "live", DESCRIBE)
    change(aws, function, SECOND)
    client.update_alias(FunctionName=function, Name="live", FunctionVersion=publish(aws, function))
    second = service.invoke(f"{function}:live", None, DESCRIBE)
    assert (first.executed_version, second.executed_version) == ("1", "2")
    assert (answer(first)["code"], answer(second)["code"]) == ("first", "second")
    assert answer(second)["arn"].endswith(f":function:{function}:live")


def test_weighted_alias_runs_both_versions(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    first = publish(aws, function)
    change(aws, function, SECOND)
    second = publish(aws, function)
    aws.client("lambda").create_alias(
        FunctionName=function,
        Name="live",
        FunctionVersion=first,
        RoutingConfig={"AdditionalVersionWeights": {second: 0.5}},
    )
    seen = Counter(
        service.invoke(function, "live", b"{}", invocation_type="DryRun").executed_version
        for _ in range(200)
    )
    assert min(seen[first], seen[second]) > 50


def test_environments_of_a_changed_function_end(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    process = psutil.Process(described(service, function)["pid"])
    change(aws, function, SECOND)
    service.functions_changed()
    assert not process.is_running()


def test_running_invocation_of_a_changed_function_finishes(
    service: FunctionService, deploy: Deploy, aws: CloudContext, meeting: Meeting
) -> None:
    function = deploy()
    held = meeting.start(service, function)
    present = meeting.arrival()
    change(aws, function, SECOND)
    assert described(service, function)["code"] == "second"
    meeting.let_go()
    assert answer(held.result())["environment"] == present["environment"]
    assert present["pid"] not in service.running_processes()


def test_deleted_function_is_gone_and_made_again_starts_anew(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    before = described(service, function)
    aws.client("lambda").delete_function(FunctionName=function)
    with pytest.raises(ResourceNotFoundError):
        described(service, function)
    deploy(FunctionName=function)
    assert described(service, function)["environment"] != before["environment"]
