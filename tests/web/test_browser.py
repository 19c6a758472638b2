"""The page in a real browser, at desktop and phone size, light and dark."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.broker import Mosquitto
from tests.browser import Browser
from tests.daemon import Daemon
from tests.running import ENDLESS, config
from tests.web.looking import look_at, press, shows
from tests.web.visiting import WebPage

RULES = {"happy-guest": {"when": {"emotion": ["happy"], "score": 0.2}, "for": "0s", "keep_firing_for": "5m"}}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    with (
        Mosquitto(folder / "broker") as broker,
        Daemon(folder / "node", config(broker, ENDLESS, alerts=RULES)) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("ann", "admin")
        yield page


@pytest.mark.parametrize(("screen", "dark"), [("desktop", False), ("phone", True)])
def test_somebody_logs_in_acknowledges_sets_a_threshold_and_undoes_it(page, screen, dark):
    at = f"http://127.0.0.1:{page.port}"
    with Browser() as browser:
        browser.open(f"{at}/", screen=screen, dark=dark)
        driver = browser.driver
        assert driver.current_url == f"{at}/login"
        look_at(browser)
        driver.find_element(By.NAME, "name").send_keys("ann")
        driver.find_element(By.NAME, "password").send_keys("correct horse")
        press(browser, "Log in")
        # pushed, without loading the page again
        shows(browser, "happy")
        shows(browser, "Alert: happy-guest")
        look_at(browser)
        if "Acknowledge" in driver.find_element(By.TAG_NAME, "main").text:
            press(browser, "Acknowledge")
            shows(browser, "acknowledged")
        driver.find_element(By.LINK_TEXT, "Thresholds").click()
        driver.find_element(By.XPATH, "//summary[contains(., 'emotion')]").click()
        field = driver.find_element(By.ID, "emotion.min_confidence")
        before = field.get_attribute("value")
        field.clear()
        field.send_keys("0.33\n")
        shows(browser, "0.33")
        look_at(browser)
        press(browser, "Undo")
        shows(browser, before)
        driver.find_element(By.LINK_TEXT, "System").click()
        shows(browser, "No picture is ever published.")
        look_at(browser)
        driver.find_element(By.CSS_SELECTOR, "header button").click()
        WebDriverWait(driver, 60).until(lambda driver: driver.current_url == f"{at}/login")
        assert browser.console() == []
