"""Which virtual machines the baseline can run on, and whether a stage asks for one of them.

It decides by families, because the machines are compared with functions: whole vCPUs that are there
all the time, so no burstable family, and 2 GB or more to each, so that a container has what a
function with one vCPU has. It refuses what is not listed: the price and the processor of an unknown
type would have to be guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from settings.errors import Violation
from settings.limits import EXECUTION_S, Range
from settings.stage import Architecture, StageSettings

_TYPES = "https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html"
_TIMEOUT = "https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html"

# Batch takes no less; the most is what the state machine's executions may take.
BATCH_TIMEOUT_S = Range(low=60, high=EXECUTION_S.high, unit="s with a baseline", source=_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family of machines: its processor, and which multiples of an xlarge it comes in."""

    architecture: Architecture
    multiples: tuple[int, ...]

    @property
    def sizes(self) -> Mapping[str, int]:
        """Size -> vCPUs: two in a large, four in an xlarge, N times that in an Nxlarge."""
        return {"large": 2, "xlarge": 4} | {f"{many}xlarge": 4 * many for many in self.multiples}


_INTEL_5 = Family(architecture=Architecture.X86_64, multiples=(2, 4, 9, 12, 18, 24))
_INTEL_5M = Family(architecture=Architecture.X86_64, multiples=(2, 4, 8, 12, 16, 24))
_INTEL_6 = Family(architecture=Architecture.X86_64, multiples=(2, 4, 8, 12, 16, 24, 32))
_INTEL_7 = Family(architecture=Architecture.X86_64, multiples=(2, 4, 8, 12, 16, 24, 48))
_GRAVITON = Family(architecture=Architecture.ARM64, multiples=(2, 4, 8, 12, 16))

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "c5": _INTEL_5,
        "m5": _INTEL_5M,
        "c6i": _INTEL_6,
        "m6i": _INTEL_6,
        "c7i": _INTEL_7,
        "m7i": _INTEL_7,
        "c6g": _GRAVITON,
        "m6g": _GRAVITON,
        "c7g": _GRAVITON,
        "m7g": _GRAVITON,
    }
)


def machine_limits(stage: StageSettings) -> Iterator[Violation]:
    """Every way in which `stage` asks for machines that cannot do its work.

    Without a baseline the machines are not checked against the rest of the stage: there are none.
    """
    family, _, size = stage.vms.instance_type.partition(".")
    known = FAMILIES.get(family)
    if known is None:
        allowed = f"a machine of {', '.join(FAMILIES)}, such as c5.2xlarge ({_TYPES})"
        yield Violation("vms.instance_type", stage.vms.instance_type, allowed)
        return
    if size not in known.sizes:
        allowed = f"{family} in one of {', '.join(known.sizes)} ({_TYPES})"
        yield Violation("vms.instance_type", stage.vms.instance_type, allowed)
        return
    if stage.vms.max_vcpus < known.sizes[size]:
        allowed = f"at least {known.sizes[size]}, the vCPUs of one {stage.vms.instance_type}"
        yield Violation("vms.max_vcpus", stage.vms.max_vcpus, allowed)
    if not stage.baseline:
        return
    if known.architecture is not stage.architecture:
        fitting = [name for name, one in FAMILIES.items() if one.architecture is stage.architecture]
        allowed = f"a machine of {', '.join(fitting)}: the image is built for {stage.architecture}"
        yield Violation("vms.instance_type", stage.vms.instance_type, allowed)
    yield from BATCH_TIMEOUT_S.check("job_timeout_s", stage.job_timeout_s)
