"""The environment variables of a function's processes, named as Lambda names them.

What differs from Lambda, so that clients inside find this cloud: AWS_ENDPOINT_URL, and
AWS_ALLOW_HTTP for those clients that refuse plain HTTP otherwise. LAMBDA_TASK_ROOT is the folder
of this machine.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runt
ime
"""

from __future__ import annotations

import sys

from localcloud.functions.code import Code
from localcloud.functions.configuration import FunctionConfiguration
from localcloud.identity.sessions import Session


def environment_variables(
    function: FunctionConfiguration,
    code: Code,
    *,
    credentials: Session,
    region: str,
    endpoint: str,
) -> dict[str, str]:
    """What all environments of a version share; Lambda's reserved names win over others.

    A container has its image's variables, paths among them, by itself.
    """
    contained = code.container is not None
    reserved = _reserved(function, code)
    of_this_machine = ("LAMBDA_TASK_ROOT", "PATH") if contained else ()
    for name in of_this_machine:
        del reserved[name]
    return {
        **({} if contained else code.environment),
        **function.environment,
        **reserved,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": function.environment.get("AWS_DEFAULT_REGION", region),
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }


def _reserved(function: FunctionConfiguration, code: Code) -> dict[str, str]:
    variables = {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "LAMBDA_TASK_ROOT": str(code.task),
        "_HANDLER": code.handler,
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "PATH": f"{code.python.parent}:/usr/local/bin:/usr/bin:/bin",
    }
    if function.log_settings.get("LogFormat") == "JSON":
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        level = function.log_settings.get("ApplicationLogLevel", "INFO")
        variables["AWS_LAMBDA_LOG_LEVEL"] = level
    return variables
