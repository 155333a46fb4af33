"""X-Ray from the state machine and the functions inward, where `tracing` is on.

An HTTP API has none.

https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
"""

from __future__ import annotations

from tests.stacks.synthesized import Synthesized, as_text

SEND = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
SAMPLE = {"xray:GetSamplingRules", "xray:GetSamplingTargets"}


def granted(stage: Synthesized, role: str) -> set[str]:
    return {action for action in stage.statements_of(role) if action.startswith("xray:")}


def roles_of_functions(stage: Synthesized) -> dict[str, bool]:
    """`Stack/RoleLogicalId` -> whether its function is traced; CDK's own function has no mode."""
    return {
        f"{name.partition('/')[0]}/{as_text(function['Properties']['Role']).split('.')[0][1:]}": (
            function["Properties"].get("TracingConfig") == {"Mode": "Active"}
        )
        for name, function in stage.resources("AWS::Lambda::Function").items()
        if "CustomS3AutoDelete" not in name
    }


def test_prod_traces_the_machine_and_every_function(prod: Synthesized) -> None:
    machine = prod.only("AWS::StepFunctions::StateMachine")["Properties"]
    assert machine["TracingConfiguration"] == {"Enabled": True}
    roles = roles_of_functions(prod)
    assert len(roles) == 5
    assert all(roles.values())


def test_who_is_traced_may_send_its_traces_and_no_more(prod: Synthesized) -> None:
    for role in roles_of_functions(prod):
        assert granted(prod, role[:-8]) == SEND, role
    # The machine decides by the account's sampling rules whether it begins a trace.
    assert granted(prod, "Workflow/ClassifyRole") == SEND | SAMPLE


def test_dev_traces_nothing_and_may_not(dev: Synthesized) -> None:
    machine = dev.only("AWS::StepFunctions::StateMachine")["Properties"]
    assert machine.get("TracingConfiguration", {"Enabled": False}) == {"Enabled": False}
    for role, traced in roles_of_functions(dev).items():
        assert (traced, granted(dev, role[:-8])) == (False, set()), role
    assert granted(dev, "Workflow/ClassifyRole") == set()


def test_http_api_has_no_tracing_to_switch_on(prod: Synthesized) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html"""
    stage = prod.only("AWS::ApiGatewayV2::Stage")["Properties"]
    assert "TracingEnabled" not in stage
