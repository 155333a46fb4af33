"""The figures of the report as values: where bars lie, what is shaded, which pictures are shown."""

from __future__ import annotations

import base64
import io
import re
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hpc.evaluate import evaluate
from hpc.report.axis import axis_ticks
from hpc.report.confusion import shade_confusion
from hpc.report.gallery import MOST_MISSES, choose_pictures
from hpc.report.throughput import trace_throughput
from hpc.report.timeline import MOST_ROWS, lay_out_timeline
from tests.hpc.made_up import STARTED_AT, telemetry_of

STOPPED_AT = STARTED_AT + timedelta(seconds=3)


@given(st.floats(min_value=1e-3, max_value=1e6))
def test_axis_has_a_few_round_ticks_within_its_span(span) -> None:
    ticks = axis_ticks(span)
    assert 3 <= len(ticks) <= 7
    assert ticks[0].percent == 0
    assert ticks[-1].percent <= 100 + 1e-6
    step = float(ticks[1].label.replace(",", ""))
    assert f"{step:e}"[0] in "125"
    for tick in ticks:
        assert float(tick.label.replace(",", "")) == pytest.approx(tick.percent * span / 100)


@pytest.mark.parametrize("span", [0.0, -1.0, float("nan")])
def test_axis_without_a_span_is_refused(span) -> None:
    with pytest.raises(ValueError, match="span above 0"):
        axis_ticks(span)


def test_bars_lie_where_the_shards_ran() -> None:
    telemetry = [telemetry_of(shard) for shard in range(4)]
    timeline = lay_out_timeline(telemetry, started_at=STARTED_AT, stopped_at=STOPPED_AT)
    assert [row.name for row in timeline.rows] == ["1", "2"]
    cold, warm = timeline.rows[0].bars
    # Starts after 1 s and 1.25 s of 3 s, lasts 0.2 s; 0.4 s of init end where the first one starts.
    assert (cold.start, cold.width) == pytest.approx((100 / 3, 20 / 3))
    assert cold.init == pytest.approx((20, 40 / 3))
    assert cold.init_label == "init 400 ms"
    assert warm.start == pytest.approx(125 / 3)
    assert (warm.init, warm.init_label) == (None, None)


def test_bar_says_in_words_what_it_shows() -> None:
    telemetry = [telemetry_of(0), telemetry_of(2, attempt=2)]
    timeline = lay_out_timeline(telemetry, started_at=STARTED_AT, stopped_at=STOPPED_AT)
    first, second = timeline.rows[0].bars
    assert first.title == "shard 0, 1.00 to 1.20 s, 200 ms, cold, init 400 ms"
    assert second.title == "shard 2, 1.25 to 1.45 s, 200 ms, warm, retry 2"
    assert (first.retried, second.retried) == (False, True)


def test_phases_fill_the_job_from_start_to_stop() -> None:
    telemetry = [telemetry_of(shard) for shard in range(4)]
    timeline = lay_out_timeline(telemetry, started_at=STARTED_AT, stopped_at=STOPPED_AT)
    assert [phase.seconds for phase in timeline.phases] == pytest.approx([0.6, 0.85, 1.55])
    assert sum(phase.width for phase in timeline.phases) == pytest.approx(100)


def test_axis_begins_with_an_environment_that_began_before_the_job() -> None:
    early = telemetry_of(0, started_at=STARTED_AT.timestamp() + 0.1)
    timeline = lay_out_timeline([early], started_at=STARTED_AT, stopped_at=STOPPED_AT)
    assert timeline.span_s == pytest.approx(3.3)
    assert timeline.rows[0].bars[0].init[0] == pytest.approx(0, abs=1e-4)


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.floats(0, 100), st.floats(0.001, 50), st.booleans()),
        min_size=1,
        max_size=120,
    )
)
def test_nothing_is_drawn_outside_the_figure(runs) -> None:
    telemetry = [
        telemetry_of(
            shard,
            environment=f"{environment:016x}",
            started_at=STARTED_AT.timestamp() + start,
            ended_at=STARTED_AT.timestamp() + start + length,
            cold=cold,
            init_ms=500.0 if cold else None,
        )
        for shard, (environment, start, length, cold) in enumerate(runs)
    ]
    timeline = lay_out_timeline(telemetry, started_at=STARTED_AT, stopped_at=STOPPED_AT)
    environments = len({environment for environment, *_ in runs})
    assert len(timeline.rows) + timeline.hidden_rows == environments
    assert len(timeline.rows) <= MOST_ROWS
    for row in timeline.rows:
        assert 0 <= row.top < timeline.height_px
        for bar in row.bars:
            left = bar.start if bar.init is None else bar.init[0]
            assert -1e-6 <= left <= bar.start + bar.width <= 100 + 1e-6


def test_throughput_steps_up_at_every_shards_end() -> None:
    telemetry = [telemetry_of(shard) for shard in range(4)]
    timeline = lay_out_timeline(telemetry, started_at=STARTED_AT, stopped_at=STOPPED_AT)
    found = trace_throughput(telemetry, images=200, timeline=timeline)
    assert found.line == "M0,100H400.00V75.00H400.00V50.00H483.33V25.00H483.33V0.00H1000"
    assert found.classify_images_per_s == pytest.approx(200 / 0.85)
    assert found.half_done_s == pytest.approx(1.2)


def test_confusion_is_shaded_by_the_share_of_the_row() -> None:
    matrix = np.zeros((10, 10), dtype=np.int64)
    matrix[0, 0], matrix[0, 6] = 96, 4
    first, second, *_ = shade_confusion(evaluate(matrix))
    assert (first.name, first.cells[0].is_diagonal, first.cells[6].is_diagonal) == (
        "T-shirt/top",
        True,
        False,
    )
    assert [cell.shade for cell in first.cells] == [98, 0, 0, 0, 0, 0, 20, 0, 0, 0]
    assert first.cells[6].title == "4 T-shirt/top predicted as Shirt (4.0%)"
    assert all(cell.shade == 0 for cell in second.cells)


@pytest.fixture
def columns_of_100():
    """100 images, each all of its own index as grey value; three misses."""
    images = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((28, 28), dtype=np.uint8)
    label = (np.arange(100) % 10).astype(np.uint8)
    confidence = (0.5 + np.arange(100) / 250).astype(np.float32)
    true = label.copy()
    true[[10, 50, 30]] = 9
    return images, np.arange(100, dtype=np.uint64), label, confidence, true


def test_misses_come_surest_first(columns_of_100) -> None:
    misses, _ = choose_pictures(*columns_of_100)
    assert [picture.index for picture in misses.pictures] == [50, 30, 10]
    assert (misses.total, misses.mark) == (3, "miss")
    assert misses.pictures[0].alt == ("Image 50: predicted T-shirt/top at 70.0%, truly Ankle boot")


def test_hits_are_the_surest_of_each_class(columns_of_100) -> None:
    _, hits = choose_pictures(*columns_of_100)
    assert [picture.index for picture in hits.pictures] == list(range(90, 100))
    assert (hits.total, hits.mark) == (97, "hit")


def test_many_misses_are_cut_and_counted(columns_of_100) -> None:
    images, index, label, confidence, true = columns_of_100
    true[:40] = (label[:40] + 1) % 10
    misses, hits = choose_pictures(images, index, label, confidence, true)
    assert (len(misses.pictures), misses.total) == (MOST_MISSES, 41)
    assert hits.total == 59


def test_without_labels_the_least_certain_are_shown(columns_of_100) -> None:
    images, index, label, confidence, _ = columns_of_100
    least, most = choose_pictures(images, index, label, confidence, None)
    assert [picture.index for picture in least.pictures] == list(range(MOST_MISSES))
    assert [picture.index for picture in most.pictures] == list(range(90, 100))
    assert all(picture.true_name is None for picture in least.pictures)


def test_pictures_are_those_of_their_index_where_some_are_missing(columns_of_100) -> None:
    images, index, label, confidence, true = columns_of_100
    kept = np.r_[0:20, 40:100]
    misses, hits = choose_pictures(images, index[kept], label[kept], confidence[kept], true)
    assert [picture.index for picture in misses.pictures] == [50, 10]
    pixels = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(misses.pictures[0].data_uri.partition(",")[2])))
    )
    np.testing.assert_array_equal(pixels, np.full((28, 28), 50))
    assert hits.total == 78


def test_pictures_keep_every_pixel(columns_of_100) -> None:
    misses, _ = choose_pictures(*columns_of_100)
    kind, _, data = misses.pictures[0].data_uri.partition(",")
    assert re.fullmatch(r"data:image/png;base64", kind)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    np.testing.assert_array_equal(pixels, np.full((28, 28), 50))
