"""How policies of several kinds decide together.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.iam.context import RequestContext
from localcloud.iam.documents import Policy, parsed, policy_of
from localcloud.iam.evaluation import NO_POLICY, TRUST, Held, ResourcePolicy, Verdict, evaluate
from localcloud.iam.policy_error import PolicyError
from localcloud.identity.caller import Caller, Kind
from tests.localcloud.iam.policies import allow, deny, document

ACCOUNT = "123456789012"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/classify"
SESSION_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/classify/now"
ROLE = Caller(Kind.ROLE, ACCOUNT, SESSION_ARN, ROLE_ARN)
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/ada"
USER = Caller(Kind.USER, ACCOUNT, USER_ARN, USER_ARN)
GATEWAY = Caller(Kind.SERVICE, ACCOUNT, "apigateway.amazonaws.com", "apigateway.amazonaws.com")
STRANGER = Caller(Kind.ANONYMOUS, ACCOUNT, "", "")
DEPLOYER = Caller(Kind.DEPLOYER, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/deployer", "deployer")

GET = "s3:GetObject"
OBJECT = "arn:aws:s3:::results/jobs/1/a.json"


def policy(*statements: dict[str, Any]) -> Policy:
    return parsed(document(*statements))


def verdict(
    caller: Caller = ROLE,
    *,
    identity: Policy | None = None,
    boundary: Policy | None = None,
    session: Policy | None = None,
    resource: Policy | None = None,
    action: str = GET,
    arn: str = OBJECT,
    **context: str,
) -> Verdict:
    held = Held((identity,) if identity else (), boundary, session)
    of_resource = ResourcePolicy(resource) if resource else NO_POLICY
    keys = {key.replace("__", ":").lower(): value for key, value in context.items()}
    return evaluate(
        caller, action, arn, RequestContext(dict(keys)), held=held, of_resource=of_resource
    )


def allowed(**policies: Any) -> bool:
    return verdict(**policies).allowed


ALLOW = policy(allow(GET, "*"))
DENY = policy(deny(GET, "*"))


def to(principal: Any, **elements: Any) -> Policy:
    return policy(allow(GET, "*", Principal=principal, **elements))


def test_nothing_is_allowed_without_a_policy():
    assert verdict() == Verdict(allowed=False, policy_type="identity-based policy")


def test_identity_policy_allows_what_it_names():
    assert allowed(identity=ALLOW)


@pytest.mark.parametrize("kind", ["identity", "boundary", "session", "resource"])
def test_explicit_deny_of_any_kind_wins(kind):
    granting = {"identity": ALLOW, "resource": to({"AWS": SESSION_ARN})}
    denying = policy(deny(GET, "*", **({"Principal": "*"} if kind == "resource" else {})))
    found = verdict(**{**granting, kind: denying})
    assert not found.allowed
    assert found.explicit


@pytest.mark.parametrize("limit", ["boundary", "session"])
def test_limit_that_does_not_allow_it_denies(limit):
    found = verdict(identity=ALLOW, **{limit: policy(allow("s3:PutObject", "*"))})
    assert not found.allowed
    assert found.policy_type in ("permissions boundary", "session policy")


@pytest.mark.parametrize("limit", ["boundary", "session"])
def test_limit_allows_nothing_by_itself(limit):
    assert not allowed(**{limit: ALLOW})


def test_resource_policy_that_names_the_role_needs_no_identity_policy_but_obeys_limits():
    of_role = to({"AWS": ROLE_ARN})
    assert allowed(resource=of_role)
    assert not allowed(resource=of_role, boundary=policy(allow("s3:PutObject", "*")))


@pytest.mark.parametrize("principal", [{"AWS": SESSION_ARN}, {"AWS": "*"}, "*"])
def test_resource_policy_that_names_the_session_is_not_limited(principal):
    assert allowed(resource=to(principal), boundary=policy(allow("s3:PutObject", "*")))


@pytest.mark.parametrize("principal", [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"])
def test_resource_policy_that_names_the_account_leaves_it_to_the_identity_policies(principal):
    assert not allowed(resource=to({"AWS": principal}))
    assert allowed(resource=to({"AWS": principal}), identity=ALLOW)
    denying = policy(deny(GET, "*", Principal={"AWS": principal}))
    assert not allowed(resource=denying, identity=ALLOW)


def test_closest_of_several_principals_counts():
    itself, account = ({"AWS": name} for name in (SESSION_ARN, ACCOUNT))
    for order in ((itself, account), (account, itself)):
        assert allowed(resource=policy(*(allow(GET, "*", Principal=one) for one in order)))


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "210987654321"},
        {"AWS": ROLE_ARN.replace("classify", "plan")},
        {"Service": "lambda.amazonaws.com"},
        {"Federated": "accounts.google.com"},
    ],
)
def test_resource_policy_for_others_grants_nothing(principal):
    assert not allowed(resource=to(principal))


def test_not_principal_denies_everybody_else():
    but_the_role = policy(deny(GET, "*", NotPrincipal={"AWS": [ROLE_ARN, SESSION_ARN]}))
    assert allowed(identity=ALLOW, resource=but_the_role)
    assert not allowed(caller=USER, identity=ALLOW, resource=but_the_role)


def test_service_is_allowed_by_resource_policies_alone():
    assert allowed(caller=GATEWAY, resource=to({"Service": "apigateway.amazonaws.com"}))
    assert not allowed(caller=GATEWAY, resource=to({"AWS": "*"}))
    assert verdict(GATEWAY).policy_type == "resource-based policy"


def test_stranger_is_allowed_only_what_is_public():
    assert allowed(caller=STRANGER, resource=to("*"))
    assert not allowed(caller=STRANGER, resource=to({"AWS": ACCOUNT}))


def test_deployer_passes_but_for_an_explicit_deny():
    assert allowed(caller=DEPLOYER)
    assert not allowed(caller=DEPLOYER, resource=policy(deny(GET, "*", Principal="*")))


@pytest.mark.parametrize(("caller", "trusted"), [(ROLE, False), (DEPLOYER, False)])
def test_required_resource_policy_must_take_part(caller, trusted):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html"""
    found = evaluate(
        caller,
        GET,
        OBJECT,
        RequestContext({}),
        held=Held((ALLOW,)),
        of_resource=ResourcePolicy(to({"AWS": "210987654321"}), required=True, policy_type=TRUST),
    )
    assert found == Verdict(allowed=trusted, policy_type="role trust policy")


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("s3:GetObject", True),
        ("S3:getobject", True),
        ("s3:Get*", True),
        ("S3:gET*", True),
        ("s3:GetObjec?", True),
        ("*", True),
        ("s3:Get", False),
        ("s3:GetObject?", False),
        ("ec2:*", False),
    ],
)
def test_actions_match_whole_with_wildcards_and_in_any_case(pattern, matches):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html"""
    assert allowed(identity=policy(allow(pattern, "*"))) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", True),
        (OBJECT, True),
        ("arn:aws:s3:::results/jobs/*", True),
        ("arn:aws:s3:::results/*.json", True),
        ("arn:aws:s3:::results/jobs/?/a.json", True),
        ("arn:aws:s3:*", True),
        ("arn:aws:s3:::results", False),
        ("arn:aws:s3:::results/inputs/*", False),
        ("arn:aws:s3:::Results/jobs/*", False),
        ("arn:aws:s3:::result/*", False),
        ("arn:aws:s3:::results/jobs/??/a.json", False),
        ("arn:aws:s3*results/jobs/1/a.json", False),
    ],
)
def test_resources_match_whole_and_in_their_case(pattern, matches):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"""
    assert allowed(identity=policy(allow(GET, pattern))) is matches


def test_not_action_and_not_resource_mean_everything_else():
    other = {"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}
    assert allowed(identity=policy(other))
    assert not allowed(identity=policy(other), action="s3:PutObject")
    elsewhere = {"Effect": "Allow", "Action": GET, "NotResource": "arn:aws:s3:::results/jobs/*"}
    assert not allowed(identity=policy(elsewhere))
    assert allowed(identity=policy(elsewhere), arn="arn:aws:s3:::results/x")


@pytest.mark.parametrize(
    ("resource", "matches"),
    [
        ("arn:aws:s3:::results/${aws:username}/*", True),
        ("arn:aws:s3:::results/${aws:nobody}/*", False),
        ("arn:aws:s3:::results/${aws:nobody}jobs/*", False),
        ("arn:aws:s3:::results/${aws:nobody, 'jobs'}/*", True),
        ("arn:aws:s3:::results/${*}/*", False),
    ],
)
def test_policy_variables_are_values_of_the_request(resource, matches):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""
    assert allowed(identity=policy(allow(GET, resource)), aws__username="jobs") is matches


def test_value_of_a_variable_is_no_pattern():
    mine = policy(allow(GET, "arn:aws:s3:::results/${aws:username}/*"))
    assert not allowed(identity=mine, aws__username="*")


def test_policy_variables_are_text_in_the_old_version_of_the_language():
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"""
    statement = allow(GET, "arn:aws:s3:::results/${aws:username}/*")
    old = policy_of({"Version": "2008-10-17", "Statement": [statement]})
    assert not allowed(identity=old, aws__username="jobs")
    assert allowed(identity=old, arn="arn:aws:s3:::results/${aws:username}/a", aws__username="jobs")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        json.dumps({"Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]}),
        json.dumps({"Statement": [{"Effect": "Allow", "Actions": "*", "Resource": "*"}]}),
        json.dumps({"Statement": [{**allow("*", "*"), "NotAction": "s3:*"}]}),
        json.dumps({"Statement": [allow("*", "*", Principal={"Someone": "x"})]}),
        json.dumps({"Statement": [allow("*", "*", Condition={"StringIs": {"a:b": "c"}})]}),
        json.dumps({"Statement": [allow("*", "*", Condition={"NumericEquals": {"a:b": "c"}})]}),
        json.dumps({"Statement": [allow("*", "*", Condition={"Null": {"a:b": "c"}})]}),
    ],
)
def test_policy_that_aws_does_not_document_is_an_error(text):
    with pytest.raises(PolicyError):
        parsed(text)


_EFFECTS = st.sampled_from([allow, deny])
_ACTIONS = st.sampled_from(["*", "s3:*", GET, "s3:Put*", "lambda:*"])
_RESOURCES = st.sampled_from(["*", OBJECT, "arn:aws:s3:::results/*", "arn:aws:s3:::other/*"])
_STATEMENTS = st.lists(
    st.builds(lambda make, action, arn: make(action, arn), _EFFECTS, _ACTIONS, _RESOURCES),
    max_size=5,
)


@given(first=_STATEMENTS, second=_STATEMENTS)
def test_order_of_statements_and_of_policies_decides_nothing(first, second):
    together = verdict(identity=policy(*first, *second))
    assert verdict(identity=policy(*reversed(second), *reversed(first))) == together
    held = Held((policy(*second), policy(*first)))
    apart = evaluate(ROLE, GET, OBJECT, RequestContext({}), held=held, of_resource=NO_POLICY)
    assert apart == together


@given(statements=_STATEMENTS, more=_STATEMENTS)
def test_another_limit_never_allows_more(statements, more):
    if verdict(identity=policy(*statements), boundary=policy(*more)).allowed:
        assert verdict(identity=policy(*statements)).allowed
