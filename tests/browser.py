"""A real browser without a screen: Chromium, which `tests/install-tools.sh` gets."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any, Self

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.missing import missing

#: Width and height in CSS pixels, and whether it is held in a hand; paper is A4 with margins of 12 mm.
SCREENS = {"desktop": (1280, 900, False), "phone": (390, 844, True), "paper": (703, 1032, False)}


class Browser:
    """Opens pages, and keeps what their consoles say.

    Args:
        more: arguments of its command line, without dashes.
    """

    def __init__(self, *more: str) -> None:
        found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
        if absent := [name for name, path in found.items() if path is None]:
            missing(f"needs {' and '.join(absent)}: run tests/install-tools.sh")
        options = webdriver.ChromeOptions()
        options.binary_location = str(found["chromium"])
        # what a container does not let it have
        for argument in (
            "headless=new",
            "no-sandbox",
            "disable-gpu",
            "disable-dev-shm-usage",
            "hide-scrollbars",
            *more,
        ):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(found["chromedriver"])))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def open(self, path: Path | str, *, screen: str = "desktop", dark: bool = False, media: str = "") -> None:
        """Opens a file, or an address."""
        width, height, mobile = SCREENS[screen]
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if mobile else 1, "mobile": mobile}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
        self.driver.get(path if isinstance(path, str) else path.as_uri())

    def ask(self, script: str) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script)

    def console(self) -> list[str]:
        """What the console has said since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def picture(self) -> bytes:
        """The whole page as PNG."""
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        return base64.b64decode(shot["data"])

    def paper(self) -> bytes:
        """The page as it is printed, as PDF."""
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
