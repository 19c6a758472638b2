"""Draws the docs' picture of a report: `python -m tests.report.picture`. Nobody in it is a visitor of anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from edge_fer.report.page import page
from tests.browser import Browser
from tests.report.invented import outcome

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "report.jpg"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        report = Path(folder, "report.html")
        report.write_text(page(outcome(file="friday-lunch.mp4")), encoding="utf-8")
        browser.open(report)
        drawn = cv2.imdecode(np.frombuffer(browser.picture(), np.uint8), cv2.IMREAD_COLOR)
    # the margins beside the page say nothing
    narrow = cv2.resize(drawn[:, 90:-90], None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(PICTURE), narrow, [cv2.IMWRITE_JPEG_QUALITY, 84])


if __name__ == "__main__":
    main()
