"""What moto's Budgets lacks: an update, and who is told of a notification.

Budgets are kept and never charged: nothing in this cloud costs anything.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.responses import BudgetsResponse
from moto.core.utils import unix_time

from localcloud.services.patches import Patch, method


def budget_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            BudgetsResponse,
            "update_budget",
            method(_update_budget),
            "UpdateBudget is not there",
            adds=True,
        ),
        Patch(
            BudgetsResponse,
            "describe_subscribers_for_notification",
            method(_subscribers),
            "DescribeSubscribersForNotification is not there",
            adds=True,
        ),
    ]


def _update_budget(response: Any) -> str:
    wanted = response._get_param("NewBudget")
    kept = _budget(response, wanted["BudgetName"])
    kept.budget = {
        "TimePeriod": kept.budget["TimePeriod"],
        **wanted,
        "LastUpdatedTime": unix_time(),
    }
    return json.dumps({})


def _subscribers(response: Any) -> str:
    details = response._get_param("Notification")
    for notification in _budget(response, response._get_param("BudgetName")).notifications:
        if notification.details == details:
            return json.dumps({"Subscribers": notification.subscribers})
    raise NotFoundException("the notification doesn't exist.")


def _budget(response: Any, name: str) -> Any:
    budgets = response.backend.budgets[response._get_param("AccountId")]
    if name not in budgets:
        raise NotFoundException(f"Unable to find budget: {name} - the budget doesn't exist.")
    return budgets[name]
