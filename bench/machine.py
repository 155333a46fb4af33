"""The facts of this machine that a figure cannot be read without."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from bench.record import Machine

# What the measured code is made of.
_PACKAGES = (
    "ai-edge-litert",
    "aws-cdk-lib",
    "boto3",
    "moto",
    "numpy",
    "obstore",
    "tensorflow",
)
_CPUINFO = Path("/proc/cpuinfo")


def describe_machine() -> Machine:
    """This machine, now: `load_before` is taken at the call."""
    return Machine(
        cores=os.cpu_count() or 1,
        cpu=_cpu(),
        memory_gb=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions={name: _version(name) for name in _PACKAGES},
        load_before=round(os.getloadavg()[0], 2),
    )


def _cpu() -> str:
    if _CPUINFO.exists():
        for line in _CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
