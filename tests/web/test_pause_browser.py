"""A pause for the room, by an operator and by people who are watched, in a real browser beside a daemon."""

from __future__ import annotations

import json

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.broker import Mosquitto, Subscriber
from tests.browser import Browser
from tests.daemon import Daemon, edge_fer
from tests.running import ENDLESS, config
from tests.web.looking import look_at, press, shows
from tests.web.visiting import PASSWORD, Visitor, WebPage

PASSCODE = "quiet-table-7"


@pytest.fixture
def house(tmp_path):
    """The broker's subscriber, the page, and what `edge-fer` needs to ask the daemon."""
    with (
        Mosquitto(tmp_path / "broker") as broker,
        Subscriber(broker) as seen,
        Daemon(tmp_path / "node", config(broker, ENDLESS, privacy={"pause_passcode": PASSCODE})) as daemon,
        WebPage(tmp_path / "web", tmp_path / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("olga", "operator")
        yield seen, page, tmp_path / "node" / "state" / "control.sock", daemon


def state(socket):
    ended = edge_fer("status", "--json", "--socket", str(socket))
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)["cameras"]["front"]


def test_an_operator_pauses_the_room_with_a_reason_and_an_end(house):
    _, page, socket, _ = house
    with Browser() as browser:
        driver = browser.driver
        browser.open(f"http://127.0.0.1:{page.port}/login", screen="phone")
        driver.find_element(By.NAME, "name").send_keys("olga")
        driver.find_element(By.NAME, "password").send_keys(PASSWORD)
        press(browser, "Log in")
        shows(browser, "happy")
        driver.find_element(By.XPATH, "//summary[contains(., 'Pause the room')]").click()
        Select(driver.find_element(By.NAME, "for")).select_by_visible_text("2 h")
        driver.find_element(By.NAME, "reason").send_keys("a talk with <b>relatives</b>")
        look_at(browser)
        press(browser, "Pause the room")
        shows(browser, "(a talk with <b>relatives</b>)")
        shows(browser, "paused, nobody is looked at, until")
        told = state(socket)
        assert (told["paused"], told["pause_reason"]) == (True, "a talk with <b>relatives</b>")
        screen = edge_fer("status", "--socket", str(socket)).stdout
        assert "PAUSED until" in screen
        press(browser, "Resume")
        shows(browser, "happy")
        assert browser.console() == []
    assert state(socket)["paused_until"] is None
    said = edge_fer("pause", "--for", "2h", "--reason", "a meal", "--socket", str(socket)).stdout
    assert "Paused until 20" in said
    assert state(socket)["pause_reason"] == "a meal"
    wrong = edge_fer("pause", "--for", "2", "--socket", str(socket))
    assert (wrong.returncode, "unit" in wrong.stderr) == (1, True)


def test_people_who_are_watched_pause_the_room_on_the_notice(house):
    seen, page, socket, daemon = house
    with Browser() as browser:
        driver = browser.driver
        browser.open(f"http://127.0.0.1:{page.port}/notice?language=en", screen="phone", dark=True)
        shows(browser, "You can have it pause for 15 minutes")
        look_at(browser)
        driver.find_element(By.NAME, "passcode").send_keys("loud-table-8")
        press(browser, "Pause for 15 minutes")
        shows(browser, "This is not the passcode on the notice.")
        look_at(browser)
        assert not state(socket)["paused"]
        driver.find_element(By.NAME, "passcode").send_keys(PASSCODE)
        press(browser, "Pause for 15 minutes")
        shows(browser, "Nobody is looked at until")
        WebDriverWait(driver, 60).until(lambda _: state(socket)["paused"])
        # the refused one is all that the browser itself complains of
        assert [line for line in browser.console() if "403" not in line] == []
    assert state(socket)["pause_reason"] == "asked for on the notice"
    told = seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["outcome"] == "done")[-1]
    assert (told.json["command"], told.json["actor"]) == ("guest_pause", "notice")
    assert PASSCODE not in daemon.output + "".join(m.payload for m in seen.of("/audit"))


def test_the_notice_keeps_nobody_trying(house):
    _, page, _, _ = house
    visitor = Visitor(page)
    codes = [visitor.post("/notice/pause", {"passcode": f"wrong-{number}"})[0] for number in range(5)]
    assert codes[:3] == [403, 403, 403]
    assert 429 in codes
    assert visitor.post("/notice/pause", {"passcode": PASSCODE}, origin="https://evil.example")[0] == 403
    assert visitor.ask("POST", "/notice/pause", b"\xff" * 100, content_type="application/x-www-form-urlencoded")[0] in {
        403,
        429,
    }
    assert visitor.get("/notice/pause")[0] in {303, 405}
