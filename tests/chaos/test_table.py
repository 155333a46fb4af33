from __future__ import annotations

import json

import pytest

from chaos.judge import Outcome
from chaos.ledger import Judged, Ledger, Struck
from chaos.plan import Kind
from chaos.table import rows


def struck(job: int, kind: Kind, *, took_effect: bool = True) -> Struck:
    return Struck(job=job, fault=0, kind=kind, took_effect=took_effect, detail="")


def judged(job: int, outcome: Outcome, redriven: Outcome | None = None, *violations: str) -> Judged:
    return Judged(
        job=job,
        job_id=f"job-{job}",
        outcome=outcome,
        redriven=redriven,
        error=None,
        cause=None,
        seconds=1.0,
        violations=violations,
    )


def test_rows_count_faults_by_kind_and_the_jobs_that_they_hit() -> None:
    faults = [
        struck(0, Kind.KILL),
        struck(0, Kind.KILL, took_effect=False),
        struck(1, Kind.KILL),
        struck(1, Kind.HANG),
        struck(3, Kind.KILL),
    ]
    jobs = [
        judged(0, Outcome.EXACT),
        judged(1, Outcome.FAILED, Outcome.EXACT),
        judged(2, Outcome.WRONG, None, "lost", "doubled"),
        judged(3, Outcome.EXACT),
    ]
    kill, hang, total = rows(faults, jobs)
    assert (kill.name, kill.injected, kill.took_effect, kill.jobs) == (Kind.KILL, 4, 3, 3)
    assert (kill.exact, kill.failed, kill.exact_after_redrive, kill.violations) == (2, 1, 1, 0)
    assert (hang.injected, hang.jobs, hang.exact, hang.failed) == (1, 1, 0, 1)
    assert (total.name, total.injected, total.took_effect, total.jobs) == ("all", 5, 4, 4)
    assert total.violations == 2


def test_ledger_keeps_every_line_with_its_seed(tmp_path) -> None:
    path = tmp_path / "deep" / "raw.jsonl"
    with Ledger(path, seed=7) as ledger:
        ledger.add_note("campaign", jobs=1)
        ledger.add_struck(struck(0, Kind.KILL))
        ledger.add_struck(struck(0, Kind.KILL, took_effect=False))
        ledger.add_judged(judged(0, Outcome.EXACT))
        assert ledger.took_effect == 1
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["what"] for line in lines] == ["campaign", "fault", "fault", "job"]
    assert {line["seed"] for line in lines} == {7}
    assert (lines[1]["kind"], lines[3]["outcome"]) == ("environment killed", "exact")


def test_ledger_that_is_closed_takes_no_line(tmp_path) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        Ledger(tmp_path / "raw.jsonl", seed=1).add_note("late")
