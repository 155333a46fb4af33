"""Alarms that reach somebody, a dashboard of what there is, a budget; in prod, and not in dev."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from prices import us_east_1 as prices
from settings.stages import PROD
from shpc_lambda import metrics as published
from stacks.components import workload_metrics
from stacks.components.invocation import SERVICE_ERRORS
from tests.stacks.alarming import alarms, dashboard, expressions, named, of_alarm
from tests.stacks.synthesized import Synthesize, Synthesized, as_list, as_text
from workloads.catalogue import FUNCTIONS

RUNBOOK = Path(__file__).parents[2] / "docs" / "observability.md"
REQUESTED = [function.name for function in FUNCTIONS if function.routes]
RETRIED = [function.name for function in FUNCTIONS if not function.routes]
TOPIC = "AWS::SNS::Topic"


def test_dev_has_none_of_it(dev: Synthesized) -> None:
    kinds = {resource["Type"] for resource in dev.resources().values()}
    assert not {kind for kind in kinds if "CloudWatch" in kind or "Budgets" in kind}
    assert not kinds & {TOPIC, "AWS::KMS::Key"}
    assert not (dev.folder / "Monitoring.template.json").exists()


def test_every_alarm_announces_itself_and_its_end(prod: Synthesized) -> None:
    (topic,) = prod.resources(TOPIC)
    ref = [{"Ref": topic.partition("/")[2]}]
    found = alarms(prod)
    assert found
    for name, properties in found.items():
        assert (properties["AlarmActions"], properties["OKActions"]) == (ref, ref), name
        assert properties.get("ActionsEnabled", True), name


def test_every_alarm_goes_off_at_its_threshold(prod: Synthesized) -> None:
    """Where it is 1, the first one counts."""
    assert {each["ComparisonOperator"] for each in alarms(prod).values()} == {
        "GreaterThanOrEqualToThreshold"
    }


def test_no_alarm_goes_off_in_an_idle_stage(prod: Synthesized) -> None:
    assert {each["TreatMissingData"] for each in alarms(prod).values()} == {"notBreaching"}
    assert all(each["Threshold"] > 0 for each in alarms(prod).values())


def test_every_alarm_leads_to_what_to_do(prod: Synthesized) -> None:
    headings = re.findall(r"^#+ (.+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in headings}
    for name, properties in alarms(prod).items():
        what, _, where = properties["AlarmDescription"].partition(" What to do: ")
        assert what.endswith("."), name
        page, _, anchor = where.partition("#")
        assert (page, anchor in anchors) == ("docs/observability.md", True), where


def test_every_function_is_watched_on_its_alias(prod: Synthesized) -> None:
    for function in FUNCTIONS:
        for kind, metric in (("Errors", "Errors"), ("Throttles", "Throttles")):
            looked_at = {
                each.name: dimensions
                for each, dimensions in of_alarm(alarms(prod)[f"{function.name.title()}{kind}"])
            }
            assert looked_at[metric]["Resource"] == f"{looked_at[metric]['FunctionName']}:live"


@pytest.mark.parametrize("function", REQUESTED)
def test_one_lost_request_is_news(prod: Synthesized, function: str) -> None:
    for kind in ("Errors", "Throttles"):
        alarm = alarms(prod)[f"{function.title()}{kind}"]
        assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (1, 1, 300)


@pytest.mark.parametrize("function", RETRIED)
def test_the_burst_of_a_starting_map_is_no_news(prod: Synthesized, function: str) -> None:
    """Longer than a child waits in all its tries until its failure is recorded, which is news."""
    alarm = alarms(prod)[f"{function.title()}Throttles"]
    longest_s = max(
        sum(
            min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, retry["MaxDelaySeconds"])
            for n in range(retry["MaxAttempts"])
        )
        for retry in retries(prod)
        if set(SERVICE_ERRORS) & set(retry["ErrorEquals"])
    )
    assert longest_s == 121
    # A burst may begin and end in the midst of a minute.
    assert (alarm["EvaluationPeriods"] - 1) * alarm["Period"] > longest_s + 60


def retries(stage: Synthesized) -> list[dict]:
    """Of every state, wherever it is."""

    def walk(node: object) -> list[dict]:
        if isinstance(node, dict):
            return node.get("Retry", []) + [each for value in node.values() for each in walk(value)]
        return [each for item in node for each in walk(item)] if isinstance(node, list) else []

    return walk(stage.state_machine())


@pytest.mark.parametrize("function", RETRIED)
def test_single_failures_that_are_retried_are_no_news(prod: Synthesized, function: str) -> None:
    alarm = alarms(prod)[f"{function.title()}Errors"]
    (expression,) = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    assert expression == "IF(errors >= 3, 100 * errors / invocations, 0)"
    assert alarm["Threshold"] == 1


def test_jobs_that_do_not_succeed_are_each_announced(prod: Synthesized) -> None:
    ends = {"Failed", "TimedOut", "Aborted"}
    for end in ends:
        alarm = alarms(prod)[f"Job{end}"]
        ((metric, dimensions),) = of_alarm(alarm)
        assert (metric.namespace, metric.name) == ("AWS/States", f"Executions{end}")
        # The machine's own ARN: children of its maps count under another one.
        assert "Classify" in dimensions["StateMachineArn"]
        assert "/" not in dimensions["StateMachineArn"]
        assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (1, 1)


def test_spill_over_is_alarming_where_somebody_waits(prod: Synthesized) -> None:
    kept = {name for name, each in PROD.functions.items() if each.provisioned is not None}
    assert {"classify", "predict"} == kept
    found = {name for name in alarms(prod) if name.endswith("SpillOver")}
    # The map is wider than what is kept warm for it: it spills over by design.
    assert PROD.classify.provisioned is not None
    assert PROD.classify.provisioned.maximum < PROD.map_concurrency
    assert found == {"PredictSpillOver"}
    # Longer than target tracking takes to scale out, which is three minutes.
    alarm = alarms(prod)["PredictSpillOver"]
    assert (alarm["EvaluationPeriods"], alarm["Period"]) == (10, 60)
    ((metric, _),) = of_alarm(alarm)
    assert metric.name == "ProvisionedConcurrencySpilloverInvocations"


def test_spill_over_of_a_map_that_fits_is_alarming(synthesize: Synthesize) -> None:
    narrow = synthesize("prod", map_concurrency=20)
    assert "ClassifySpillOver" in alarms(narrow)


def test_api_is_watched_for_failures_and_slowness(prod: Synthesized) -> None:
    latency = alarms(prod)["ApiLatency"]
    assert (latency["ExtendedStatistic"], latency["Threshold"]) == ("p99", 5_000)
    metrics = [metric for metric, _ in of_alarm(alarms(prod)["ApiServerErrors"])]
    assert {metric.name for metric in metrics} == {"5xx", "Count"}


def test_topic_is_encrypted_by_a_key_that_rotates(prod: Synthesized) -> None:
    (key,) = prod.resources("AWS::KMS::Key")
    properties = prod.only("AWS::KMS::Key")["Properties"]
    assert properties["EnableKeyRotation"] is True
    topic = prod.only(TOPIC)["Properties"]
    assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": [key.partition("/")[2], "Arn"]}


def test_only_this_accounts_alarms_and_budgets_publish(prod: Synthesized) -> None:
    policies = (
        prod.only("AWS::SNS::TopicPolicy")["Properties"]["PolicyDocument"],
        prod.only("AWS::KMS::Key")["Properties"]["KeyPolicy"],
    )
    sources = {
        "cloudwatch.amazonaws.com": "arn:<AWS::Partition>:cloudwatch:<AWS::Region>:"
        "<AWS::AccountId>:alarm:shpc-prod-monitoring-*",
        "budgets.amazonaws.com": "arn:<AWS::Partition>:budgets::<AWS::AccountId>:*",
    }
    for policy in policies:
        allowed = {}
        for statement in policy["Statement"]:
            if "Service" not in statement["Principal"]:
                continue
            assert statement["Effect"] == "Allow"
            condition = statement["Condition"]
            assert condition["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
            source = as_text(condition["ArnLike"]["aws:SourceArn"])
            allowed[statement["Principal"]["Service"]] = source
            actions = set(as_list(statement["Action"]))
            assert actions in ({"sns:Publish"}, {"kms:Decrypt", "kms:GenerateDataKey*"})
        assert allowed == sources


def test_nothing_is_published_without_tls(prod: Synthesized) -> None:
    statements = prod.only("AWS::SNS::TopicPolicy")["Properties"]["PolicyDocument"]["Statement"]
    (deny,) = [statement for statement in statements if statement["Effect"] == "Deny"]
    assert (deny["Principal"], deny["Action"]) == ("*", "sns:Publish")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_address_is_subscribed_where_there_is_one(
    prod: Synthesized, synthesize: Synthesize
) -> None:
    assert prod.resources("AWS::SNS::Subscription") == {}
    mailed = synthesize("prod", alarm_email="ops@example.org")
    subscription = mailed.only("AWS::SNS::Subscription")["Properties"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.org")


def test_budget_counts_what_the_stage_is_tagged_with(prod: Synthesized) -> None:
    (topic,) = prod.resources(TOPIC)
    properties = prod.only("AWS::Budgets::Budget")["Properties"]
    budget = properties["Budget"]
    assert "BudgetName" not in budget
    assert budget["BudgetLimit"] == {"Amount": PROD.monthly_budget_usd, "Unit": "USD"}
    tags = [each["Tags"] for each in budget["FilterExpression"]["And"]]
    assert {(tag["Key"], *tag["Values"]) for tag in tags} == {("app", "shpc"), ("stage", "prod")}
    told = properties["NotificationsWithSubscribers"]
    assert {
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
        for each in told
    } == {("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)}
    address = {"Ref": topic.partition("/")[2]}
    assert all(
        each["Subscribers"] == [{"SubscriptionType": "SNS", "Address": address}] for each in told
    )


def test_runbook_says_what_idle_monitoring_costs(prod: Synthesized) -> None:
    alarmed = sum(len(list(of_alarm(each))) for each in alarms(prod).values())
    usd = {
        "alarms": prices.ALARM.of(alarmed),
        "dashboard": prices.DASHBOARD.of(1),
        "key": prices.KMS_KEY.of(1),
        "budget": prices.BUDGET.of(1),
    }
    rows = dict(re.findall(r"^\| (\w+) \| \$([\d.]+) \|", RUNBOOK.read_text(), flags=re.MULTILINE))
    assert {name: float(rows[name]) for name in usd} == usd
    assert f"| **monitoring** | **${sum(usd.values()):.2f}** |" in RUNBOOK.read_text()


def test_no_budget_where_none_is_asked_for(synthesize: Synthesize) -> None:
    assert synthesize("prod", monthly_budget_usd="none").resources("AWS::Budgets::Budget") == {}


def test_dashboard_shows_every_alarm(prod: Synthesized) -> None:
    (widget,) = [each for each in dashboard(prod)["widgets"] if each["type"] == "alarm"]
    assert len(widget["properties"]["alarms"]) == len(alarms(prod))


def test_dashboard_says_whose_prices_these_are(prod: Synthesized) -> None:
    (text,) = [each for each in dashboard(prod)["widgets"] if each["type"] == "text"]
    assert "us-east-1" in text["properties"]["markdown"]


def test_metric_math_has_no_exponents(prod: Synthesized) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"""
    assert expressions(prod)
    assert [text for text in expressions(prod) if re.search(r"\d[eE][-+]?\d", text)] == []


def test_metrics_of_the_functions_are_those_that_they_publish(prod: Synthesized) -> None:
    ours = workload_metrics
    assert (ours.IMAGES, ours.SHARDS, ours.IMAGE_TIME, ours.COLD_STARTS, ours.FAILURES) == (
        published.IMAGES,
        published.SHARDS,
        published.TIME_PER_IMAGE,
        published.COLD_STARTS,
        published.FAILURES,
    )
    shown = {metric.name for metric in named(prod) if metric.namespace == ours.NAMESPACE}
    assert shown == {ours.IMAGES, ours.SHARDS, ours.IMAGE_TIME, ours.COLD_STARTS, ours.FAILURES}


@pytest.mark.parametrize("metrics", [("dev", "true"), ("prod", "false")], ids=("dev", "prod"))
def test_metrics_are_published_where_somebody_looks(
    synthesize: Synthesize, metrics: tuple[str, str]
) -> None:
    stage, disabled = metrics
    functions = synthesize(stage).resources("AWS::Lambda::Function").values()
    told = {
        variables["POWERTOOLS_SERVICE_NAME"]: (
            variables["POWERTOOLS_METRICS_DISABLED"],
            variables["POWERTOOLS_METRICS_NAMESPACE"],
            variables["STAGE"],
        )
        for function in functions
        if (variables := function["Properties"].get("Environment", {}).get("Variables"))
    }
    assert told == {function.name: (disabled, "shpc", stage) for function in FUNCTIONS}
