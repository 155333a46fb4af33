"""Reads what was deployed: a function's configuration as moto's Lambda back end holds it.

Names, partial and full ARNs and qualifiers are resolved here, aliases included, so that what was
deployed is what runs. Nothing is kept between calls and nothing is changed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import lambda_backends

from localcloud.functions.errors import InvalidParameterValueError, ResourceNotFoundError

LATEST = "$LATEST"

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-FunctionName
_FUNCTION = re.compile(
    r"(?:arn:(?:aws[\w-]*):lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[\w-]{1,64})(?::(?P<qualifier>\$LATEST|[\w-]{1,128}))?"
)


@dataclass(frozen=True)
class FunctionConfiguration:
    """One version of a deployed function.

    Equal configurations may share environments: `source` is moto's own object, and another one
    after the function was deleted and made again. `code_sha256` is the digest of a container
    function's image in hex, or of a zip function's code in base64, as AWS gives them.
    """

    source: Any
    name: str
    version: str
    arn: str
    role: str
    runtime: str | None
    handler: str | None
    workdir: str | None
    entry_point: tuple[str, ...]
    memory_mb: int
    timeout_s: int
    environment: Mapping[str, str]
    code_sha256: str
    zip_bytes: bytes | None
    log_group: str
    log_settings: Mapping[str, str]
    dead_letters: str | None


@dataclass(frozen=True)
class Target:
    """What a call means: a version, and the name it was called by."""

    configuration: FunctionConfiguration
    qualifier: str | None
    invoked_arn: str
    reserved_concurrency: int | None


class DeployedFunctions:
    """The functions of one account and region."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region

    @property
    def _backend(self) -> Any:
        return lambda_backends[self._account][self._region]

    def resolve(self, function: str, qualifier: str | None) -> Target:
        """The version that `function` (name or ARN, maybe qualified) and `qualifier` mean.

        An alias with weighted routing is resolved by chance. Raises ResourceNotFoundError, or
        InvalidParameterValueError for a malformed name or two different qualifiers.
        """
        parts = _FUNCTION.fullmatch(function)
        if parts is None:
            raise InvalidParameterValueError(
                f"FunctionName {function!r}: allowed: a name or an ARN"
            )
        if parts["qualifier"] and qualifier and parts["qualifier"] != qualifier:
            raise InvalidParameterValueError(
                "The derived qualifier from the function name does not match the specified "
                "qualifier."
            )
        name = parts["name"]
        wanted = qualifier or parts["qualifier"]
        base = f"arn:aws:lambda:{self._region}:{self._account}:function:{name}"
        arn = f"{base}:{wanted}" if wanted else base
        elsewhere = (parts["region"] or self._region, parts["account"] or self._account)
        if elsewhere != (self._region, self._account):
            raise ResourceNotFoundError(f"Function not found: {function}")
        try:
            latest = self._backend.get_function(name)
            alias = self._alias(name, wanted)
            version = self._pick_version(alias) if alias else (wanted or LATEST)
            source = self._backend.get_function(name, version)
        except UnknownFunctionException as error:
            raise ResourceNotFoundError(f"Function not found: {arn}") from error
        return Target(
            configuration=_configuration(source, LATEST if source is latest else version, base),
            qualifier=wanted,
            invoked_arn=arn,
            reserved_concurrency=_optional_int(latest.reserved_concurrency),
        )

    def reserved_concurrency(self) -> int:
        """The sum of all reserved concurrency."""
        # A copy, because deploys change the dictionary meanwhile; moto's own list does not copy.
        functions = [group["latest"] for group in list(self._backend._lambdas._functions.values())]
        return sum(int(function.reserved_concurrency or 0) for function in functions if function)

    def has(self, configuration: FunctionConfiguration) -> bool:
        """Whether that very version is still deployed, unchanged."""
        try:
            target = self.resolve(configuration.name, configuration.version)
        except ResourceNotFoundError:
            return False
        return configuration == target.configuration

    def event_invoke_config(self, name: str) -> Mapping[str, Any]:
        """The function's settings for asynchronous invocation, empty if none are set."""
        configs = self._backend.get_function(name).event_invoke_config
        return dict(configs[-1].config) if configs else {}

    def _alias(self, name: str, qualifier: str | None) -> Any | None:
        if qualifier is None:
            return None
        aliases = self._backend.list_aliases(name)
        return next((alias for alias in aliases if alias.name == qualifier), None)

    @staticmethod
    def _pick_version(alias: Any) -> str:
        weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
        draw = random.random()  # noqa: S311  traffic shifting needs no secrecy
        for version, weight in weights.items():
            draw -= float(weight)
            if draw < 0:
                return str(version)
        return str(alias.function_version)


def _configuration(source: Any, version: str, base_arn: str) -> FunctionConfiguration:
    is_image = source.package_type == "Image"
    # moto itself keeps no LoggingConfig; where this cloud adds it, it stands on the function.
    logging: Mapping[str, str] = getattr(source, "logging_config", None) or {}
    image = source.image_config
    return FunctionConfiguration(
        source=source,
        name=source.function_name,
        version=version,
        arn=f"{base_arn}:{version}",
        role=source.role,
        runtime=source.run_time,
        handler=(image.cmd[0] if image.cmd else None) if is_image else source.handler,
        workdir=image.working_directory if is_image else None,
        entry_point=tuple(image.entry_point) if is_image else (),
        memory_mb=int(source.memory_size),
        timeout_s=int(source.timeout),
        environment=dict(source.environment_vars or {}),
        code_sha256=source.code_sha_256,
        zip_bytes=None if is_image else source.code_bytes,
        log_group=logging.get("LogGroup") or f"/aws/lambda/{source.function_name}",
        log_settings=dict(logging),
        # moto itself keeps no DeadLetterConfig either.
        dead_letters=(getattr(source, "dead_letter_config", None) or {}).get("TargetArn"),
    )


def _optional_int(value: Any) -> int | None:
    return None if value is None else int(value)
