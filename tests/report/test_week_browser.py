"""The page of a week in a real browser, on a desk, in a hand, in the dark and on paper."""

from __future__ import annotations

import re
from datetime import date

import pytest

from edge_fer.history.digest import week_of
from edge_fer.history.look_back import look_back
from edge_fer.report.week import Week, span_of, week_page
from edge_fer.rules.scene.calendar import Calendar
from tests.axe import violations
from tests.browser import SCREENS
from tests.history.year import BERLIN, Live, frames
from tests.rules.kit import SCALE

#: Cells that are narrower than their text.
CUT = """
return [...document.querySelectorAll('.heat td, .heat th')].filter((cell) => cell.scrollWidth > cell.clientWidth + 1)
  .map((cell) => cell.textContent);
"""
#: Whether cells are coloured, and differently.
COLOURS = """
const colours = (kind) => [...new Set([...document.querySelectorAll('.heat .' + kind)]
  .map((cell) => getComputedStyle(cell).backgroundColor))].length;
return ['busy', 'content', 'discontent'].map(colours);
"""
#: Contrast of the words with what is behind them, by WCAG 2.2, through colours that are not opaque.
CONTRAST = """
const parts = (colour) => { const found = colour.match(/[\\d.]+/g).map(Number);
  return {rgb: found.slice(0, 3), alpha: found.length > 3 ? found[3] : 1}; };
const light = (rgb) => { const [r, g, b] = rgb.map((one) => one / 255)
  .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (one) => { let rgb = [0, 0, 0], left = 1;
  for (let at = one; at && left > 0.001; at = at.parentElement) {
    const {rgb: own, alpha} = parts(getComputedStyle(at).backgroundColor);
    rgb = rgb.map((value, index) => value + left * alpha * own[index]); left *= 1 - alpha; }
  return rgb; };
return Math.min(...[...document.querySelectorAll('h1, h2, p, dt, dd, small, li, td, th, .axis span, code, b')]
  .filter((one) => one.textContent.trim()).map((one) => {
    const pair = [light(parts(getComputedStyle(one).color).rgb), light(behind(one))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05); }));
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("week")
    live = Live(folder / "history.sqlite")
    live.play(frames(date(2026, 2, 23), 35))
    live.file.close()
    calendar = Calendar(BERLIN)
    # the week in which the clocks change has all 24 hours of a day
    period = week_of(calendar, date(2026, 3, 29))
    past = look_back(live.path, span_of(calendar, period))
    page = folder / "week.html"
    page.write_text(week_page(Week(calendar, period, past, 1, SCALE, "Main Street"), past.cameras), encoding="utf-8")
    return page


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_all_of_it_is_drawn_and_the_console_is_silent(browser, report, screen):
    browser.open(report, screen=screen)
    assert all(count > 5 for count in browser.ask(COLOURS))
    bars = browser.ask(
        "return [...document.querySelectorAll('.bars rect')].map((one) => one.getBoundingClientRect().width)"
    )
    assert bars
    assert min(bars) > 0.5
    assert browser.ask("return document.documentElement.scrollWidth") == SCREENS[screen][0], "nothing sticks out"
    assert browser.ask(CUT) == []
    assert browser.console() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing(browser, report, screen, dark):
    browser.open(report, screen=screen, dark=dark)
    assert violations(browser) == []


def test_names_of_rows_stay_where_a_table_is_wider_than_a_phone(browser, report):
    browser.open(report, screen="phone")
    moved = """
const wide = [...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth);
return wide.map((one) => { one.scrollLeft = 1e6;
  return Math.round(one.querySelector('tbody th').getBoundingClientRect().left - one.getBoundingClientRect().left); });
"""
    places = browser.ask(moved)
    assert len(places) >= 4
    assert set(places) <= {0, 1}


def test_visits_are_not_held_against_fewer_hours_without_saying_so(report):
    text = report.read_text(encoding="utf-8")
    assert "But this week was watched for 73 hours, and before it was 50 hours a week." in text
    assert not re.search(r"[+-]0[^.\d]", text), "nothing has a sign"


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out(browser, report, dark):
    browser.open(report, dark=dark)
    assert browser.ask(CONTRAST) >= 4.5


def test_on_paper_nothing_is_cut(browser, report):
    browser.open(report, screen="paper", media="print")
    assert browser.ask("return document.documentElement.scrollWidth") == SCREENS["paper"][0]
    assert browser.ask(CUT) == []
    assert (
        browser.ask("return [...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > 704).length")
        == 0
    )


@pytest.mark.slow
def test_it_fetches_and_runs_nothing(report):
    text = report.read_text(encoding="utf-8")
    assert not re.search(r"<script|\bon\w+=|(?:src|href)=\"(?!data:)|url\(|@import", text)
    assert "default-src 'none'" in text
