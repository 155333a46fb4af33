"""Makes moto's Lambda functions keep all of their configuration, and their versions immutable.

Stock moto publishes a shallow copy, so that a version follows its function's later settings; it
numbers versions by how many are left, so that a number comes twice; and it drops settings that an
update changes. A published version must be what was deployed, or an alias runs code with the
wrong environment. The resource policy stays shared: its statements name their qualifier, and a
permission must not be lost when an alias moves to another version.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import ImageConfig, LambdaFunction, LambdaStorage

from localcloud.services.patches import Patch, method

# Shared with the function by every version: services, the policy, an address of its own.
_SHARED = {"logs_backend", "policy", "url_config", "_DockerModel__docker_client"}
# Differ between a function and its version without being a change.
_IDENTITY = {"FunctionArn", "LastModified", "LastUpdateStatus", "Version"}

_stock_init = LambdaFunction.__init__
_stock_get_configuration = LambdaFunction.get_configuration
_stock_update_configuration = LambdaFunction.update_configuration
_stock_update_function_code = LambdaFunction.update_function_code


def lambda_version_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            LambdaStorage,
            "publish_version",
            method(publish_version),
            "a version is a shallow copy, its number may come twice",
        ),
        Patch(
            LambdaFunction,
            "__init__",
            method(_init),
            "CreateFunction drops LoggingConfig and DeadLetterConfig",
        ),
        Patch(
            LambdaFunction,
            "get_configuration",
            method(_get_configuration),
            "GetFunction does not answer LoggingConfig and DeadLetterConfig",
        ),
        Patch(
            LambdaFunction,
            "update_configuration",
            method(_update_configuration),
            "UpdateFunctionConfiguration drops most settings",
        ),
        Patch(
            LambdaFunction,
            "update_function_code",
            method(_update_function_code),
            "UpdateFunctionCode drops Architectures",
        ),
    ]


def publish_version(storage: Any, name_or_arn: str, description: str = "") -> Any:
    """A snapshot of the function, or its newest version if nothing has changed since.

    Numbers go up for as long as the function exists, whatever versions are deleted.
    """
    function = storage.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    group = storage._functions[function.function_name]
    state = _fingerprint(function)
    if group["versions"] and group["versions"][-1].published_state == state:
        return group["versions"][-1]
    number = group.get("last_number", 0) + 1
    version = _snapshot(function)
    version.set_version(number)
    version.published_state = state
    if description:
        version.description = description
    group["last_number"] = number
    group["versions"].append(version)
    storage._arns[version.function_arn] = version
    return version


def _snapshot(function: Any) -> Any:
    version = copy.copy(function)
    for name, value in vars(function).items():
        if name not in _SHARED:
            setattr(version, name, copy.deepcopy(value))
    return version


def _fingerprint(function: Any) -> dict[str, Any]:
    """What makes two states of a function different."""
    configuration = _get_configuration(function)
    kept = {name: value for name, value in configuration.items() if name not in _IDENTITY}
    return copy.deepcopy({**kept, "code": function.code.get("ImageUri")})


def _init(
    function: Any,
    account_id: str,
    spec: dict[str, Any],
    region: str,
    version: str | int = 1,
) -> None:
    _stock_init(function, account_id, spec, region, version)
    function.logging_config = spec.get("LoggingConfig")
    function.dead_letter_config = spec.get("DeadLetterConfig")


def _get_configuration(function: Any, on_create: bool = False) -> dict[str, Any]:
    configuration = _stock_get_configuration(function, on_create)
    default = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"}
    configuration["LoggingConfig"] = {**default, **(function.logging_config or {})}
    if function.dead_letter_config:
        configuration["DeadLetterConfig"] = function.dead_letter_config
    return configuration


def _update_configuration(function: Any, updates: Mapping[str, Any]) -> dict[str, Any]:
    # An empty ARN or target takes the setting away: UpdateFunctionConfiguration in the API's docs.
    if "TracingConfig" in updates:
        function.tracing_config = updates["TracingConfig"]
    if "EphemeralStorage" in updates:
        function.ephemeral_storage = updates["EphemeralStorage"]["Size"]
    if "ImageConfig" in updates:
        function.image_config = ImageConfig(updates["ImageConfig"])
    if "KMSKeyArn" in updates:
        function.kms_key_arn = updates["KMSKeyArn"] or None
    if "LoggingConfig" in updates:
        function.logging_config = updates["LoggingConfig"]
    if "DeadLetterConfig" in updates:
        function.dead_letter_config = updates["DeadLetterConfig"] or None
    _stock_update_configuration(function, dict(updates))
    return _get_configuration(function)


def _update_function_code(function: Any, updated_spec: dict[str, Any]) -> dict[str, Any]:
    if "Architectures" in updated_spec and not updated_spec.get("DryRun"):
        function.architectures = updated_spec["Architectures"]
    _stock_update_function_code(function, updated_spec)
    return _get_configuration(function)
