"""The page in a real browser, at desktop and phone size, light and dark; axe-core looks at every page."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from edge_fer.history.file import HistoryFile
from edge_fer.history.records import HOURLY, AlertBegan, HistoryWindow
from edge_fer.history.tables import insert
from tests.broker import Mosquitto
from tests.browser import Browser
from tests.daemon import Daemon
from tests.missing import missing
from tests.running import ENDLESS, config
from tests.web.looking import look_at, press, shows
from tests.web.visiting import WebPage

RULES = {"happy-guest": {"when": {"emotion": ["happy"], "score": 0.2}, "for": "0s", "keep_firing_for": "5m"}}
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

#: Every page that somebody who is logged in can open.
PAGES = (
    "/",
    "/aim",
    "/tune",
    "/pictures",
    "/faces",
    "/history?back=1",
    f"/history?period=week&back={int(MIDNIGHT.weekday() == 0)}",
    "/system",
    "/findings",
    "/log",
    "/certificate",
    "/accounts",
    "/backup",
)


@pytest.fixture(scope="module")
def axe():
    """axe-core, which finds what people who see, hear or move otherwise stumble over."""
    path = Path(sys.prefix, "axe", "node_modules", "axe-core", "axe.min.js")
    if not path.is_file():
        missing("needs axe-core: run tests/install-tools.sh, which gets it by npm")
    return path.read_text("utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    (folder / "node" / "state").mkdir(parents=True)
    with HistoryFile(folder / "node" / "state" / "history.sqlite", max_size=64_000_000) as file:
        file.run(lambda connection: insert(connection, [*map(hour, range(8, 18)), alert(9)]))
    settings = {"alerts": RULES, "history": {"record": "on"}, "node": {"id": "test", "timezone": "UTC"}}
    with (
        Mosquitto(folder / "broker") as broker,
        Daemon(folder / "node", config(broker, ENDLESS, **settings)) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("ann", "admin")
        yield page


def hour(at):
    since = MIDNIGHT - timedelta(days=1) + timedelta(hours=at)
    seconds = {"happy": 300.0, "sad": 100.0}
    return HistoryWindow("front", HOURLY, since, since + timedelta(hours=1), 3600.0, True, at, 1, 400.0, seconds, 300.0)


def alert(at):
    began = MIDNIGHT - timedelta(days=1) + timedelta(hours=at, minutes=5)
    return AlertBegan("a1", "front", "unhappy-guest", "warning", ("sad",), True, began, began, 30.0, "over")


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
        driver.find_element(By.XPATH, "//summary[contains(., 'Emotions')]").click()
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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing_on_any_page(page, axe, screen, dark):
    at = f"http://127.0.0.1:{page.port}"
    with Browser() as browser:
        for path in ("/login", "/notice?language=en", "/notice?language=de", "/link?token=x"):
            browser.open(f"{at}{path}", screen=screen, dark=dark)
            assert violations(browser, axe) == [], path
        browser.driver.get(f"{at}/login")
        browser.driver.find_element(By.NAME, "name").send_keys("ann")
        browser.driver.find_element(By.NAME, "password").send_keys("correct horse")
        press(browser, "Log in")
        shows(browser, "happy")
        for path in PAGES:
            browser.open(f"{at}{path}", screen=screen, dark=dark)
            for summary in browser.driver.find_elements(By.CSS_SELECTOR, "details:not([open]) > summary"):
                summary.click()
            assert violations(browser, axe) == [], path
            look_at(browser)
            if folder := os.environ.get("EDGE_FER_SCREENSHOTS"):
                name = f"{path.strip('/').replace('?', '-') or 'now'}-{screen}-{'dark' if dark else 'light'}.png"
                Path(folder, name).write_bytes(browser.picture())
        assert browser.console() == []


def violations(browser, axe):
    """What axe-core finds: the rule, what it is about, and where."""
    browser.driver.execute_script(axe)
    found = browser.driver.execute_async_script(
        "const done = arguments[arguments.length - 1]; axe.run(document).then(r => done(r.violations), e => done([e]))"
    )
    return [(one["id"], one["help"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]
