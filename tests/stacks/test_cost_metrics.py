"""What the dashboard's metric math makes of measured values: the same as prices by hand."""

from __future__ import annotations

import pytest

from localcloud.monitoring.expressions import Expression
from prices import us_east_1 as prices
from settings.stages import PROD
from tests.stacks.alarming import rows
from tests.stacks.synthesized import Synthesized

FIVE_MINUTES_S = 300
GIGABYTES = PROD.classify.memory_mb / 1024


def cost(stage: Synthesized, label: str, **values: float) -> float:
    """US dollars of one period by the expression with this label; what is not given has no data."""
    texts = {
        row[0]["expression"]
        for row in rows(stage)
        if isinstance(row[0], dict) and row[0].get("label") == label
    }
    (text,) = texts
    expression = Expression.read(text)
    series = {name: {0: values[name]} if name in values else {} for name in expression.ids}
    return expression.value(series, [0], FIVE_MINUTES_S)[0]


def test_job_costs_its_states_and_two_transitions_a_child(prod: Synthesized) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html"""
    found = cost(prod, "Step Functions", jobs=1, classify_children=30, reduce_children=1)
    assert found == pytest.approx(prices.STANDARD_TRANSITION.of(4 + 2 * 31))
    assert cost(prod, "Step Functions", jobs=1) == pytest.approx(prices.STANDARD_TRANSITION.of(4))


@pytest.mark.parametrize("warm", [0, 5, 10])
def test_compute_in_warm_environments_has_their_price(prod: Synthesized, warm: int) -> None:
    on_demand = prices.LAMBDA_COMPUTE[PROD.architecture.value]
    provisioned = prices.LAMBDA_PROVISIONED_COMPUTE[PROD.architecture.value]
    share = warm / 10
    by_hand = on_demand.of(GIGABYTES * 2 * (1 - share)) + provisioned.of(GIGABYTES * 2 * share)
    values = {"classify_ms": 2_000, "classify_calls": 10}
    found = cost(prod, "classify: compute", **values, **({"classify_warm": warm} if warm else {}))
    assert found == pytest.approx(by_hand + prices.LAMBDA_REQUEST.of(10), rel=1e-6)


def test_keeping_warm_costs_what_is_kept(prod: Synthesized) -> None:
    kept = prices.LAMBDA_PROVISIONED[PROD.architecture.value]
    found = cost(prod, "classify: kept warm", classify_in_use=6, classify_share=0.5)
    assert found == pytest.approx(kept.of(GIGABYTES * 12 * FIVE_MINUTES_S), rel=1e-6)
    idle = cost(prod, "classify: kept warm", classify_in_use=0, classify_share=0)
    assert idle == pytest.approx(kept.of(GIGABYTES * 2 * FIVE_MINUTES_S), rel=1e-6)


def test_total_is_the_sum_of_what_has_data(prod: Synthesized) -> None:
    assert cost(prod, "US dollars", cost_0=1, cost_1=2, cost_8=4) == 7
