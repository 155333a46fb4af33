"""Lambda functions (zip and image) and their published versions."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    chosen,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import (
    INTEGER,
    TAGS,
    TEXT,
    MapOf,
    Schema,
)
from localcloud.cloudformation.resources.tagging import tag_map, update_tags

_CONFIGURATION = (
    "DeadLetterConfig",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "ImageConfig",
    "KmsKeyArn",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
)
# What each property means when it is taken away: Lambda has no call to unset one.
_DEFAULTS: Mapping[str, Any] = {
    "DeadLetterConfig": {},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "ImageConfig": {},
    "KmsKeyArn": "",
    "LoggingConfig": {"LogFormat": "Text"},
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
}
_IMAGE_URI = re.compile(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/(?P<repository>[^:@]+)"
    r"(?:@(?P<digest>sha256:[0-9a-f]+)|:(?P<tag>[\w.-]+))"
)
_SOURCE_FILE = {"nodejs": "index.js", "python": "index.py"}


class Function(ResourceHandler):
    """AWS::Lambda::Function."""

    type_name = "AWS::Lambda::Function"
    schema: ClassVar[Mapping[str, Schema]] = {
        "Architectures": [TEXT],
        "Code*": {
            "ImageUri": TEXT,
            "S3Bucket": TEXT,
            "S3Key": TEXT,
            "S3ObjectVersion": TEXT,
            "ZipFile": TEXT,
        },
        "DeadLetterConfig": {"TargetArn": TEXT},
        "Description": TEXT,
        "Environment": {"Variables*": MapOf(TEXT)},
        "EphemeralStorage": {"Size*": INTEGER},
        "FunctionName": TEXT,
        "Handler": TEXT,
        "ImageConfig": {"Command": [TEXT], "EntryPoint": [TEXT], "WorkingDirectory": TEXT},
        "KmsKeyArn": TEXT,
        "LoggingConfig": {
            "ApplicationLogLevel": TEXT,
            "LogFormat": TEXT,
            "LogGroup": TEXT,
            "SystemLogLevel": TEXT,
        },
        "MemorySize": INTEGER,
        "PackageType": TEXT,
        "ReservedConcurrentExecutions": INTEGER,
        "Role*": TEXT,
        "Runtime": TEXT,
        "Tags": TAGS,
        "Timeout": INTEGER,
        "TracingConfig": {"Mode": TEXT},
    }
    replace_on = frozenset({"FunctionName", "PackageType"})
    attributes = frozenset({"Arn"})
    name_property = "FunctionName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("lambda")
        properties = task.properties
        name = properties.get("FunctionName") or task.generated_name(max_length=64)
        code = self._code(properties)
        function = client.create_function(
            FunctionName=name,
            Code=code,
            PackageType=_package_type(properties),
            Tags=tag_map(properties.get("Tags")),
            **_configuration(properties, frozenset(_CONFIGURATION)),
            **chosen(properties, "Architectures"),
        )
        task.started(name)
        self._reserve(name, properties)
        return Provisioned(name, {"Arn": function["FunctionArn"]})

    def _reserve(self, name: str, properties: Mapping[str, Any]) -> None:
        client = self.context.client("lambda")
        reserved = properties.get("ReservedConcurrentExecutions")
        if reserved is None:
            client.delete_function_concurrency(FunctionName=name)
        else:
            client.put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=reserved
            )

    def _code(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The code in the API's form; inline source becomes a zip file, as CloudFormation does."""
        code = dict(properties["Code"])
        if "ZipFile" in code:
            code["ZipFile"] = _zip_of(code["ZipFile"], properties)
        if "ImageUri" in code:
            self._check_image(code["ImageUri"])
        return code

    def _check_image(self, uri: str) -> None:
        """Lambda refuses an image that is not in ECR; moto takes any name for one."""
        found = _IMAGE_URI.fullmatch(uri)
        if found is None:
            raise ResourceFailure(f"Source image {uri} is not valid: an image in ECR is needed")
        image = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"]}
        answer = self.context.client("ecr").batch_get_image(
            repositoryName=found["repository"], imageIds=[image]
        )
        if not answer["images"]:
            raise ResourceFailure(
                f"Source image {uri} does not exist. Provide a valid source image."
            )

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("lambda")
        name = task.physical_id
        if task.touches("Code", "Architectures"):
            client.update_function_code(
                FunctionName=name,
                Architectures=task.new.get("Architectures", ["x86_64"]),
                **self._code(task.new),
            )
        configuration = _configuration(task.new, task.changed, defaults=True)
        if configuration:
            client.update_function_configuration(FunctionName=name, **configuration)
        if task.touches("ReservedConcurrentExecutions"):
            self._reserve(name, task.new)
        arn = task.attributes["Arn"]
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(Resource=arn, Tags=tags),
            untag=lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("ResourceNotFoundException"):
            self.context.client("lambda").delete_function(FunctionName=task.physical_id)


def _package_type(properties: Mapping[str, Any]) -> str:
    default = "Image" if "ImageUri" in properties["Code"] else "Zip"
    return str(properties.get("PackageType", default))


def _configuration(
    properties: Mapping[str, Any], names: frozenset[str], *, defaults: bool = False
) -> dict[str, Any]:
    """Configuration properties in the API's names; with `defaults`, unset ones are reset."""
    chosen_names = [name for name in _CONFIGURATION if name in names]
    values = {name: properties[name] for name in chosen_names if name in properties}
    if defaults:
        missing = [name for name in chosen_names if name not in properties]
        values |= {name: _DEFAULTS[name] for name in missing if name in _DEFAULTS}
    if "KmsKeyArn" in values:
        values["KMSKeyArn"] = values.pop("KmsKeyArn")
    return values


def _zip_of(source: str, properties: Mapping[str, Any]) -> bytes:
    runtime = properties.get("Runtime", "")
    for family, file_name in _SOURCE_FILE.items():
        if runtime.startswith(family):
            return _zipped(file_name, source)
    raise ResourceFailure(
        f"ZipFile can only be used when Runtime is nodejs or python, not {runtime!r}"
    )


def _zipped(file_name: str, source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed time stamp: the same source must give the same code hash.
        archive.writestr(zipfile.ZipInfo(file_name, (1980, 1, 1, 0, 0, 0)), source)
    return buffer.getvalue()


class Version(ResourceHandler):
    """AWS::Lambda::Version. A version that would equal an existing one is refused, as on AWS."""

    type_name = "AWS::Lambda::Version"
    schema: ClassVar[Mapping[str, Schema]] = {
        "CodeSha256": TEXT,
        "Description": TEXT,
        "FunctionName*": TEXT,
        "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions*": INTEGER},
    }
    replace_on = frozenset({"CodeSha256", "Description", "FunctionName"})
    attributes = frozenset({"FunctionArn", "Version"})

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("lambda")
        name = task.properties["FunctionName"]
        listed = client.list_versions_by_function(FunctionName=name.rsplit(":", 1)[-1])
        existing = {version["Version"] for version in listed["Versions"]}
        published = client.publish_version(
            FunctionName=name, **chosen(task.properties, "CodeSha256", "Description")
        )
        number = published["Version"]
        if number in existing:
            raise ResourceFailure(
                f"A version for this Lambda function exists ( {number} ). "
                "Modify the function to create a new version."
            )
        arn = published["FunctionArn"]
        task.started(arn)
        provisioned = task.properties.get("ProvisionedConcurrencyConfig")
        if provisioned is not None:
            client.put_provisioned_concurrency_config(
                FunctionName=name, Qualifier=number, **provisioned
            )
        return Provisioned(arn, {"FunctionArn": arn, "Version": number})

    def update(self, task: Update) -> Provisioned:
        client = self.context.client("lambda")
        where = {
            "FunctionName": task.new["FunctionName"],
            "Qualifier": task.attributes["Version"],
        }
        provisioned = task.new.get("ProvisionedConcurrencyConfig")
        if provisioned is not None:
            client.put_provisioned_concurrency_config(**where, **provisioned)
        elif task.touches("ProvisionedConcurrencyConfig"):
            client.delete_provisioned_concurrency_config(**where)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        function_arn, _, number = task.physical_id.rpartition(":")
        with gone_is_fine("ResourceNotFoundException"):
            self.context.client("lambda").delete_function(
                FunctionName=function_arn.rsplit(":", 1)[-1], Qualifier=number
            )


HANDLERS = (Function, Version)
