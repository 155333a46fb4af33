"""cfn-lint, with AWS's own schemas: what CloudFormation would refuse, or AWS advises against."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cfnlint.api
import pytest
from cfnlint.config import ManualArgs
from cfnlint.core import get_rules
from cfnlint.rules import RulesCollection

from tests.stacks.synthesized import Synthesized

# W3005: CDK writes DependsOn next to every reference to a role.
IGNORED = ["W3005"]

# Template -> findings.
Lint = Callable[[str], list[str]]


@pytest.fixture(scope="session")
def rules() -> RulesCollection:
    """Read once: they take twice the time of linting a template by them."""
    return get_rules([], IGNORED, [])


@pytest.fixture(scope="session")
def lint(rules: RulesCollection) -> Lint:
    """Lint a template's text; variants share most of their templates."""

    @cache
    def lint(template: str) -> list[str]:
        config = ManualArgs(regions=["us-east-1", "eu-west-1"])
        return [str(match) for match in cfnlint.api.lint(template, rules=rules, config=config)]

    return lint


def test_every_template_is_clean(every: Synthesized, lint: Lint) -> None:
    for stack in every.stacks:
        assert lint((every.folder / f"{stack}.template.json").read_text()) == [], stack


@pytest.mark.parametrize(
    ("was", "becomes", "finding"),
    [
        ('"RetentionInDays": 7', '"RetentionInDays": 8', "8 is not one of"),
        ('"MemorySize"', '"MemoySize"', "Additional properties are not allowed"),
        ('"lambda.amazonaws.com"', '{"Ref": "Nothing"}', "Nothing"),
    ],
)
def test_linter_bites(dev: Synthesized, lint: Lint, was: str, becomes: str, finding: str) -> None:
    template = (dev.folder / "Functions.template.json").read_text()
    assert was in template
    assert finding in "".join(lint(template.replace(was, becomes)))
