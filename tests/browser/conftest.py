"""Chromium, and reports of every kind as files to open in it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from hpc.report.page import render_report
from tests.hpc.made_up import outcome_of, telemetry_of

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Chromium asks its maker for updates and the like, which has no place in a test.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        # A user's machine may have no browser; a machine that judges the project must have one.
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("needs Chromium, on Debian or Ubuntu: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


def many_environments():
    """60 environments with two shards each, the last one retried."""
    outcome = outcome_of(images=240, shards=120)
    telemetry = tuple(
        telemetry_of(shard, environment=f"{shard % 60:016x}", attempt=int(shard == 119))
        for shard in range(120)
    )
    return replace(outcome, results=replace(outcome.results, telemetry=telemetry))


OUTCOMES = {
    "ordinary": lambda: outcome_of(images=300, shards=30),
    "without labels": lambda: outcome_of(images=300, shards=30, labels=False),
    "without images": lambda: outcome_of(images=300, shards=30, dataset=None),
    "many environments": many_environments,
    "one image": lambda: outcome_of(images=1, shards=1),
}


@pytest.fixture(scope="session")
def report_files(tmp_path_factory) -> dict[str, Path]:
    """Each kind of report, by what is special about it."""
    folder = tmp_path_factory.mktemp("reports")
    files = {}
    for name, outcome in OUTCOMES.items():
        files[name] = folder / f"{name.replace(' ', '-')}.html"
        files[name].write_text(render_report(outcome()), encoding="utf-8")
    return files


@dataclass
class Opened:
    """A page with all it said and asked for while it was open."""

    page: Page
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)


@pytest.fixture
def open_report(browser: Browser, report_files):
    """Opens a report at a width and in a colour scheme."""
    contexts = []

    def open_(kind: str = "ordinary", *, width: int = 1280, scheme: str = "light") -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.said.append(message.text))
        opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
        opened.page.on("request", lambda request: opened.requested.append(request.url))
        opened.page.goto(report_files[kind].as_uri())
        return opened

    yield open_
    for context in contexts:
        context.close()
