"""IAM in the embedded cloud: whether a caller may do what a request asks.

patterns, conditions, principals, documents and evaluation judge policies and know no service;
attached and resource_policies read them where moto keeps them; requests and the modules beside it
say which actions on which resources a request is; the gate puts these together.
"""

from __future__ import annotations

from localcloud.iam.gate import Gate

__all__ = ["Gate"]
