"""The page of a link in a real browser: by hand and on a desk, light and dark, in both languages, without scripts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from edge_fer.notify.links import AcknowledgeLink
from tests.axe import violations
from tests.browser import Browser
from tests.web.linking import token_in, told_page
from tests.web.looking import look_at, press, shows


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    with told_page(tmp_path_factory.mktemp("told")) as page:
        yield page


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened


def link(told, ends):
    """Where a link of the alert that fires leads to."""
    known = told.book.look(token_in(told.texts[1]), time.time())
    token = told.book.make(AcknowledgeLink("front", known.alert_id, "nurse", ends))
    return f"http://127.0.0.1:{told.port}/acknowledge?token={token}"


def is_good(browser, state):
    """Nobody stumbles over what is shown."""
    assert violations(browser) == [], state
    look_at(browser)
    # the button can be reached without scrolling, and by a thumb
    buttons = browser.driver.find_elements(By.CSS_SELECTOR, "main button")
    for button in buttons:
        assert button.rect["y"] + button.rect["height"] < browser.ask("return innerHeight")
    if folder := os.environ.get("EDGE_FER_SCREENSHOTS"):
        Path(folder, f"acknowledge-{state}.png").write_bytes(browser.picture())


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", ["desktop", "phone"])
@pytest.mark.parametrize(
    ("language", "button", "done", "wrong"),
    [
        ("en", "Acknowledge", "Acknowledged", "This link does not work"),
        ("de", "Quittieren", "Quittiert", "Dieser Link geht nicht"),
    ],
    ids=["en", "de"],
)
def test_a_link_is_followed_once(told, browser, screen, dark, language, button, done, wrong):
    kind = f"{screen}-{'dark' if dark else 'light'}-{language}"
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": language}})
    address = link(told, time.time() + 600)
    browser.open(address, screen=screen, dark=dark)
    assert browser.ask("return document.documentElement.lang") == language
    shows(browser, "Ward 3 · front")
    is_good(browser, f"ask-{kind}")
    press(browser, button)
    shows(browser, done)
    is_good(browser, f"done-{kind}")
    # a second time, and one that is too old, look the same
    texts = []
    for state, again in (("used", address), ("old", link(told, time.time() - 1))):
        browser.open(again, screen=screen, dark=dark)
        shows(browser, wrong)
        assert browser.driver.find_elements(By.CSS_SELECTOR, "main button") == []
        is_good(browser, f"{state}-{kind}")
        texts.append(browser.driver.find_element(By.TAG_NAME, "body").text)
    assert texts[0] == texts[1]
    assert [line for line in browser.console() if "403" not in line] == []


def test_a_link_works_without_scripts(told, browser):
    driver = browser.driver
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": "en"}})
    try:
        browser.open(link(told, time.time() + 500), screen="phone")
        assert driver.execute_script("return typeof htmx") == "undefined", "no script of the page has run"
        press(browser, "Acknowledge")
        shows(browser, "Acknowledged")
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
