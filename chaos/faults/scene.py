"""Where a fault happens: the deployed cloud, the job, and what must be undone or checked later.

A fault that lasts starts a thread here; a fault whose effect shows later leaves a question here.
`close` waits for the ones and asks the others, so that nothing of a job's faults outlives it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from chaos.ledger import Ledger, Struck
from chaos.plan import Fault, JobPlan

if TYPE_CHECKING:
    from chaos.client_process import ClientProcess
    from chaos.world import World

_JOIN_S = 90.0


class Scene:
    """The surroundings of one job's faults."""

    def __init__(self, world: World, plan: JobPlan, job_id: str, ledger: Ledger) -> None:
        self.world = world
        self.plan = plan
        self.job_id = job_id
        self.images_key = ""
        self.client: ClientProcess | None = None
        self._ledger = ledger
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._questions: list[Callable[[], None]] = []

    def struck(self, fault: Fault, *, took_effect: bool, detail: str) -> None:
        """Write down one fault."""
        self._ledger.add_struck(
            Struck(
                job=self.plan.number,
                fault=fault.number,
                kind=fault.kind,
                took_effect=took_effect,
                detail=detail,
            )
        )

    def meanwhile(self, work: Callable[[], None]) -> None:
        """Do `work` in a thread of its own."""
        thread = threading.Thread(target=work, name=f"fault of {self.job_id}", daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def afterwards(self, question: Callable[[], None]) -> None:
        """Ask `question` when the job has ended."""
        with self._lock:
            self._questions.append(question)

    def close(self) -> list[str]:
        """Wait for what lasts, then ask what is left to ask; names what did not end."""
        for thread in list(self._threads):
            thread.join(_JOIN_S)
        stuck = [thread.name for thread in self._threads if thread.is_alive()]
        for question in self._questions:
            question()
        self._questions.clear()
        return [f"{name} did not end within {_JOIN_S:g} s" for name in stuck]
