"""Everything that was done and seen, as JSON lines: what the table and a later look are made from.

It keeps and counts; it decides nothing.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TextIO

from chaos.plan import Kind


@dataclass(frozen=True, kw_only=True)
class Struck:
    """One fault that was done; `took_effect` is what was seen of it, not what was meant."""

    job: int
    fault: int
    kind: Kind
    took_effect: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What became of one job: `outcome` as in `judge.Outcome`, `redriven` as far as it was."""

    job: int
    job_id: str
    outcome: str
    redriven: str | None
    error: str | None
    cause: str | None
    seconds: float
    violations: tuple[str, ...] = field(default=())


class Ledger:
    """Lines of one campaign; use it as a context manager. Safe to use from many threads."""

    def __init__(self, path: Path, *, seed: int) -> None:
        self._path = path
        self._seed = seed
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self.struck: list[Struck] = []
        self.judged: list[Judged] = []

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add_struck(self, struck: Struck) -> None:
        """A fault was done."""
        with self._lock:
            self.struck.append(struck)
            self._write("fault", asdict(struck))

    def add_judged(self, judged: Judged) -> None:
        """A job was judged."""
        with self._lock:
            self.judged.append(judged)
            self._write("job", asdict(judged))

    def add_note(self, what: str, **facts: Any) -> None:
        """Anything else worth keeping: versions, what was skipped and why."""
        with self._lock:
            self._write(what, facts)

    @property
    def took_effect(self) -> int:
        """How many faults were seen to have an effect."""
        with self._lock:
            return sum(struck.took_effect for struck in self.struck)

    def _write(self, what: str, facts: dict[str, Any]) -> None:
        if self._file is None:
            raise RuntimeError("the ledger is not open")
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"what": what, "time": time, "seed": self._seed, **facts}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
