"""What Batch says to a request that it does not carry out.

https://docs.aws.amazon.com/batch/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from localcloud.identity.errors import Refused


def client_exception(message: str) -> Refused:
    """The error for all that a caller can get wrong."""
    return Refused("ClientException", message, 400)


def only(given: Mapping[str, Any], where: str, modelled: Collection[str]) -> None:
    """Refuse members that nobody here would carry out; raises Refused naming them."""
    if unknown := sorted(set(given) - set(modelled)):
        raise client_exception(
            f"{where}: {', '.join(unknown)} is not modelled by this embedded cloud; "
            f"modelled: {', '.join(sorted(modelled))}"
        )
