"""The report as a reader sees it, in a real browser."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OUTCOMES

SECTIONS = ("answers", "gallery", "timeline", "cost", "provenance")
WIDTHS = (1280, 768, 390, 320)

# The worst contrast (WCAG 2.2, 1.4.3) among all texts on opaque ground, and where it is. A canvas
# turns every colour that CSS can write into bytes.
WORST_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const bytes = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let worst = [99, ''];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const decoration = element.closest('[aria-hidden=true], .zero, .visually-hidden, svg');
    if (!own || decoration || !element.checkVisibility()) continue;
    let ground = element;
    while (ground && bytes(getComputedStyle(ground).backgroundColor)[3] < 255) {
      ground = ground.parentElement;
    }
    const pair = [bytes(getComputedStyle(element).color),
      bytes(getComputedStyle(ground).backgroundColor)].map(light).sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < worst[0]) worst = [contrast, element.textContent.trim().slice(0, 60)];
  }
  return worst;
}"""

# Elements that stick out of the page to the right and are in no box that scrolls.
STICKING_OUT = """() => [...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.scroll, .visually-hidden') && e.checkVisibility()
    && e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map(e => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("kind", OUTCOMES)
def test_report_is_silent_and_asks_for_nothing(open_report, report_files, kind) -> None:
    opened = open_report(kind)
    assert opened.said == []
    fetched = [url for url in opened.requested if not url.startswith("data:")]
    assert fetched == [report_files[kind].as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_section_is_seen(open_report, scheme) -> None:
    page = open_report(scheme=scheme).page
    for section in SECTIONS:
        assert page.locator(f"#{section} h2").is_visible()
    for figure in ("table.confusion", "ul.gallery", "#timeline figure svg", "table.bill"):
        assert page.locator(figure).first.is_visible()


@pytest.mark.parametrize("kind", OUTCOMES)
def test_nothing_sticks_out_sideways(open_report, kind) -> None:
    page = open_report(kind).page
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(STICKING_OUT) == [], f"at {width} pixels"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["ordinary", "many environments"])
def test_every_text_stands_out_from_its_ground(open_report, kind, scheme) -> None:
    contrast, text = open_report(kind, scheme=scheme).page.evaluate(WORST_CONTRAST)
    assert contrast >= 4.5, text


def test_light_and_dark_differ(open_report) -> None:
    grounds = {
        open_report(scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert len(grounds) == 2


def test_pictures_are_whole_enlarged_and_crisp(open_report) -> None:
    images = open_report().page.evaluate(
        """() => [...document.images].map(i => ({
          natural: i.naturalWidth, width: i.getBoundingClientRect().width,
          height: i.getBoundingClientRect().height, rendering: getComputedStyle(i).imageRendering
        }))"""
    )
    assert len(images) > 24
    for image in images:
        assert image["natural"] == 28
        assert image["rendering"] == "pixelated"
        assert image["width"] >= 2 * 28
        assert image["width"] == pytest.approx(image["height"], abs=1)


@pytest.mark.parametrize("kind", ["ordinary", "many environments", "one image"])
@pytest.mark.parametrize("width", [1280, 390])
def test_timeline_stays_in_its_frame_and_readable(open_report, kind, width) -> None:
    page = open_report(kind, width=width).page
    marks = page.evaluate(
        """() => [...document.querySelectorAll('.chart rect, .chart text')].map(mark => {
          const svg = mark.ownerSVGElement.getBoundingClientRect();
          const box = mark.getBoundingClientRect();
          return {inside: box.left >= svg.left - 1 && box.right <= svg.right + 1
            && box.bottom <= svg.bottom + 1, kind: mark.tagName, height: box.height,
            what: mark.outerHTML.slice(0, 80)};
        })"""
    )
    assert marks
    for mark in marks:
        assert mark["inside"], mark["what"]
        if mark["kind"] == "text":
            assert mark["height"] >= 10, mark["what"]


def test_cold_starts_and_retries_are_told_by_shape_not_colour_alone(open_report) -> None:
    page = open_report("many environments").page
    hatched = page.evaluate(
        "[...document.querySelectorAll('.chart .init')].map(e => getComputedStyle(e).fill)"
    )
    assert all("url(" in fill for fill in hatched)
    dashes = page.evaluate(
        """[...document.querySelectorAll('#timeline .bar.retried')]
          .map(e => getComputedStyle(e).strokeDasharray)"""
    )
    assert dashes
    assert all(dash != "none" for dash in dashes)


def test_table_of_shards_opens_by_keyboard(open_report) -> None:
    page = open_report().page
    cell = page.locator("#timeline details th[scope=row]").first
    assert not cell.is_visible()
    page.locator("#timeline summary").focus()
    page.keyboard.press("Enter")
    assert cell.is_visible()
    assert page.locator("#timeline details tbody tr").count() == 30


def test_print_is_dark_on_white_whatever_the_screen(open_report) -> None:
    page = open_report(scheme="dark").page
    page.emulate_media(media="print")
    ground, ink = page.evaluate(
        """[getComputedStyle(document.body).backgroundColor,
          getComputedStyle(document.body).color]"""
    )
    assert (ground, ink) == ("rgb(255, 255, 255)", "rgb(17, 17, 17)")
    assert not page.locator("#timeline details").is_visible()


def test_print_fits_on_a_sheet_of_a4(open_report) -> None:
    # 210 mm less two margins of 14 mm, at 96 pixels an inch
    page = open_report(width=688).page
    page.emulate_media(media="print")
    assert page.evaluate(STICKING_OUT) == []
    assert page.locator("table.bill thead").is_visible()
