"""README: its figures are those of the pages that it links to, its links and commands lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_fer.cli.main import VERBS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def cells(text, begin):
    """The cells of the first row of a table that begins so."""
    row = next(line for line in text.splitlines() if line.startswith(f"| {begin}"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_how_often_it_is_right_is_what_the_model_card_says():
    private = page("models/MODEL_CARD.md").partition("### Private test")[2]
    _, pictures, accuracy, *_ = cells(private, "FER+ majority |")
    assert f"On {pictures} photographs like those it learned from: {accuracy}" in README
    elsewhere = page("models/MODEL_CARD.md").partition("### Elsewhere than at home")[2]
    for row, kind in (("SFHQ portraits, testing part", "synthetic portraits"), ("London", "studio portraits")):
        _, pictures, accuracy, *_ = cells(elsewhere, row)
        share = float(accuracy.split()[0])
        assert f"{share:.0%}".replace("%", f" % of {pictures} {kind}") in README


def test_how_fast_it_is_and_what_it_needs_is_what_the_page_of_benchmarks_says():
    benchmarks = page("docs/benchmarks.md")
    ratio = cells(benchmarks, "edge-fer, `blazeface` (full range")[1].removesuffix("x")
    assert f"{ratio} times the frames a second of the package `fer` with Haar" in README
    budget = cells(benchmarks, "processor time for a second of the clip")[1]
    assert f"{budget} of one core for each second of video" in README
    memory = re.search(r"(\d+ MB) since PyAV reads recordings", benchmarks)[1]
    assert f"{memory} of memory for recordings and streams" in README


def test_readme_says_that_it_has_not_run_on_a_pi_as_long_as_that_is_so():
    open_points = page("docs/hardware.md").partition("## Not checked yet")[2]
    assert ("not yet run on a Raspberry Pi" in README) == ("- Running on a Raspberry Pi" in open_points)


def anchors(text):
    """What headings can be linked to by, as GitHub makes it."""
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)]+#[^)]+)\)", README))))
def test_links_into_pages_lead_to_a_heading(link):
    name, _, anchor = link.partition("#")
    assert anchor in anchors(page(name))


def test_every_command_that_readme_names_is_one():
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))
    named = {verb for text in (*blocks, *inline) for verb in re.findall(r"\bedge-fer ([a-z][a-z-]+)(?![\w/.])", text)}
    assert {"run", "analyze", "predict", "try-faces", "acceptance"} <= named
    assert {name.replace("-", "_") for name in named} <= set(VERBS)


def test_the_picture_shows_an_alert_and_fetches_nothing():
    picture = page("docs/demo.svg")
    shown = picture.replace("&#160;", " ")
    for words in ("FIRING", "unhappy-guest", "appeared", "Try next: ", "█"):
        assert words in shown
    assert not re.search(r"@import|@font-face|href=|url\((?!#)", picture)
