"""The page in a real browser, at desktop and phone size, light and dark."""

from __future__ import annotations

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.broker import Mosquitto
from tests.browser import Browser
from tests.daemon import Daemon
from tests.running import ENDLESS, config
from tests.web.visiting import WebPage

RULES = {"happy-guest": {"when": {"emotion": ["happy"], "score": 0.2}, "for": "0s", "keep_firing_for": "5m"}}
#: Contrast of text and what is behind it, by WCAG; of all that is shown.
CONTRAST = """
const luminance = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const colour = text => text.match(/[\\d.]+/g).map(Number);
const behind = e => { for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
const found = [];
for (const e of document.querySelectorAll("body *")) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.checkVisibility() || e.className === "skip") continue;
  const [a, b] = [luminance(colour(getComputedStyle(e).color).slice(0, 3)), luminance(behind(e))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) found.push(e.tagName + " " + e.textContent.trim().slice(0, 20) + " " + ratio.toFixed(2));
}
return found;
"""
SIZES = """
return [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
  .filter(e => e.checkVisibility() && e.className !== "skip" && e.closest("p") === null)
  .filter(e => e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML.slice(0, 80));
"""
NAMELESS = """
return [...document.querySelectorAll("button, input:not([type=hidden]), select, a, meter")]
  .filter(e => !(e.textContent.trim() || e.ariaLabel || (e.labels && e.labels.length)))
  .map(e => e.outerHTML.slice(0, 80));
"""


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


def press(browser, words):
    """Presses a button, which may be replaced by what is pushed just then."""

    def pressed(driver):
        for button in driver.find_elements(By.CSS_SELECTOR, "main button"):
            if button.text == words:
                button.click()
                return True
        return False

    WebDriverWait(browser.driver, 60, ignored_exceptions=[StaleElementReferenceException]).until(pressed)


def shows(browser, words, timeout=60):
    wait = WebDriverWait(browser.driver, timeout, ignored_exceptions=[StaleElementReferenceException])
    wait.until(lambda driver: words in driver.find_element(By.TAG_NAME, "main").text)


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


def look_at(browser):
    """What can be measured of how easily a page is read and used."""
    assert browser.ask(CONTRAST) == []
    assert browser.ask(SIZES) == []
    assert browser.ask(NAMELESS) == []
    assert browser.ask("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.ask("return document.documentElement.lang") in {"en", "de"}
