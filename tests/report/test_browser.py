"""The report in a real browser, on a desk, in a hand, in the dark and on paper."""

from __future__ import annotations

import re

import pytest

from edge_fer.report.page import page
from tests.browser import SCREENS
from tests.report.invented import outcome

#: Everything that is drawn, and how wide and high it is; a shape that is not there has no size.
DRAWN = """
const size = (shape) => { const box = shape.getBoundingClientRect(); return [box.width, box.height]; };
const fill = (shape) => getComputedStyle(shape).fill + getComputedStyle(shape).stroke;
return [...document.querySelectorAll('.strip > svg, .plot > svg, .bars > svg')].map((svg) => ({
  name: svg.getAttribute('aria-label'), size: size(svg),
  shapes: [...svg.querySelectorAll('rect, polygon, polyline')].map((one) => [...size(one), fill(one)]),
}));
"""
OVERLAPS = """
const boxes = (one) => [...one.querySelectorAll('span')].map((span) => span.getBoundingClientRect())
  .filter((box) => box.width > 0);
const overlap = (all) => all.some((box, index) => index && box.left < all[index - 1].right);
return [...document.querySelectorAll('.axis')].filter((axis) => overlap(boxes(axis))).length;
"""
CUT_NAMES = """
return [...document.querySelectorAll('.names b')].filter((name) => name.offsetWidth > name.parentElement.clientWidth)
  .map((name) => name.textContent);
"""
#: Contrast of the words with what is behind them, by WCAG 2.2.
CONTRAST = """
const light = (colour) => { const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255)
  .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]; };
const behind = (one) => { for (let at = one; at; at = at.parentElement) {
  const colour = getComputedStyle(at).backgroundColor; if (!colour.startsWith('rgba(0, 0, 0, 0')) return colour; } };
return Math.min(...[...document.querySelectorAll('h1, h2, p, dt, dd, small, li, td, th, .axis span, figcaption')]
  .filter((one) => one.textContent.trim()).map((one) => {
    const pair = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05); }));
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(outcome()), encoding="utf-8")
    return path


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_all_charts_are_drawn_and_the_console_is_silent(browser, report, screen):
    browser.open(report, screen=screen)
    charts = browser.ask(DRAWN)
    names = [chart["name"] for chart in charts]
    assert sum(name.startswith("Person") for name in names) == 5
    assert sum(name.startswith("Alert ") for name in names) == 2
    assert any(name.startswith("Share of each emotion") for name in names)
    assert any(name.startswith("Satisfaction over time") for name in names)
    for chart in charts:
        assert chart["size"][0] > 200, chart["name"]
        assert chart["size"][1] > 20, chart["name"]
        assert any(wide > 5 or high > 5 for wide, high, _ in chart["shapes"]), chart["name"]
    colours = {shape[2] for chart in charts if chart["name"].startswith("Share") for shape in chart["shapes"]}
    assert len(colours) == 8, "each emotion has its own, and nothing is drawn without the style"
    assert not any("rgb(0, 0, 0)" in shape[2] for chart in charts for shape in chart["shapes"]), "all have a style"
    assert browser.ask("return [...document.images].filter((image) => !image.naturalWidth).length") == 0
    assert browser.ask("return document.images.length") == 4
    assert browser.ask("return document.documentElement.scrollWidth") == SCREENS[screen][0], "nothing sticks out"
    assert browser.ask(OVERLAPS) == 0
    assert browser.ask(CUT_NAMES) == []
    assert browser.console() == []


def test_nothing_is_fetched(browser, report):
    browser.open(report)
    fetched = browser.ask("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []
    text = report.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:)|url\(|@import|<script|javascript:', text)


def test_a_page_that_fetches_or_runs_something_would_be_noticed(browser, report, tmp_path):
    bad = tmp_path / "bad.html"
    more = '<script>console.log("hello")</script><img src="http://127.0.0.1:9/picture.png">'
    bad.write_text(report.read_text(encoding="utf-8").replace("</main>", f"{more}</main>"), encoding="utf-8")
    browser.open(bad)
    said = "".join(browser.console())
    assert "Content Security Policy" in said
    assert "hello" not in said, "the page's policy does not let it run"


def test_a_file_name_cannot_become_part_of_the_page(browser, report):
    browser.open(report)
    assert browser.ask("return document.querySelector('h1').textContent") == outcome().file


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_can_be_read_by_day_and_by_night(browser, report, dark):
    browser.open(report, dark=dark)
    light = browser.ask("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(light) < 3 * 60) is dark
    assert browser.ask(CONTRAST) >= 4.5
    assert browser.console() == []


def test_it_prints(browser, report):
    browser.open(report, screen="paper", dark=True, media="print")
    assert browser.ask("return document.documentElement.scrollWidth") == SCREENS["paper"][0], "nothing is cut off"
    assert browser.ask("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    paper = browser.paper()
    assert paper.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 4


def test_a_recording_without_anybody_says_so(browser, tmp_path):
    empty = tmp_path / "report.html"
    found = outcome()
    found = outcome(timeline=type(found.timeline)(), firings=[], key_frames=[])
    empty.write_text(page(found), encoding="utf-8")
    browser.open(empty, screen="phone")
    assert "Nobody was seen" in browser.ask("return document.body.innerText")
    assert browser.console() == []
