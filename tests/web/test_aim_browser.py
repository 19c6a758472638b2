"""The page `Aim` in a real browser: looked at with mouse and keyboard, at desktop and phone size."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.axe import violations
from tests.broker import Mosquitto
from tests.browser import Browser
from tests.daemon import Daemon
from tests.running import config
from tests.web.looking import look_at, press, shows
from tests.web.visiting import WebPage

CAMERA = {"source": "sample:counter", "loop": True}
#: The colour of a pixel of the picture as it is shown, at fractions of its sides.
PIXEL = """
const picture = document.getElementById("picture");
if (picture.hidden || !picture.naturalWidth) return null;
const canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
const context = canvas.getContext("2d");
context.drawImage(picture, 0, 0);
return Math.max(...context.getImageData(AT_X * canvas.width, AT_Y * canvas.height, 1, 1).data.slice(0, 3));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aim")
    with (
        Mosquitto(folder / "broker") as broker,
        Daemon(folder / "node", config(broker, CAMERA)) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("ann", "admin")
        yield page


def logged_in(browser, page, **how):
    at = f"http://127.0.0.1:{page.port}"
    browser.open(f"{at}/login", **how)
    browser.driver.find_element(By.NAME, "name").send_keys("ann")
    browser.driver.find_element(By.NAME, "password").send_keys("correct horse")
    press(browser, "Log in")
    shows(browser, "satisfaction")
    browser.driver.find_element(By.LINK_TEXT, "Aim").click()


def brightness(browser, x, y):
    return browser.ask(PIXEL.replace("AT_X", str(x)).replace("AT_Y", str(y)))


def wait_for(browser, what, timeout=60):
    return WebDriverWait(browser.driver, timeout).until(lambda _: what())


def corners(browser):
    return browser.ask("return document.querySelector('#new-zone textarea').value")


def handle(browser, name):
    return browser.driver.find_element(By.CSS_SELECTOR, f"[data-handle={name}]")


@pytest.mark.parametrize(("screen", "dark"), [("desktop", False), ("phone", True)])
def test_somebody_looks_draws_a_zone_sees_it_blank_the_picture_and_undoes_it(page, screen, dark):
    with Browser() as browser:
        logged_in(browser, page, screen=screen, dark=dark)
        shows(browser, "No zone hides the staff")
        look_at(browser)
        press(browser, "Look for a minute")
        shows(browser, "You are looking.")
        shows(browser, "px: fine, 48 needed")
        wait_for(browser, lambda: (brightness(browser, 0.1, 0.5) or 0) > 40)
        look_at(browser)

        browser.driver.find_element(By.CSS_SELECTOR, "#new-zone summary").click()
        assert corners(browser) == "30 30, 70 30, 70 70, 30 70"
        # with the mouse: the first corner to the upper left one of the picture
        stage = browser.driver.find_element(By.ID, "overlay")
        browser.ask("document.getElementById('overlay').scrollIntoView({block: 'center'})")
        width, height = stage.size["width"], stage.size["height"]
        drag = ActionChains(browser.driver).click_and_hold(handle(browser, "corner-0"))
        drag.move_by_offset(round(-0.28 * width), round(-0.28 * height)).release().perform()
        x, y = map(float, corners(browser).split(",")[0].split())
        assert abs(x - 2) < 1
        assert abs(y - 2) < 1
        # with the keyboard: the last one to the left and down, in small steps and in large ones
        for keys in ([Keys.ARROW_LEFT] * 3, [Keys.ARROW_DOWN] * 2):
            for key in keys:
                handle(browser, "corner-3").send_keys(key)
        handle(browser, "corner-3").send_keys(Keys.SHIFT + Keys.ARROW_LEFT)
        assert corners(browser).endswith("22 72")
        # a corner more, and less
        handle(browser, "middle-1").send_keys(Keys.ENTER)
        assert corners(browser).count(",") == 4
        assert browser.ask("return document.activeElement.dataset.handle") == "corner-2"
        handle(browser, "corner-2").send_keys(Keys.DELETE)
        assert corners(browser).count(",") == 3
        look_at(browser)
        assert violations(browser) == []

        assert browser.ask("return document.querySelector('#new-zone [name=name]').value") == "staff"
        browser.driver.find_element(By.CSS_SELECTOR, "#new-zone button[type=submit]").click()
        shows(browser, "The cameras start anew")
        shows(browser, "The cameras watch again")
        assert "No zone hides the staff" not in browser.driver.find_element(By.TAG_NAME, "main").text
        # the view goes on although the cameras begin anew
        wait_for(browser, lambda: brightness(browser, 0.4, 0.5) in range(20))
        assert brightness(browser, 0.9, 0.9) > 40
        press(browser, "Stop")
        shows(browser, "Stopped.")
        assert browser.ask("return document.getElementById('picture').hidden")
        press(browser, "Undo the last change")
        shows(browser, "There are no zones")
        browser.driver.refresh()
        shows(browser, "No zone hides the staff")
        assert browser.console() == []


def test_a_zone_is_drawn_with_a_finger(page):
    with Browser() as browser:
        logged_in(browser, page, screen="phone")
        browser.driver.find_element(By.CSS_SELECTOR, "#new-zone summary").click()
        browser.ask("document.getElementById('overlay').scrollIntoView({block: 'center'})")
        begun_left, begun_top = map(float, corners(browser).split(",")[0].split())
        stage = browser.ask("return document.getElementById('overlay').getBoundingClientRect()")
        box = browser.ask("return document.querySelector('[data-handle=corner-0]').getBoundingClientRect()")
        assert min(box["width"], box["height"]) >= 24, "large enough for a finger"
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        for kind, points in (
            ("touchStart", [{"x": x, "y": y}]),
            *(("touchMove", [{"x": x - 8 * step, "y": y - 4 * step}]) for step in range(1, 6)),
            ("touchEnd", []),
        ):
            browser.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        left, top = map(float, corners(browser).split(",")[0].split())
        assert left == pytest.approx(begun_left - 40 / stage["width"] * 100, abs=1)
        assert top == pytest.approx(begun_top - 20 / stage["height"] * 100, abs=1)
        assert browser.console() == []


def test_a_threshold_is_tried_then_set_then_undone(page):
    with Browser() as browser:
        logged_in(browser, page, screen="phone", dark=True)
        driver = browser.driver
        driver.find_element(By.LINK_TEXT, "Thresholds").click()
        driver.find_element(By.XPATH, "//summary[contains(., 'Alerts')]").click()
        field = driver.find_element(By.ID, "alerts.unhappy-guest.for")
        field.clear()
        field.send_keys("7s")
        field.find_element(By.XPATH, "./ancestor::form").find_element(By.CSS_SELECTOR, "[formaction]").click()
        shows(browser, "would have come")
        look_at(browser)
        assert violations(browser) == []
        press(browser, "Set it")
        shows(browser, "7s")
        press(browser, "Undo")
        shows(browser, "4s")
        assert violations(browser) == []
        assert browser.console() == []
