"""How each kind of fault is done: one function a kind, from outside of what it disturbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chaos.faults import capacity, client, disk, duplicates, memory, network, processes, s3
from chaos.faults.scene import Scene
from chaos.front import Strike
from chaos.plan import Fault, Kind

STRIKES: Mapping[Kind, Callable[[Fault, Scene], Strike]] = {
    Kind.KILL: processes.kill,
    Kind.HANG: processes.hang,
    Kind.STALL: processes.stall,
    Kind.MEMORY: memory.oversized,
    Kind.MEMORY_REFUSED: memory.refused,
    Kind.RESERVED: capacity.reserved,
    Kind.ACCOUNT: capacity.account,
    Kind.S3_ERROR: s3.error,
    Kind.SLOW_READ: s3.slow,
    Kind.CUT_READ: s3.cut,
    Kind.DROPPED: network.dropped,
    Kind.OUTAGE: network.outage,
    Kind.DUPLICATE: duplicates.at_once,
    Kind.CLIENT: client.killed,
    Kind.DISK: disk.full,
}
