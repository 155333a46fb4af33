"""The page's text: figures that are the job's, values escaped, nothing asked of the network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from hpc.dataset import Dataset
from hpc.observed import Throttles
from hpc.outputs import Deployment
from hpc.report.page import render_report
from tests.hpc.made_up import outcome_of

FETCHING = {"src", "srcset", "data", "poster", "action", "formaction", "background"}


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        # A text node of its own for every element, as a reader sees them.
        self.text += f" {data}"


def words(html: str) -> str:
    return " ".join(Page(html).text.replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(outcome_of())


def test_page_leads_with_the_figures_of_the_job(html) -> None:
    text = words(html)
    for expected in (
        "20 images classified in 4.00 s",
        "4 shards over 2 execution environments",
        "embedded cloud on this machine: times are this machine’s",
        "31 January 2026, 14:05 UTC",
        "80.00 % 95 % interval 58.4 % to 91.9 %",
        "✓ every image exactly once 20 predicted 0 missing 0 duplicated",
        "16 of 20 images got their true class",
        "2 of 4 invocations were cold starts",
    ):
        assert expected in text


def test_page_asks_nothing_of_the_network(html) -> None:
    for tag, attributes in Page(html).tags:
        assert tag not in {"script", "iframe", "object", "embed", "base"}
        for name in FETCHING & attributes.keys():
            assert attributes[name].startswith("data:"), (tag, name)
        if tag == "link":
            assert attributes["href"] == "data:,"
    assert not re.search(r"@import|url\((?!#)", html)


def test_page_forbids_itself_to_fetch(html) -> None:
    policies = [
        attributes["content"]
        for tag, attributes in Page(html).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_every_picture_has_words(html) -> None:
    alts = [attributes["alt"] for tag, attributes in Page(html).tags if tag == "img"]
    assert len(alts) == 4 + 8  # misses; hits, of which classes 0 and 5 have none
    assert all(re.fullmatch(r"Image \d+: predicted .+ at .+%, truly .+", alt) for alt in alts)


def test_every_header_cell_says_what_it_heads(html) -> None:
    headers = [attributes for tag, attributes in Page(html).tags if tag == "th"]
    assert headers
    assert all(attributes.get("scope") in {"row", "col"} for attributes in headers)


def test_headings_go_down_one_level_at_a_time(html) -> None:
    levels = [int(tag[1]) for tag, _ in Page(html).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_values_from_outside_are_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    outcome = outcome_of()
    dataset = Dataset(
        images_path=Path(hostile),
        labels_path=None,
        images=outcome.dataset.images,
        labels=outcome.dataset.labels,
    )
    html = render_report(
        outcome_of(dataset=dataset, throttles=Throttles(count=None, reason=hostile))
    )
    assert hostile not in html
    assert hostile in Page(html).text


def test_page_without_labels_claims_no_accuracy() -> None:
    text = words(render_report(outcome_of(labels=False)))
    assert "unknown no true labels were given" in text
    assert "Least certain" in text
    assert "truly" not in text


def test_page_without_images_says_how_to_get_pictures() -> None:
    text = words(render_report(outcome_of(dataset=None)))
    assert "hpc fetch job-1 --images FILE" in text


def test_page_of_a_job_on_aws_names_the_region_and_no_machine() -> None:
    deployment = Deployment(
        stage="prod",
        region="eu-west-1",
        input_bucket="inputs",
        results_bucket="results",
        classify_function="classify",
        state_machine_arn="arn",
        api_url="https://a1b2c3.execute-api.eu-west-1.amazonaws.com",
    )
    text = words(render_report(outcome_of(deployment=deployment)))
    assert "stage prod, AWS eu-west-1" in text
    assert "this machine" not in text


def test_unknown_throttles_are_not_shown_as_none() -> None:
    text = words(render_report(outcome_of(throttles=Throttles(count=None, reason="no metrics"))))
    assert "Throttles not known" in text
    assert "no metrics" in text


def test_page_of_one_image_is_made_too() -> None:
    assert "1 images classified" not in words(render_report(outcome_of(images=1, shards=1)))
    assert "1 image classified" in words(render_report(outcome_of(images=1, shards=1)))
