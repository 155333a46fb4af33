"""A limit on what a stage costs in a month, announced before and when it is reached.

It decides that costs are found by the tags that every resource carries, and that nothing is stopped
by it. The account must have activated `app` and `stage` as cost allocation tags; until then AWS
counts nothing here.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from stacks.components.alarm_topic import AlarmTopic

# Percent of the limit: of what was spent, and of what AWS expects by the end of the month.
_NOTICES = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))


class MonthlyBudget(Construct):
    """At most `usd` a month for everything with all of `tags`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        usd: int,
        tags: Mapping[str, str],
        topic: AlarmTopic,
    ) -> None:
        """Announce on `topic` at 80 % and 100 % spent, and when 100 % are forecast."""
        super().__init__(scope, construct_id)
        of_one_tag = [
            budgets.CfnBudget.ExpressionProperty(
                tags=budgets.CfnBudget.TagValuesProperty(
                    key=key, values=[value], match_options=["EQUALS"]
                )
            )
            for key, value in tags.items()
        ]
        subscriber = budgets.CfnBudget.SubscriberProperty(
            subscription_type="SNS", address=topic.topic.topic_arn
        )
        budget = budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=usd, unit="USD"),
                # CostFilters cannot ask for two tags at once; of the two ways AWS recommends this.
                # https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html
                filter_expression=budgets.CfnBudget.ExpressionProperty(and_=of_one_tag),
                metrics=["UnblendedCost"],
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in _NOTICES
            ],
            resource_tags=[
                budgets.CfnBudget.ResourceTagProperty(key=key, value=value)
                for key, value in tags.items()
            ],
        )
        # Budgets asks when it subscribes whether it may publish.
        budget.node.add_dependency(topic)
