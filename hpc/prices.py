"""What AWS charges, in US dollars in us-east-1, each price with the page it is listed on.

On demand, first tier, without the free tier, data transfer or storage. Prices differ by region:
figures made of these are estimates for us-east-1 wherever the job ran.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

REGION = "us-east-1"
AS_OF = "2026-11-22"

Architecture = Literal["x86_64", "arm64"]


@dataclass(frozen=True, kw_only=True)
class Price:
    """`usd` for `per` units called `unit`."""

    usd: float
    per: int
    unit: str
    source: str

    def of(self, quantity: float) -> float:
        """US dollars for that many units."""
        return quantity * self.usd / self.per


_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_STEP_FUNCTIONS = "https://aws.amazon.com/step-functions/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_API_GATEWAY = "https://aws.amazon.com/api-gateway/pricing/"

LAMBDA_COMPUTE: dict[Architecture, Price] = {
    "x86_64": Price(usd=0.0000166667, per=1, unit="GB-s", source=_LAMBDA),
    "arm64": Price(usd=0.0000133334, per=1, unit="GB-s", source=_LAMBDA),
}
# An environment that is kept initialised costs by the second; its invocations then cost less.
LAMBDA_PROVISIONED: dict[Architecture, Price] = {
    "x86_64": Price(usd=0.0000041667, per=1, unit="GB-s", source=_LAMBDA),
    "arm64": Price(usd=0.0000033334, per=1, unit="GB-s", source=_LAMBDA),
}
LAMBDA_PROVISIONED_COMPUTE: dict[Architecture, Price] = {
    "x86_64": Price(usd=0.0000097222, per=1, unit="GB-s", source=_LAMBDA),
    "arm64": Price(usd=0.0000077778, per=1, unit="GB-s", source=_LAMBDA),
}
LAMBDA_REQUEST = Price(usd=0.20, per=1_000_000, unit="requests", source=_LAMBDA)
STANDARD_TRANSITION = Price(usd=25.0, per=1_000_000, unit="transitions", source=_STEP_FUNCTIONS)
S3_WRITE = Price(usd=0.005, per=1_000, unit="PUT", source=_S3)
S3_READ = Price(usd=0.0004, per=1_000, unit="GET, HEAD", source=_S3)
HTTP_API_REQUEST = Price(usd=1.0, per=1_000_000, unit="requests", source=_API_GATEWAY)
