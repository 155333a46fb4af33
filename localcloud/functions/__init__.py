"""Lambda's data plane in processes: `FunctionService` runs what was deployed to this cloud."""

from localcloud.functions.errors import ServiceError
from localcloud.functions.invocation import InvokeResult
from localcloud.functions.limits import ServiceLimits
from localcloud.functions.service import FunctionService
from localcloud.functions.wsgi import INVOKE_PATH

__all__ = [
    "INVOKE_PATH",
    "FunctionService",
    "InvokeResult",
    "ServiceError",
    "ServiceLimits",
]
