"""The stages, side by side: one row per setting.

It decides the values of dev and prod. The names in the first column are also the names by which a
value is overridden on the command line: `-c classify.memory_mb=3008`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from settings.stage import Architecture, MapChildren, ProvisionedConcurrency, StageSettings

_WARM_SHARDS = ProvisionedConcurrency(minimum=2, maximum=50, target_utilization=0.6)
_WARM_API = ProvisionedConcurrency(minimum=1, maximum=10, target_utilization=0.6)

# fmt: off
_TABLE: tuple[tuple[str, object, object], ...] = (
    ("name",                          "dev",                 "prod"),
    ("region",                        None,                  None),
    ("account",                       None,                  None),
    ("architecture",                  Architecture.X86_64,   Architecture.X86_64),
    ("account_concurrency",           1000,                  1000),

    ("retain_data",                   False,                 True),
    ("termination_protection",        False,                 True),
    ("expire_objects_days",           30,                    None),
    ("log_retention_days",            7,                     180),
    ("access_logs",                   False,                 True),
    ("tracing",                       False,                 True),
    ("alarms",                        False,                 True),
    ("alarm_email",                   None,                  None),
    ("monthly_budget_usd",            None,                  200),

    ("map_children",                  MapChildren.STANDARD,  MapChildren.STANDARD),
    ("map_concurrency",               100,                   600),
    ("reduce_concurrency",            20,                    60),
    ("tolerated_failure_percentage",  0.0,                   0.0),
    ("job_timeout_s",                 3600,                  86_400),

    ("plan.memory_mb",                512,                   512),
    ("plan.timeout_s",                60,                    60),
    ("plan.reserved_concurrency",     10,                    10),
    ("plan.provisioned",              None,                  None),
    ("classify.memory_mb",            1769,                  1769),
    ("classify.timeout_s",            120,                   120),
    ("classify.reserved_concurrency", 100,                   600),
    ("classify.provisioned",          None,                  _WARM_SHARDS),
    ("reduce.memory_mb",              1769,                  3008),
    ("reduce.timeout_s",              300,                   300),
    ("reduce.reserved_concurrency",   20,                    60),
    ("reduce.provisioned",            None,                  None),
    ("predict.memory_mb",             1769,                  1769),
    ("predict.timeout_s",             29,                    29),
    ("predict.reserved_concurrency",  10,                    50),
    ("predict.provisioned",           None,                  _WARM_API),
    ("jobs.memory_mb",                512,                   512),
    ("jobs.timeout_s",                15,                    15),
    ("jobs.reserved_concurrency",     10,                    20),
    ("jobs.provisioned",              None,                  None),

    ("api.rate_per_s",                20,                    100),
    ("api.burst",                     40,                    200),

    ("openwhisk.max_memory_mb",       512,                   512),
    ("openwhisk.max_timeout_s",       300,                   300),

    ("baseline",                      False,                 False),
    ("vms.instance_type",             "c5.2xlarge",          "c5.2xlarge"),
    ("vms.max_vcpus",                 32,                    256),
    ("vms.spot",                      True,                  False),
)
# fmt: on


def nested(flat: Mapping[str, object]) -> dict[str, Any]:
    """Turn dotted names into nested dictionaries: `{"a.b": 1}` into `{"a": {"b": 1}}`."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *groups, leaf = path.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        branch[leaf] = value
    return tree


DEV = StageSettings.model_validate(nested({field: dev for field, dev, _ in _TABLE}))
PROD = StageSettings.model_validate(nested({field: prod for field, _, prod in _TABLE}))

STAGES: Mapping[str, StageSettings] = MappingProxyType({stage.name: stage for stage in (DEV, PROD)})
