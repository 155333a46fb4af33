"""Evaluates the Conditions section and the assertions of the Rules section.

Both depend on parameters alone. Rules are checked before anything is changed: CDK's own
`CheckBootstrapVersion` is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from localcloud.cloudformation.errors import validation_error
from localcloud.cloudformation.template.declarations import Template
from localcloud.cloudformation.template.evaluation import Scope


class _NoResources:
    """Conditions and rules cannot depend on resources."""

    def ref(self, logical_id: str) -> NoReturn:
        raise validation_error(
            f"Template error: unresolved condition dependency {logical_id}: "
            "conditions and rules can only refer to parameters"
        )

    def get_att(self, logical_id: str, attribute: str) -> NoReturn:
        raise validation_error(
            f"Template error: Fn::GetAtt {logical_id}.{attribute} cannot be used in a condition"
        )


class _Boolean:
    """Evaluates boolean functions; values inside them are evaluated by a Scope."""

    def __init__(
        self, template: Template, pseudo: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> None:
        self._declared = template.conditions
        self._known: dict[str, bool] = {}
        self._open: list[str] = []
        self._scope = Scope(pseudo, parameters, template.mappings, {}, _NoResources())

    def named(self, name: str) -> bool:
        if name not in self._known:
            if name not in self._declared:
                raise validation_error(f"Template error: condition {name} is not defined")
            if name in self._open:
                chain = " -> ".join([*self._open, name])
                raise validation_error(f"Template error: circular conditions: {chain}")
            self._open.append(name)
            self._known[name] = self.holds(self._declared[name])
            self._open.pop()
        return self._known[name]

    def holds(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if not isinstance(value, dict) or len(value) != 1:
            raise validation_error(f"Template error: {value!r} is not a condition")
        ((name, argument),) = value.items()
        if name == "Condition":
            return self.named(argument)
        if name == "Fn::And":
            return all(self.holds(item) for item in _operands(name, argument))
        if name == "Fn::Or":
            return any(self.holds(item) for item in _operands(name, argument))
        if name == "Fn::Not":
            return not self.holds(*_operands(name, argument, 1))
        if name == "Fn::Equals":
            left, right = (self._value(item) for item in _operands(name, argument, 2))
            return bool(left == right)
        return self._set_function(name, argument)

    def _set_function(self, name: str, argument: Any) -> bool:
        """The functions that only rules have."""
        if name not in ("Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"):
            raise validation_error(f"Template error: {name} is not a condition function")
        left, right = (self._value(item) for item in _operands(name, argument, 2))
        if not isinstance(left, list):
            raise validation_error(f"Template error: {name} needs a list first")
        if name == "Fn::Contains":
            return right in left
        if name == "Fn::EachMemberEquals":
            return all(item == right for item in left)
        return all(item in right for item in left)

    def _value(self, value: Any) -> Any:
        evaluated = self._scope.evaluate(value)
        if isinstance(evaluated, bool):
            return "true" if evaluated else "false"
        return str(evaluated) if isinstance(evaluated, int | float) else evaluated


def _operands(name: str, argument: Any, count: int | None = None) -> list[Any]:
    if not isinstance(argument, list) or not argument or (count and len(argument) != count):
        wanted = f"a list of {count}" if count else "a list"
        raise validation_error(f"Template error: {name} needs {wanted}")
    return argument


def evaluate_conditions(
    template: Template, pseudo: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, bool]:
    """Truth of every declared condition."""
    boolean = _Boolean(template, pseudo, parameters)
    return {name: boolean.named(name) for name in template.conditions}


def check_rules(
    template: Template, pseudo: Mapping[str, Any], parameters: Mapping[str, Any]
) -> None:
    """Raise CloudFormationError (ValidationError) describing every failed assertion."""
    boolean = _Boolean(template, pseudo, parameters)
    failed: list[str] = []
    for name, rule in template.rules.items():
        if not isinstance(rule, dict) or not isinstance(rule.get("Assertions"), list):
            raise validation_error(f"Template error: rule {name} needs Assertions")
        if "RuleCondition" in rule and not boolean.holds(rule["RuleCondition"]):
            continue
        failed.extend(
            str(assertion.get("AssertDescription", f"Assertion of rule {name} failed"))
            for assertion in rule["Assertions"]
            if not boolean.holds(assertion.get("Assert"))
        )
    if failed:
        raise validation_error(f"Template error: {'; '.join(failed)}")
