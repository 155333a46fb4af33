"""Budgets: an amount for a time, and who is told when it is spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    NUMBER,
    TAGS,
    TEXT,
    MapOf,
    Schema,
)

_SPEND: Schema = {"Amount*": NUMBER, "Unit*": TEXT}
_COST_TYPES: Schema = dict.fromkeys(
    (
        "IncludeCredit",
        "IncludeDiscount",
        "IncludeOtherSubscription",
        "IncludeRecurring",
        "IncludeRefund",
        "IncludeSubscription",
        "IncludeSupport",
        "IncludeTax",
        "IncludeUpfront",
        "UseAmortized",
        "UseBlended",
    ),
    BOOLEAN,
)
# Of expressions only tags, all of which must match: nothing here is charged, so nothing filters.
_TAGGED: Schema = {"Tags*": {"Key*": TEXT, "MatchOptions": [TEXT], "Values*": [TEXT]}}


class Budget(ResourceHandler):
    """AWS::Budgets::Budget; Ref is its name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-budgets-budget.html
    """

    type_name = "AWS::Budgets::Budget"
    schema: ClassVar[Mapping[str, Schema]] = {
        "Budget*": {
            "BudgetLimit*": _SPEND,
            "BudgetName": TEXT,
            "BudgetType*": TEXT,
            "CostFilters": MapOf([TEXT]),
            "CostTypes": _COST_TYPES,
            "FilterExpression": {"And": [_TAGGED]},
            "Metrics": [TEXT],
            "TimeUnit*": TEXT,
        },
        "NotificationsWithSubscribers": [
            {
                "Notification*": {
                    "ComparisonOperator*": TEXT,
                    "NotificationType*": TEXT,
                    "Threshold*": NUMBER,
                    "ThresholdType": TEXT,
                },
                "Subscribers*": [{"Address*": TEXT, "SubscriptionType*": TEXT}],
            }
        ],
        "ResourceTags": TAGS,
    }
    # Who is told cannot be changed in place.
    replace_on = frozenset({"NotificationsWithSubscribers"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        name = properties["Budget"].get("BudgetName") or task.generated_name(max_length=100)
        self.context.client("budgets").create_budget(
            AccountId=self.context.account,
            Budget=_budget(name, properties["Budget"]),
            NotificationsWithSubscribers=properties.get("NotificationsWithSubscribers", []),
        )
        return Provisioned(name)

    def update(self, task: Update) -> Provisioned:
        name = task.new["Budget"].get("BudgetName", task.physical_id)
        if name != task.physical_id:
            raise ResourceFailure("property Budget.BudgetName cannot change: it is the identity")
        self.context.client("budgets").update_budget(
            AccountId=self.context.account, NewBudget=_budget(task.physical_id, task.new["Budget"])
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("NotFoundException"):
            self.context.client("budgets").delete_budget(
                AccountId=self.context.account, BudgetName=task.physical_id
            )


def _budget(name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    limit = wanted["BudgetLimit"]
    # Numbers in a template, text in the service's API.
    return {**wanted, "BudgetName": name, "BudgetLimit": {**limit, "Amount": str(limit["Amount"])}}


HANDLERS = (Budget,)
