"""https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html"""

from __future__ import annotations

import pytest

from localcloud.batch.retries import retry_strategy
from localcloud.identity.errors import Refused


def again(conditions, *, made=1, **outcome):
    strategy = retry_strategy({"attempts": 3, "evaluateOnExit": conditions})
    happened = {"status_reason": "Essential container in task exited", "reason": None}
    return strategy.again(made, **{**happened, "exit_code": 1, **outcome})


@pytest.mark.parametrize(
    ("conditions", "outcome", "expected"),
    [
        # None matches: tried again.
        ([{"onExitCode": "7", "action": "EXIT"}], {}, True),
        ([{"onExitCode": "7", "action": "EXIT"}], {"exit_code": 7}, False),
        ([{"onExitCode": "7", "action": "exit"}], {"exit_code": 7}, False),
        # Without an asterisk the whole has to match.
        ([{"onExitCode": "1", "action": "EXIT"}], {"exit_code": 13}, True),
        ([{"onExitCode": "1*", "action": "EXIT"}], {"exit_code": 13}, False),
        # All conditions of an entry have to hold, and the first entry that holds decides.
        ([{"onExitCode": "1", "onReason": "Out*", "action": "EXIT"}], {}, True),
        (
            [
                {"onStatusReason": "Host EC2*", "action": "RETRY"},
                {"onReason": "*", "action": "EXIT"},
            ],
            {"status_reason": "Host EC2 (instance i-1) terminated.", "exit_code": None},
            True,
        ),
        (
            [
                {"onStatusReason": "Host EC2*", "action": "RETRY"},
                {"onReason": "*", "action": "EXIT"},
            ],
            {},
            False,
        ),
        (
            [{"onReason": "OutOfMemory*", "action": "EXIT"}],
            {"reason": "OutOfMemoryError: x"},
            False,
        ),
        # The last attempt is the last.
        ([{"onExitCode": "*", "action": "RETRY"}], {"made": 3}, False),
    ],
)
def test_conditions_decide_whether_a_job_is_tried_again(conditions, outcome, expected):
    assert again(conditions, **outcome) is expected


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ({"attempts": 0}, "retryStrategy.attempts: 0; allowed: 1 to 10"),
        ({"attempts": 11}, "retryStrategy.attempts: 11; allowed: 1 to 10"),
        ({"evaluateOnExit": [{"action": "EXIT"}]}, "retryStrategy.attempts is required"),
        ({"attempts": 2, "evaluateOnExit": [{"action": "EXIT"}] * 6}, "6 conditions"),
        ({"attempts": 2, "evaluateOnExit": [{"action": "STOP"}]}, "allowed: RETRY, EXIT"),
        (
            {"attempts": 2, "evaluateOnExit": [{"action": "EXIT", "onExitCode": "x"}]},
            "evaluateOnExit.onExitCode: 'x'",
        ),
    ],
)
def test_strategy_outside_of_the_limits_is_refused(strategy, said):
    with pytest.raises(Refused) as refused:
        retry_strategy(strategy)
    assert said in refused.value.message


def test_failed_attempts_are_followed_by_others_up_to_the_number(bench, queue):
    job = bench.run(
        'echo "attempt $AWS_BATCH_JOB_ATTEMPT"; exit 1', queue=queue, retryStrategy={"attempts": 3}
    )
    assert job["status"] == "FAILED"
    said = []
    for attempt in job["attempts"]:
        said += bench.lines({"container": attempt["container"]})
    assert said == ["attempt 1", "attempt 2", "attempt 3"]


def test_job_that_succeeds_at_last_has_succeeded(bench, queue):
    definition = bench.definition(retryStrategy={"attempts": 5})
    job = bench.run('test "$AWS_BATCH_JOB_ATTEMPT" = 2', queue=queue, definition=definition)
    assert job["status"] == "SUCCEEDED"
    codes = [attempt["container"]["exitCode"] for attempt in job["attempts"]]
    assert codes == [1, 0]


def test_condition_ends_a_job_before_its_attempts_are_used_up(bench, queue):
    conditions = [{"onExitCode": "65", "action": "EXIT"}]
    strategy = {"attempts": 3, "evaluateOnExit": conditions}
    job = bench.run("exit 65", queue=queue, retryStrategy=strategy)
    assert (job["status"], len(job["attempts"])) == ("FAILED", 1)
