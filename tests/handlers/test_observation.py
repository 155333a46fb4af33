"""What an invocation tells of itself: a line in the log, one of metrics, nothing of its caller."""

from __future__ import annotations

import ast
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shpc_core.errors import IncompleteResults, InvalidInput, StorageError, TooLarge
from shpc_lambda.metrics import ERROR_KINDS, kind_of
from shpc_lambda.observation import Handler, Observation
from tests.handlers.conftest import LAMBDA_SRC, Context

SHARD = {"job_id": "job-1", "shard": {"shard": 7, "start": 700, "stop": 800}, "input": "secret"}

Environment = dict[str, str]
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def environment() -> Environment:
    """A service of this test's own: a logger is made once for each, with the output of then."""
    return {
        "POWERTOOLS_SERVICE_NAME": f"classify-{uuid.uuid4().hex}",
        "POWERTOOLS_METRICS_NAMESPACE": "shpc",
        "POWERTOOLS_METRICS_DISABLED": "false",
        "STAGE": "test",
    }


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was written since the last call; every line has to be JSON."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def told(lines: Lines) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The one line of the log, and those of metrics."""
    found = lines()
    (log,) = [line for line in found if "_aws" not in line]
    return log, [line for line in found if "_aws" in line]


def work(observation: Observation) -> Handler:
    @observation.each
    def handler(event: Any, context: Any) -> Any:
        observation.done(images=100, shards=1)
        return {"count": 100}

    return handler


def test_line_names_job_shard_request_start_and_function(
    lines: Lines, environment: Environment
) -> None:
    work(Observation(environment))(SHARD, Context())
    log, _ = told(lines)
    expected = {
        "level": "INFO",
        "message": "done",
        "service": environment["POWERTOOLS_SERVICE_NAME"],
        "job_id": "job-1",
        "shard": 7,
        "function_request_id": "request-1",
        "function_name": "shpc-classify",
        "cold_start": log["cold_start"],
        "images": 100,
        "shards": 1,
    }
    assert {name: log.get(name) for name in expected} == expected
    assert isinstance(log["cold_start"], bool)
    assert log["took_ms"] >= 0


def test_metrics_have_two_dimensions_and_no_job(lines: Lines, environment: Environment) -> None:
    work(Observation(environment))(SHARD, Context())
    _, (metrics,) = told(lines)
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "shpc"
    assert [sorted(names) for names in directive["Dimensions"]] == [["service", "stage"]]
    assert (metrics["service"], metrics["stage"]) == (
        environment["POWERTOOLS_SERVICE_NAME"],
        "test",
    )
    units = {each["Name"]: each["Unit"] for each in directive["Metrics"]}
    assert units == {
        "ColdStarts": "Count",
        "ImagesClassified": "Count",
        "ShardsDone": "Count",
        "TimePerImage": "Milliseconds",
    }
    assert (metrics["ImagesClassified"], metrics["ShardsDone"]) == ([100.0], [1.0])
    assert "job_id" not in metrics


def test_only_the_first_invocation_is_cold(lines: Lines, environment: Environment) -> None:
    handler = work(Observation(environment))
    cold = []
    for _ in range(3):
        handler(SHARD, Context())
        _, (metrics,) = told(lines)
        cold.append(metrics["ColdStarts"])
    assert cold == [[1.0], [0.0], [0.0]]


def test_nobody_waits_for_a_provisioned_environment(lines: Lines, environment: Environment) -> None:
    kept = {**environment, "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}
    work(Observation(kept))(SHARD, Context())
    _, (metrics,) = told(lines)
    assert metrics["ColdStarts"] == [0.0]


def test_what_one_invocation_says_is_not_said_of_the_next(
    lines: Lines, environment: Environment
) -> None:
    observation = Observation(environment)
    work(observation)(SHARD, Context())
    lines()
    observation.each(lambda event, context: None)({}, Context())
    log, (metrics,) = told(lines)
    assert {"job_id", "shard", "images"}.isdisjoint(log)
    assert "ImagesClassified" not in metrics


def test_failure_is_told_by_its_kind_and_raised(lines: Lines, environment: Environment) -> None:
    observation = Observation(environment)

    @observation.each
    def handler(event: Any, context: Any) -> Any:
        raise InvalidInput("input", "is what-the-caller-sent", "something else")

    with pytest.raises(InvalidInput):
        handler(SHARD, Context())
    log, (_, failures) = told(lines)
    assert (log["level"], log["message"], log["error"]) == ("ERROR", "failed", "InvalidInput")
    (directive,) = failures["_aws"]["CloudWatchMetrics"]
    assert [sorted(names) for names in directive["Dimensions"]] == [["error", "service", "stage"]]
    assert (failures["error"], failures["Failures"]) == ("InvalidInput", [1.0])


def test_answer_of_5xx_is_a_failure_and_4xx_is_not(lines: Lines, environment: Environment) -> None:
    observation = Observation(environment)
    answers = observation.each(lambda event, context: {"statusCode": event["status"]})
    answers({"status": 500}, Context())
    log, metrics = told(lines)
    assert (log["message"], log["status"], log["error"]) == ("failed", 500, "Unexpected")
    assert [line["Failures"] for line in metrics if "Failures" in line] == [[1.0]]
    answers({"status": 404}, Context())
    log, metrics = told(lines)
    assert (log["message"], log["status"]) == ("done", 404)
    assert [line for line in metrics if "Failures" in line] == []


@pytest.mark.parametrize(
    "event",
    [
        None,
        "text",
        {"job_id": "x" * 65},
        {"job_id": "a b", "shard": "seven"},
        {"job_id": {"shard": 1}, "shard": {"shard": "seven"}},
        {"job_id": "line\nbreak"},
    ],
)
def test_nothing_that_was_sent_is_told_unless_it_is_well_formed(
    lines: Lines, environment: Environment, event: Any
) -> None:
    Observation(environment).each(lambda event, context: None)(event, Context())
    log, _ = told(lines)
    assert {"job_id", "shard", "group"}.isdisjoint(log)


def test_inputs_are_never_told(lines: Lines, environment: Environment) -> None:
    work(Observation(environment))(SHARD, Context())
    assert "secret" not in json.dumps(lines())


def test_metrics_that_nobody_looks_at_are_not_published(
    lines: Lines, environment: Environment
) -> None:
    handler = work(Observation({**environment, "POWERTOOLS_METRICS_DISABLED": "true"}))
    # Powertools writes what has come together at the hundredth value, switched off or not.
    for _ in range(101):
        handler(SHARD, Context())
    assert [line for line in lines() if "_aws" in line] == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput("f", "p", "a"), "InvalidInput"),
        (TooLarge("f", "p", "a"), "InvalidInput"),
        (IncompleteResults(["gap"]), "IncompleteResults"),
        (StorageError("b", "k", "gone"), "StorageError"),
        (KeyError("x"), "Unexpected"),
    ],
)
def test_kinds_are_few(error: Exception, kind: str) -> None:
    assert kind_of(error) == kind
    assert kind in ERROR_KINDS
    assert len(ERROR_KINDS) == 4


def imports(module: Path) -> set[str]:
    """Modules and what is taken from them, as `module` or `module.name`."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_tracer_stays_out() -> None:
    """It takes an environment's initialisation from 0.35 to 0.8 s: decision 0012."""
    for module in LAMBDA_SRC.rglob("*.py"):
        powertools = {name for name in imports(module) if name.startswith("aws_lambda_powertools")}
        allowed = {
            "aws_lambda_powertools.Logger",
            "aws_lambda_powertools.metrics.EphemeralMetrics",
        }
        assert powertools <= allowed, module
    for requirements in LAMBDA_SRC.glob("*/requirements.txt"):
        assert "xray" not in requirements.read_text()


def test_core_knows_nothing_of_it() -> None:
    for module in (LAMBDA_SRC / "shpc_core").rglob("*.py"):
        assert not {name for name in imports(module) if "powertools" in name or "lambda" in name}


@pytest.mark.parametrize("function", ["plan", "classify", "reduce", "predict", "jobs"])
def test_every_handler_is_observed(function: str) -> None:
    tree = ast.parse((LAMBDA_SRC / function / "handler.py").read_text())
    (handler,) = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "handler"
    ]
    assert [ast.unparse(each) for each in handler.decorator_list] == ["_OBSERVATION.each"]
