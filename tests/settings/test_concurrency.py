"""How functions share an account: nothing starves the API, and what cannot be is refused."""

from __future__ import annotations

import shlex

import pytest

from settings.concurrency import LAMBDA_UNRESERVED_CONCURRENCY, reserved_concurrency
from settings.context import load_stage
from settings.limits import platform_limits
from settings.stages import DEV, PROD
from tests.settings.refusals import refused

FUNCTIONS = ("plan", "classify", "reduce", "predict", "jobs")
SHARES = " + ".join(f"{name}.reserved_concurrency" for name in FUNCTIONS)
NO_SHARES: dict[str, object] = {f"{name}.reserved_concurrency": "none" for name in FUNCTIONS}


def provisioned(
    minimum: int, maximum: int, target: float = 0.6, *, function: str = "classify"
) -> dict[str, object]:
    return {
        f"{function}.provisioned.minimum": minimum,
        f"{function}.provisioned.maximum": maximum,
        f"{function}.provisioned.target_utilization": target,
    }


def test_both_stages_fit_into_one_account_as_it_comes() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 1,000."""
    assert DEV.account_concurrency == PROD.account_concurrency == 1000
    together = reserved_concurrency(DEV) + reserved_concurrency(PROD)
    assert together == 890 <= 1000 - LAMBDA_UNRESERVED_CONCURRENCY


@pytest.mark.parametrize("stage", [DEV, PROD], ids=lambda stage: stage.name)
def test_every_function_has_a_share_that_is_the_width_of_its_map(stage) -> None:
    assert all(function.reserved_concurrency for function in stage.functions.values())
    assert stage.map_concurrency == stage.classify.reserved_concurrency
    assert stage.reduce_concurrency == stage.reduce.reserved_concurrency


def test_shares_leave_what_lambda_keeps_unreserved() -> None:
    assert refused(account_concurrency=250) == {}
    allowed = refused(account_concurrency=249)[SHARES]
    assert "together at most 149" in allowed
    assert "https://docs.aws.amazon.com/" in allowed


def test_refusal_of_a_small_account_tells_how_to_do_without_shares() -> None:
    """An account may begin with 10: what the messages say, taken together, is accepted."""
    small = {"account_concurrency": "10"}
    allowed = refused(**small)[SHARES]
    told = shlex.split(allowed.partition("without shares: ")[2])
    overrides = dict(word.split("=") for word in told if word != "-c")
    assert overrides == NO_SHARES
    widths = refused(**small, **overrides)
    assert set(widths) == {"map_concurrency", "reduce_concurrency"}
    assert all("at most 8 of the 10" in allowed for allowed in widths.values())
    fitting = {**small, **overrides, "map_concurrency": "8", "reduce_concurrency": "8"}
    stage = load_stage(fitting, rules=[platform_limits])
    assert reserved_concurrency(stage) == 0


@pytest.mark.parametrize("share", [0, -1])
def test_share_of_nothing_is_refused(share: int) -> None:
    assert (
        "at least 1, or none"
        in refused(plan__reserved_concurrency=share)["plan.reserved_concurrency"]
    )
    assert refused(plan__reserved_concurrency=1) == {}


@pytest.mark.parametrize(
    ("width", "function"), [("map_concurrency", "classify"), ("reduce_concurrency", "reduce")]
)
def test_map_is_no_wider_than_the_share_of_its_function(width: str, function: str) -> None:
    share = f"{function}.reserved_concurrency"
    assert refused(**{width: 15, share: 15}) == {}
    allowed = refused(**{width: 16, share: 15})
    assert set(allowed) == {width}
    assert f"at most {share}, 15" in allowed[width]
    assert "throttled" in allowed[width]


@pytest.mark.parametrize(
    ("width", "function"), [("map_concurrency", "classify"), ("reduce_concurrency", "reduce")]
)
def test_map_of_a_function_without_a_share_has_what_nobody_reserved(
    width: str, function: str
) -> None:
    alone = {f"{function}.reserved_concurrency": "none"}
    left = 1000 - reserved_concurrency(DEV) + DEV.functions[function].reserved_concurrency
    assert refused(**alone, **{width: left}) == {}
    assert set(refused(**alone, **{width: left + 1})) == {width}


@pytest.mark.parametrize("function", ["predict", "jobs"])
def test_map_leaves_a_tenth_to_what_the_api_has_without_a_share(function: str) -> None:
    shared = {f"{name}.reserved_concurrency": "none" for name in ("classify", function)}
    left = 1000 - 40  # three functions still have theirs: 10, 20 and 10
    assert refused(**shared, map_concurrency=left - left // 10) == {}
    allowed = refused(**shared, map_concurrency=left - left // 10 + 1)["map_concurrency"]
    assert f"leaving some for {function}" in allowed


def test_map_leaves_at_least_a_place_for_each_function_of_the_api() -> None:
    small = {**NO_SHARES, "account_concurrency": 3, "reduce_concurrency": 1}
    assert refused(**small, map_concurrency=1) == {}
    assert "map_concurrency" in refused(**small, map_concurrency=2)


def test_map_is_never_wider_than_a_distributed_map() -> None:
    wide = {"account_concurrency": 100_000, **NO_SHARES}
    assert refused(**wide, map_concurrency=10_000, reduce_concurrency=10_000) == {}
    too_wide = refused(**wide, map_concurrency=10_001, reduce_concurrency=10_001)
    assert set(too_wide) == {"map_concurrency", "reduce_concurrency"}


def test_warm_environments_stay_within_the_share_of_their_function() -> None:
    assert refused(**provisioned(1, 100)) == {}
    allowed = refused(**provisioned(1, 101))
    assert set(allowed) == {"classify.provisioned.maximum"}
    assert "at most classify.reserved_concurrency, 100" in allowed["classify.provisioned.maximum"]


def test_warm_environments_without_a_share_leave_what_lambda_keeps_unreserved() -> None:
    alone = {"classify.reserved_concurrency": "none"}
    spare = 1000 - 50 - 100  # what the others reserve, and what Lambda keeps
    assert refused(**alone, **provisioned(1, spare)) == {}
    allowed = refused(**alone, **provisioned(1, spare + 1))["classify.provisioned.maximum"]
    assert f"at most {spare}" in allowed


def test_warm_environments_without_a_share_are_summed_over_functions() -> None:
    both = provisioned(1, 500) | provisioned(1, 500, function="reduce")
    assert "classify.provisioned.maximum + reduce.provisioned.maximum" in refused(
        **NO_SHARES, **both
    )


def test_warm_environments_within_shares_are_not_counted_twice() -> None:
    """AWS takes them out of the reservation, not out of what is unreserved."""
    both = provisioned(1, 100) | provisioned(1, 20, function="reduce")
    assert refused(account_concurrency=250, **both) == {}


def test_provisioned_concurrency_refuses_a_minimum_of_zero() -> None:
    assert set(refused(**provisioned(0, 5))) == {"classify.provisioned.minimum"}


def test_provisioned_concurrency_refuses_a_maximum_below_the_minimum() -> None:
    assert set(refused(**provisioned(5, 4))) == {"classify.provisioned.maximum"}


@pytest.mark.parametrize("target", [0.09, 0.91])
def test_provisioned_concurrency_refuses_a_target_out_of_range(target: float) -> None:
    assert set(refused(**provisioned(1, 5, target))) == {"classify.provisioned.target_utilization"}


def test_everything_that_is_wrong_with_the_shares_is_said_at_once() -> None:
    wrong = refused(
        account_concurrency=200,
        map_concurrency=101,
        reduce_concurrency=21,
        jobs__reserved_concurrency=0,
        **provisioned(1, 101),
        **provisioned(1, 11, function="predict"),
    )
    shares = " + ".join(f"{name}.reserved_concurrency" for name in FUNCTIONS if name != "jobs")
    assert set(wrong) == {
        shares,
        "map_concurrency",
        "reduce_concurrency",
        "jobs.reserved_concurrency",
        "classify.provisioned.maximum",
        "predict.provisioned.maximum",
    }
    assert all("https://docs.aws.amazon.com/" in allowed for allowed in wrong.values())
