"""Which operation of a service a request is, and with which parameters, by botocore's models.

It reads the query protocol, the JSON protocols, REST with JSON, and the path of RPC with CBOR, each
only where the service speaks it. What could be read in two ways is not modelled, since the service
might read it in the other one. What an operation means for IAM is in services.py; S3 has a module
of its own.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import botocore.session

from localcloud.iam.body import body_of
from localcloud.iam.call import NotModelledError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")
_LABEL = re.compile(r"\{(\w+)(\+?)\}")
_MEMBER = re.compile(r"(\w+)\.member\.\d+")


@dataclass(frozen=True)
class Operation:
    """`members` are the names of all parameters it may have, `parameters` those it has here."""

    name: str
    members: frozenset[str]
    parameters: dict[str, Any]


def operation_of(environ: WSGIEnvironment, model_name: str) -> Operation:
    """The operation of one request. Raises NotModelledError if the model has none like it."""
    metadata = _model(model_name).metadata
    if metadata["protocol"].startswith("rest"):
        return _rest_operation(environ, model_name)
    protocols = metadata.get("protocols", [metadata["protocol"]])
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target and "json" in protocols:
        _only(environ, "application/x-amz-json", query=False)
        return _operation(model_name, target.rpartition(".")[2], _json(environ))
    cbor = _CBOR_PATH.fullmatch(environ["PATH_INFO"])
    if cbor is not None and "smithy-rpc-v2-cbor" in protocols:
        _only(environ, "application/cbor", query=False)
        # Its parameters name no resource that a policy could be about.
        return _operation(model_name, cbor[1], {})
    if "query" not in protocols and "ec2" not in protocols:
        raise NotModelledError(f"{model_name} without X-Amz-Target")
    form = _form(environ)
    return _operation(model_name, str(form.pop("Action", "")), form)


def _only(environ: WSGIEnvironment, content_type: str, *, query: bool) -> None:
    if environ.get("QUERY_STRING") and not query:
        raise NotModelledError("a request with parameters in its query string and in its body")
    if not environ.get("CONTENT_TYPE", "").startswith(content_type) and body_of(environ):
        raise NotModelledError(f"a body that is not {content_type}")


def _operation(model_name: str, name: str, parameters: dict[str, Any]) -> Operation:
    return Operation(name, _members(model_name, name), parameters)


@functools.lru_cache
def _model(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


@functools.lru_cache
def _members(model_name: str, operation: str) -> frozenset[str]:
    model = _model(model_name)
    if operation not in model.operation_names:
        raise NotModelledError(f"{model_name} {operation}")
    shape = model.operation_model(operation).input_shape
    return frozenset(shape.members) if shape else frozenset()


def _form(environ: WSGIEnvironment) -> dict[str, Any]:
    text = environ.get("QUERY_STRING", "")
    if body := body_of(environ):
        _only(environ, "application/x-www-form-urlencoded", query=False)
        text = body.decode()
    parameters: dict[str, Any] = {}
    for name, values in parse_qs(text, keep_blank_values=True).items():
        member = _MEMBER.fullmatch(name)
        if member is None:
            parameters[name] = values[0]
        else:
            parameters.setdefault(member[1], []).append(values[0])
    return parameters


def _json(environ: WSGIEnvironment) -> dict[str, Any]:
    try:
        content = json.loads(body_of(environ) or b"{}")
    except ValueError:
        # The service says what is wrong with it.
        return {}
    return content if isinstance(content, dict) else {}


@dataclass(frozen=True)
class _Route:
    method: str
    path: re.Pattern[str]
    operation: str
    in_body: bool
    query: tuple[tuple[str, str], ...]


def _rest_operation(environ: WSGIEnvironment, model_name: str) -> Operation:
    path = environ["PATH_INFO"]
    for route in _routes(model_name):
        found = route.path.fullmatch(path) if route.method == environ["REQUEST_METHOD"] else None
        if found is None:
            continue
        parameters: dict[str, Any] = {
            name: unquote(value) for name, value in found.groupdict().items()
        }
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if unknown := set(query) - {key for _, key in route.query}:
            raise NotModelledError(f"{route.operation} with query {', '.join(sorted(unknown))}")
        parameters |= {name: query[key][0] for name, key in route.query if key in query}
        if route.in_body:
            _only(environ, "application/json", query=True)
            parameters = {**_json(environ), **parameters}
        return _operation(model_name, route.operation, parameters)
    raise NotModelledError(f"{model_name} {environ['REQUEST_METHOD']} {path}")


@functools.lru_cache
def _routes(model_name: str) -> tuple[_Route, ...]:
    """The model's paths, those with the fewest labels first: they are the more particular."""
    routes = sorted(_read_routes(model_name), key=lambda route: route.path.groups)
    return tuple(routes)


def _read_routes(model_name: str) -> Iterator[_Route]:
    model = _model(model_name)
    for name in model.operation_names:
        operation = model.operation_model(name)
        path = operation.http["requestUri"].partition("?")[0].rstrip("/")
        expression, position = "", 0
        members = operation.input_shape.members if operation.input_shape else {}
        labels = {
            shape.serialization.get("name", member): member
            for member, shape in members.items()
            if shape.serialization.get("location") == "uri"
        }
        for label in _LABEL.finditer(path):
            expression += re.escape(path[position : label.start()])
            member = labels.get(label[1]) or label[1]
            # ARNs have slashes, which the server has decoded by now.
            whole = label[2] or str(member).lower().endswith("arn")
            expression += f"(?P<{member}>{'.+' if whole else '[^/]+'})"
            position = label.end()
        yield _Route(
            method=operation.http["method"],
            path=re.compile(f"{expression}{re.escape(path[position:])}/?"),
            operation=name,
            # An invocation's payload is the function's business.
            in_body=bool(operation.input_shape) and "payload" not in _serialization(operation),
            query=tuple(
                (member, shape.serialization.get("name", member))
                for member, shape in members.items()
                if shape.serialization.get("location") == "querystring"
            ),
        )


def _serialization(operation: Any) -> dict[str, Any]:
    serialization: dict[str, Any] = operation.input_shape.serialization
    return serialization
