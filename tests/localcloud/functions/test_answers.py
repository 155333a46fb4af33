"""What a function sees and what its caller gets back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from localcloud.functions.errors import (
    InvalidParameterValueError,
    InvalidRequestContentError,
    InvalidRuntimeError,
    RequestTooLargeError,
    ResourceNotFoundError,
)
from tests.localcloud.functions.invoking import ACCOUNT, REGION, Deploy, answer, call

SIX_MB = 6 * 1024 * 1024

json_objects = st.dictionaries(
    st.text(),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ),
)


def test_any_json_object_comes_back_as_it_was_sent(
    service: FunctionService, deploy: Deploy
) -> None:
    function = deploy()

    @settings(max_examples=30, deadline=None)
    @given(event=json_objects)
    def comes_back(event: dict[str, Any]) -> None:
        sent = {**event, "do": "echo"}
        assert answer(service.invoke(function, None, json.dumps(sent).encode())) == sent

    comes_back()


def test_empty_payload_is_an_empty_event(service: FunctionService, deploy: Deploy) -> None:
    assert answer(service.invoke(deploy(), None, b"")) == {}


def test_function_sees_its_context(service: FunctionService, deploy: Deploy) -> None:
    function = deploy(Timeout=7)
    result = call(service, function, "describe")
    seen = answer(result)
    assert seen["arn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    assert seen["request_id"] == result.request_id
    assert 6000 < seen["remaining_ms"] <= 7000


def test_function_sees_lambdas_variables(
    service: FunctionService, deploy: Deploy, context: CloudContext
) -> None:
    function = deploy(
        MemorySize=300,
        Environment={"Variables": {"OWN": "value", "AWS_LAMBDA_FUNCTION_NAME": "forged"}},
    )
    variables = answer(call(service, function, "describe"))["variables"]
    expected = {
        "OWN": "value",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "300",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": context.endpoint,
        "AWS_ALLOW_HTTP": "true",
        "TZ": ":UTC",
        "_HANDLER": "handler.handler",
    }
    assert {name: variables.get(name) for name in expected} == expected


def test_function_does_not_see_the_clouds_own_variables(
    service: FunctionService, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    variables = answer(call(service, deploy(), "describe"))["variables"]
    assert not {"SECRET_OF_THE_HOST", "PYTHONPATH"} & set(variables)


def test_function_has_credentials_of_its_own_role(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    variables = answer(call(service, function, "describe"))["variables"]
    sts = boto3.client(
        "sts",
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )
    caller = sts.get_caller_identity()["Arn"]
    assert caller.endswith(f":assumed-role/functions-under-test/{function}")


def test_function_runs_in_its_task_root(service: FunctionService, deploy: Deploy) -> None:
    seen = answer(call(service, deploy(), "describe"))
    assert seen["workdir"] == seen["variables"]["LAMBDA_TASK_ROOT"]
    assert (Path(seen["workdir"]) / "handler.py").is_file()


@pytest.mark.parametrize(
    "form",
    [
        "{name}",
        "{name}:$LATEST",
        "{account}:{name}",
        "{account}:function:{name}",
        "function:{name}",
        "arn:aws:lambda:{region}:{account}:function:{name}",
        "arn:aws:lambda:{region}:{account}:function:{name}:$LATEST",
    ],
)
def test_function_is_found_by_every_form_of_its_name(
    service: FunctionService, deploy: Deploy, form: str
) -> None:
    function = form.format(name=deploy(), region=REGION, account=ACCOUNT)
    result = service.invoke(function, None, b"{}", invocation_type="DryRun")
    assert (result.status_code, result.executed_version) == (204, "$LATEST")


@pytest.mark.parametrize(
    ("function", "qualifier"),
    [
        ("absent", None),
        ("{name}", "absent"),
        ("{name}", "7"),
        ("{name}:absent", None),
        ("arn:aws:lambda:us-west-2:{account}:function:{name}", None),
        ("arn:aws:lambda:{region}:000000000000:function:{name}", None),
    ],
)
def test_unknown_function_version_or_alias_is_not_found(
    service: FunctionService, deploy: Deploy, function: str, qualifier: str | None
) -> None:
    named = function.format(name=deploy(), region=REGION, account=ACCOUNT)
    with pytest.raises(ResourceNotFoundError, match="Function not found"):
        service.invoke(named, qualifier, b"{}")


@pytest.mark.parametrize(
    ("function", "qualifier"), [("no spaces", None), ("{name}:one", "other"), ("a/b", None)]
)
def test_malformed_or_contradicting_name_is_refused(
    service: FunctionService, deploy: Deploy, function: str, qualifier: str | None
) -> None:
    with pytest.raises(InvalidParameterValueError):
        service.invoke(function.format(name=deploy()), qualifier, b"{}")


@pytest.mark.parametrize(
    "payload", [b"{", b"\xff", b"{'a': 1}", b"[" * 100_000, b'{"a": NaN}', "{}".encode("utf-16")]
)
def test_payload_that_is_not_json_is_refused(
    service: FunctionService, deploy: Deploy, payload: bytes
) -> None:
    with pytest.raises(InvalidRequestContentError):
        service.invoke(deploy(), None, payload)


def test_payload_of_six_megabytes_is_taken_and_one_byte_more_refused(
    service: FunctionService, deploy: Deploy
) -> None:
    function = deploy()
    payload = json.dumps({"do": "echo", "filler": ""}).encode()
    largest = payload.replace(b'""', b'"' + b"x" * (SIX_MB - len(payload)) + b'"')
    assert len(answer(service.invoke(function, None, largest))["filler"]) > SIX_MB - 100
    with pytest.raises(RequestTooLargeError, match=f"limit {SIX_MB} bytes"):
        service.invoke(function, None, largest + b" ")


def test_unknown_invocation_type_is_refused(service: FunctionService, deploy: Deploy) -> None:
    with pytest.raises(InvalidParameterValueError, match="allowed: RequestResponse, Event, DryRun"):
        service.invoke(deploy(), None, b"{}", invocation_type="Later")


def test_node_function_is_refused_by_name(service: FunctionService, deploy: Deploy) -> None:
    function = deploy(Runtime="nodejs22.x", Handler="index.handler")
    with pytest.raises(InvalidRuntimeError, match=r"nodejs22\.x"):
        service.invoke(function, None, b"{}")
