"""Accounts in a real browser: an admin adds, changes and revokes one, and each role sees what it may."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.broker import Mosquitto
from tests.browser import Browser
from tests.daemon import Daemon
from tests.running import ENDLESS, config
from tests.web.looking import look_at, press, shows
from tests.web.visiting import PASSWORD, WebPage

#: What stands in the head of each page, and pages that are reached from System, by role.
_VIEWER = {"/", "/aim", "/tune", "/history", "/system", "/certificate", "/notice"}
_OPERATOR = _VIEWER | {"/findings", "/log", "/pictures"}
SEEN = {"viewer": _VIEWER, "operator": _OPERATOR, "admin": _OPERATOR | {"/accounts", "/backup"}}
#: What may be pressed on these pages, by role.
BUTTONS = {
    ("viewer", "/"): set(),
    ("operator", "/"): {"Pause", "Pause the room"},
    ("viewer", "/tune"): set(),
    ("operator", "/tune"): {"Try", "Set"},
    ("viewer", "/aim"): set(),
    ("operator", "/aim"): {"Look for a minute"},
    ("admin", "/aim"): {"Look for a minute", "Add a corner", "Save"},
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("accounts")
    with (
        Mosquitto(folder / "broker") as broker,
        Daemon(folder / "node", config(broker, ENDLESS)) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("ann", "admin")
        yield page


@pytest.fixture
def browsers():
    """Makes browsers, each somebody's own."""
    with ExitStack() as open_ones:
        yield lambda: open_ones.enter_context(Browser())


def log_in(page, browser, name, password=PASSWORD, screen="desktop"):
    browser.open(f"http://127.0.0.1:{page.port}/login", screen=screen)
    browser.driver.find_element(By.NAME, "name").send_keys(name)
    browser.driver.find_element(By.NAME, "password").send_keys(password)
    press(browser, "Log in")


def go(page, browser, path):
    browser.driver.get(f"http://127.0.0.1:{page.port}{path}")


def of_account(browser, name):
    """The line of an account on the page `Accounts`."""
    return browser.driver.find_element(By.XPATH, f"//li[span[text()='{name}']]")


def pages_of(page, browser):
    """Every page that somebody is offered."""
    go(page, browser, "/system")
    links = browser.driver.find_elements(By.CSS_SELECTOR, "header nav a, main a.row")
    return {link.get_attribute("href").partition(str(page.port))[2] for link in links}


def test_an_admin_adds_changes_and_revokes_an_account_whose_owner_is_out_at_once(page, browsers):
    ann, bob = browsers(), browsers()
    log_in(page, ann, "ann")
    shows(ann, "Cameras")
    go(page, ann, "/accounts")
    ann.driver.find_element(By.CSS_SELECTOR, "label input[name=name]").send_keys("bob")
    ann.driver.find_element(By.CSS_SELECTOR, "input[name=password]").send_keys("a long secret")
    Select(ann.driver.find_element(By.CSS_SELECTOR, "main label select")).select_by_visible_text("viewer")
    press(ann, "Add, or give a new password")
    shows(ann, "bob")
    look_at(ann)

    log_in(page, bob, "bob", "a long secret", screen="phone")
    shows(bob, "happy")
    assert pages_of(page, bob) == SEEN["viewer"]
    assert "Pause" not in bob.driver.page_source

    line = of_account(ann, "bob")
    Select(line.find_element(By.NAME, "role")).select_by_visible_text("operator")
    line.find_element(By.XPATH, ".//button[text()='Change']").click()
    WebDriverWait(ann.driver, 60, ignored_exceptions=[NoSuchElementException, StaleElementReferenceException]).until(
        lambda _: Select(of_account(ann, "bob").find_element(By.NAME, "role")).first_selected_option.text == "operator"
    )
    assert pages_of(page, bob) == SEEN["operator"], "the new role counts without another login"
    go(page, bob, "/")
    shows(bob, "Pause")
    shows(bob, "happy")

    of_account(ann, "bob").find_element(By.XPATH, ".//button[text()='Remove']").click()
    WebDriverWait(ann.driver, 60).until(lambda driver: not driver.find_elements(By.XPATH, "//li[span[text()='bob']]"))
    # the page that he has open: nothing of people stays on it, and nothing more is pushed
    shows(bob, "You are logged out.")
    assert "happy" not in bob.driver.find_element(By.TAG_NAME, "main").text
    look_at(bob)
    go(page, bob, "/system")
    assert bob.driver.current_url.endswith("/login")
    log_in(page, bob, "bob", "a long secret")
    shows(bob, "Name or password is wrong.")
    assert ann.console() == []
    # the refused login is the only thing that the browser itself complains of
    assert [line for line in bob.console() if "403" not in line] == []


def test_each_role_is_offered_what_it_may_open_and_refused_the_rest(page, browsers):
    someone = browsers()
    for role, offered in SEEN.items():
        page.account(f"one-{role}", role)
        log_in(page, someone, f"one-{role}", screen="phone")
        shows(someone, "happy")
        assert pages_of(page, someone) == offered, role
        for path in sorted(SEEN["admin"]):
            go(page, someone, path)
            refused = "Your role may not do this" in someone.driver.find_element(By.TAG_NAME, "main").text
            assert refused is (path not in offered), (role, path)
            if (role, path) in BUTTONS:
                # at once, for Now is drawn again and again
                buttons = "[...document.querySelectorAll('main button, main [type=submit]')]"
                named = someone.driver.execute_script(f"return {buttons}.map(one => one.textContent.trim())")
                assert {*named} == BUTTONS[role, path], (role, path)
        someone.driver.find_element(By.CSS_SELECTOR, "header button").click()
        WebDriverWait(someone.driver, 60).until(lambda driver: driver.current_url.endswith("/login"))


def test_the_last_admin_stays_and_the_page_says_why(page, browsers):
    page.account("one-admin", "viewer")
    ann = browsers()
    log_in(page, ann, "ann")
    shows(ann, "Cameras")
    go(page, ann, "/accounts")
    of_account(ann, "ann").find_element(By.XPATH, ".//button[text()='Remove']").click()
    shows(ann, "ann is the only admin")
    shows(ann, "Make somebody else an admin first")
    look_at(ann)
    go(page, ann, "/accounts")
    assert of_account(ann, "ann")
