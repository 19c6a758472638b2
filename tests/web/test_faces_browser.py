"""The page `Try the faces` in a real browser, by keyboard, at desktop and phone size."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.axe import violations
from tests.broker import Mosquitto
from tests.browser import Browser
from tests.daemon import Daemon
from tests.running import config
from tests.web.looking import look_at, press, shows
from tests.web.smiling import smiling_camera
from tests.web.visiting import WebPage


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    with (
        Mosquitto(folder / "broker") as broker,
        Daemon(folder / "node", config(broker, smiling_camera(folder))) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("ann", "operator")
        yield page


def tab_to(browser, words):
    """Moves on by the keyboard until something with these words has the focus."""
    for _ in range(40):
        focused = browser.driver.switch_to.active_element
        if focused.tag_name != "body" and words in focused.text:
            return focused
        focused.send_keys(Keys.TAB)
    raise AssertionError(words)


def keep(browser, name):
    if folder := os.environ.get("EDGE_FER_SCREENSHOTS"):
        Path(folder, f"faces-{name}.png").write_bytes(browser.picture())


@pytest.mark.parametrize(("screen", "dark"), [("desktop", False), ("phone", True)])
def test_somebody_makes_each_face_by_keyboard_and_sees_what_was_read(page, screen, dark):
    with Browser() as browser:
        driver = browser.driver
        browser.open(f"http://127.0.0.1:{page.port}/login", screen=screen, dark=dark)
        driver.find_element(By.NAME, "name").send_keys("ann")
        driver.find_element(By.NAME, "password").send_keys("correct horse")
        press(browser, "Log in")
        shows(browser, "satisfaction")
        driver.find_element(By.LINK_TEXT, "Aim").click()
        tab_to(browser, "Try the faces").send_keys(Keys.ENTER)
        shows(browser, "It takes about 24 seconds")
        look_at(browser)
        keep(browser, f"before-{screen}")
        assert violations(browser) == []

        tab_to(browser, "Begin").send_keys(Keys.ENTER)
        shows(browser, "1 / 3: Please look angry")
        shows(browser, "Hold it for 5 seconds.")
        shows(browser, "Read:\nhappy")
        look_at(browser)
        keep(browser, f"during-{screen}")
        assert violations(browser) == []
        shows(browser, "What was read", timeout=120)
        table = driver.find_element(By.TAG_NAME, "table").text
        assert "sad 0 % happy" in table, table
        for gone in ("Stop", "Please", "left"):
            assert gone not in driver.find_element(By.TAG_NAME, "main").text
        assert driver.switch_to.active_element.text == "What was read", "a screen reader goes on from here"
        look_at(browser)
        keep(browser, f"after-{screen}")
        assert violations(browser) == []

        # again, and ended early
        tab_to(browser, "Try again").send_keys(Keys.ENTER)
        tab_to(browser, "Begin").send_keys(Keys.ENTER)
        shows(browser, "Hold it for 5 seconds.")
        shows(browser, "2 s left.")
        tab_to(browser, "Stop").send_keys(Keys.ENTER)
        shows(browser, "not tried")
        # opened again, nothing begins by itself a second time
        driver.refresh()
        shows(browser, "Begin")
        assert browser.console() == []
