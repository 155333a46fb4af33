"""Properties are checked against the allow-list and converted to it."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.catalogue import handlers_for
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    INTEGER,
    JSON,
    NUMBER,
    TEXT,
    MapOf,
    conform,
    unmodelled,
)
from localcloud.cloudformation.template.evaluation import UNKNOWN
from localcloud.context import CloudContext

SCHEMA = {
    "Name*": TEXT,
    "Size": INTEGER,
    "Rate": NUMBER,
    "On": BOOLEAN,
    "Policy": JSON,
    "Rules": [{"Id*": TEXT, "Days": INTEGER}],
    "Variables": MapOf(TEXT),
}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"Name": "a", "Colour": 1}, "property Colour is not modelled; modelled: Name, On"),
        ({}, "property Name is required"),
        ({"Name": "a", "Rules": [{"Id": "x", "Odd": 1}]}, "property Rules[0].Odd is not modelled"),
        ({"Name": "a", "Rules": [{"Days": 1}]}, "property Rules[0].Id is required"),
        ({"Name": "a", "Rules": {}}, "Rules must be a list"),
        ({"Name": ["a"]}, "Name must be a string"),
        ({"Name": "a", "Variables": []}, "Variables must be an object"),
        (
            {"Name": "a", "Rules": [{"Fn::If": ["C", {"Id": "x", "Odd": 1}, {"Ref": "R"}]}]},
            "property Rules[0].Odd is not modelled",
        ),
    ],
)
def test_unmodelled_part_is_named_by_its_path(value: dict[str, Any], problem: str) -> None:
    problems = list(unmodelled(SCHEMA, value, ""))
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_functions_are_passed_over() -> None:
    value = {"Name": {"Ref": "A"}, "Rules": {"Fn::If": ["C", [], {"Ref": "AWS::NoValue"}]}}
    assert list(unmodelled(SCHEMA, value, "")) == []


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("Name", 7, "7"),
        ("Name", True, "true"),
        ("Size", "128", 128),
        ("Size", 128.0, 128),
        ("Rate", "0.5", 0.5),
        ("On", "true", True),
        ("On", False, False),
        ("Policy", {"Any": ["thing"]}, {"Any": ["thing"]}),
        ("Variables", {"A": 1}, {"A": "1"}),
        ("Size", UNKNOWN, UNKNOWN),
    ],
)
def test_value_is_converted_to_its_kind(name: str, given: Any, expected: Any) -> None:
    assert conform(SCHEMA, {"Name": "a", name: given}, "")[name] == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"Name": "a", "Size": "many"}, "property Size must be an integer, not 'many'"),
        ({"Name": "a", "Size": 1.5}, "property Size must be an integer"),
        ({"Name": "a", "Size": True}, "property Size must be an integer"),
        ({"Name": "a", "On": "yes"}, "property On must be a boolean"),
        ({"Name": None}, "property Name must be a string"),
        ({"Name": "a", "Rules": [{"Id": "x", "Days": "x"}]}, r"property Rules\[0\].Days"),
        ({"Name": "a", "Odd": 1}, "property Odd is not modelled"),
        ({}, "property Name is required"),
    ],
)
def test_value_of_another_kind_is_refused(value: dict[str, Any], reason: str) -> None:
    with pytest.raises(ResourceFailure, match=reason):
        conform(SCHEMA, value, "")


def test_every_handler_names_only_properties_it_models(context: CloudContext) -> None:
    for handler in handlers_for(context).values():
        known = {name.removesuffix("*") for name in handler.schema}
        assert handler.replace_on <= known, handler.type_name
        assert handler.name_property is None or handler.name_property in known
        assert handler.volatile_attributes <= handler.attributes
