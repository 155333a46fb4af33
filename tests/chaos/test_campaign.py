"""A small campaign for real, and the exit status that tells a bad one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chaos.__main__ import main
from chaos.campaign import Campaign
from chaos.judge import Outcome
from chaos.ledger import Judged
from chaos.plan import EVERY_KIND_JOBS, Kind

ROOT = Path(__file__).parents[2]


def test_small_campaign_of_every_kind_violates_nothing(tmp_path: Path) -> None:
    options = ["--jobs", str(EVERY_KIND_JOBS), "--seed", "1", "--out", str(tmp_path)]
    # In a process of its own: what it calls orphans are its descendants, no others.
    command = [sys.executable, "-m", "chaos", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{EVERY_KIND_JOBS} of {EVERY_KIND_JOBS} jobs" in ended.stdout
    lines = [json.loads(line) for line in (tmp_path / "campaign-1.jsonl").read_text().splitlines()]
    skipped = {line["kind"] for line in lines if line["what"] == "skipped"}
    struck = {line["kind"] for line in lines if line["what"] == "fault" and line["took_effect"]}
    assert set(Kind) - struck - skipped == set()
    jobs = [line for line in lines if line["what"] == "job"]
    assert len(jobs) == EVERY_KIND_JOBS
    assert all(Outcome.EXACT in (job["outcome"], job["redriven"]) for job in jobs)
    assert any(job["redriven"] for job in jobs)


@pytest.mark.parametrize("of_the_job", [True, False])
def test_any_violation_ends_the_campaign_with_1(tmp_path, monkeypatch, of_the_job) -> None:
    def run(campaign: Campaign) -> None:
        violations = ("shard 3 doubled",) if of_the_job else ()
        if not of_the_job:
            campaign.violations.append("orphan process 1")
        campaign.ledger.add_judged(
            Judged(
                job=0,
                job_id="job",
                outcome=Outcome.WRONG,
                redriven=None,
                error=None,
                cause=None,
                seconds=0.0,
                violations=violations,
            )
        )

    monkeypatch.setattr(Campaign, "run", run)
    ended = CliRunner().invoke(main, ["--job", "0", "--out", str(tmp_path)])
    assert ended.exit_code == 1
    assert "1 violations" in ended.output


def test_campaign_without_violations_ends_with_0(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Campaign, "run", lambda campaign: None)
    ended = CliRunner().invoke(main, ["--job", "0", "--out", str(tmp_path)])
    assert ended.exit_code == 0
    assert "nothing violated" in ended.output
