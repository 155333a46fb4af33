"""What AWS charges in us-east-1, each price with the page it is listed on.

On demand, first tier, without the free tier or data transfer. Prices differ by region: figures made
of these are estimates for us-east-1 wherever the job ran.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from prices.price import Price

REGION = "us-east-1"
AS_OF = "2026-11-22"
# AWS's own month in its examples of monthly bills.
HOURS_PER_MONTH = 730

Architecture = Literal["x86_64", "arm64"]

_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_STEP_FUNCTIONS = "https://aws.amazon.com/step-functions/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_API_GATEWAY = "https://aws.amazon.com/api-gateway/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_XRAY = "https://aws.amazon.com/xray/pricing/"
_SNS = "https://aws.amazon.com/sns/pricing/"
_KMS = "https://aws.amazon.com/kms/pricing/"
_BUDGETS = "https://aws.amazon.com/aws-cost-management/aws-budgets/pricing/"
_ECR = "https://aws.amazon.com/ecr/pricing/"
_EBS = "https://aws.amazon.com/ebs/pricing/"
_VPC = "https://aws.amazon.com/vpc/pricing/"

# What is paid for by use.
LAMBDA_COMPUTE: Mapping[Architecture, Price] = MappingProxyType(
    {
        "x86_64": Price(usd=0.0000166667, per=1, unit="GB-s", source=_LAMBDA),
        "arm64": Price(usd=0.0000133334, per=1, unit="GB-s", source=_LAMBDA),
    }
)
LAMBDA_REQUEST = Price(usd=0.20, per=1_000_000, unit="requests", source=_LAMBDA)
# What runs in a provisioned environment, beside what keeps that environment warm.
LAMBDA_PROVISIONED_COMPUTE: Mapping[Architecture, Price] = MappingProxyType(
    {
        "x86_64": Price(usd=0.0000097222, per=1, unit="GB-s", source=_LAMBDA),
        "arm64": Price(usd=0.0000077778, per=1, unit="GB-s", source=_LAMBDA),
    }
)
STANDARD_TRANSITION = Price(usd=25.0, per=1_000_000, unit="transitions", source=_STEP_FUNCTIONS)
S3_WRITE = Price(usd=0.005, per=1_000, unit="PUT", source=_S3)
S3_READ = Price(usd=0.0004, per=1_000, unit="GET, HEAD", source=_S3)
HTTP_API_REQUEST = Price(usd=1.0, per=1_000_000, unit="requests", source=_API_GATEWAY)
LOG_INGESTION = Price(usd=0.50, per=1, unit="GB", source=_CLOUDWATCH)
TRACE = Price(usd=5.0, per=1_000_000, unit="traces", source=_XRAY)
SNS_EMAIL = Price(usd=2.0, per=100_000, unit="e-mails", source=_SNS)

# What is paid for by time, used or not.
LAMBDA_PROVISIONED: Mapping[Architecture, Price] = MappingProxyType(
    {
        "x86_64": Price(usd=0.0000041667, per=1, unit="GB-s", source=_LAMBDA),
        "arm64": Price(usd=0.0000033334, per=1, unit="GB-s", source=_LAMBDA),
    }
)
ALARM = Price(usd=0.10, per=1, unit="alarmed metric-months", source=_CLOUDWATCH)
COMPOSITE_ALARM = Price(usd=0.50, per=1, unit="alarm-months", source=_CLOUDWATCH)
DASHBOARD = Price(usd=3.0, per=1, unit="dashboard-months", source=_CLOUDWATCH)
# Only in the hours in which it gets data: a custom metric of an idle function costs nothing.
CUSTOM_METRIC = Price(usd=0.30, per=1, unit="metric-months", source=_CLOUDWATCH)
# Each of a key's first two rotations adds the same again.
KMS_KEY = Price(usd=1.0, per=1, unit="key-months", source=_KMS)
# One with actions costs; one that only notifies does not.
BUDGET = Price(usd=0.0, per=1, unit="budgets without actions", source=_BUDGETS)
NAT_GATEWAY = Price(usd=0.045, per=1, unit="hours", source=_VPC)
INTERFACE_ENDPOINT = Price(usd=0.01, per=1, unit="hours and zone", source=_VPC)
PUBLIC_IPV4 = Price(usd=0.005, per=1, unit="hours", source=_VPC)

# What is paid for by what is stored.
S3_STORAGE = Price(usd=0.023, per=1, unit="GB-months", source=_S3)
LOG_STORAGE = Price(usd=0.03, per=1, unit="GB-months, compressed", source=_CLOUDWATCH)
ECR_STORAGE = Price(usd=0.10, per=1, unit="GB-months", source=_ECR)
EBS_GP3_STORAGE = Price(usd=0.08, per=1, unit="GB-months", source=_EBS)
