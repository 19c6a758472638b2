"""The page `Your pictures` in a real browser: chosen and dropped, at desktop and phone size."""

from __future__ import annotations

import base64

import cv2
import pytest
from PIL import Image
from selenium.webdriver.common.by import By

from edge_fer.sample import sample_picture
from tests.axe import violations
from tests.broker import Mosquitto
from tests.browser import Browser
from tests.daemon import Daemon
from tests.running import config
from tests.web.looking import look_at, press, shows
from tests.web.visiting import WebPage

#: The colour of a place of the last drawing, at fractions of its sides.
PIXEL = """
const shown = [...document.querySelectorAll("canvas")].pop();
const copy = document.createElement("canvas");
[copy.width, copy.height] = [shown.width, shown.height];
const context = copy.getContext("2d");
context.drawImage(shown, 0, 0);
const at = [Math.round(AT_X * copy.width), Math.round(AT_Y * copy.height)];
return [...context.getImageData(...at, 1, 1).data.slice(0, 3)];
"""
DROP = """
const data = new DataTransfer();
const bytes = Uint8Array.from(atob(arguments[0]), sign => sign.charCodeAt(0));
data.items.add(new File([bytes], "dropped.jpg", {type: "image/jpeg"}));
const how = {dataTransfer: data, bubbles: true, cancelable: true};
document.getElementById("drop").dispatchEvent(new DragEvent("drop", how));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    camera = {"source": "sample:counter", "loop": True}
    with (
        Mosquitto(folder / "broker") as broker,
        Daemon(folder / "node", config(broker, camera)) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("ann", "operator")
        yield page


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A picture, the same as a phone held upright stores it, and what is none."""
    folder = tmp_path_factory.mktemp("files")
    large = Image.fromarray(cv2.resize(sample_picture(), (1280, 720), interpolation=cv2.INTER_CUBIC))
    large.save(folder / "plain.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    large.rotate(90, expand=True).save(folder / "turned.jpg", exif=exif)
    large.save(folder / "unknown.tif")
    (folder / "notes.txt").write_text("hello")
    return folder


def drawn(browser, x, y):
    return browser.ask(PIXEL.replace("AT_X", str(x)).replace("AT_Y", str(y)))


def choose(browser, files, *names):
    browser.driver.find_element(By.ID, "own-files").send_keys("\n".join(str(files / name) for name in names))


@pytest.mark.parametrize(("screen", "dark"), [("desktop", False), ("phone", True)])
def test_somebody_chooses_and_drops_pictures_and_sees_the_faces(page, files, screen, dark):
    at = f"http://127.0.0.1:{page.port}"
    with Browser() as browser:
        driver = browser.driver
        browser.open(f"{at}/login", screen=screen, dark=dark)
        driver.find_element(By.NAME, "name").send_keys("ann")
        driver.find_element(By.NAME, "password").send_keys("correct horse")
        press(browser, "Log in")
        shows(browser, "satisfaction")
        driver.find_element(By.LINK_TEXT, "Your pictures").click()
        look_at(browser)
        choose(browser, files, "plain.jpg")
        shows(browser, "Done.")
        words = driver.find_element(By.TAG_NAME, "main").text
        for part in ("plain.jpg", "1280 \u00d7 720 px. Faces: 1.", "happy", "px: fine, 48 needed", "quality 100 %"):
            assert part in words, words
        # the copy that the browser has is under the boxes
        for x, y in ((0.1, 0.1), (0.9, 0.9)):
            wanted = sample_picture()[round(y * 360), round(x * 640)]
            assert max(abs(int(a) - int(b)) for a, b in zip(drawn(browser, x, y), wanted, strict=True)) < 30
        upright = drawn(browser, 0.1, 0.1)
        name = browser.ask("return document.querySelector('canvas').ariaLabel")
        assert name.startswith("The picture with its faces: 1: happy ")
        look_at(browser)
        assert violations(browser) == []

        # several at once; what is wrong with one holds up no other
        choose(browser, files, "notes.txt", "unknown.tif", "turned.jpg")
        shows(browser, "Done.")
        words = driver.find_element(By.TAG_NAME, "main").text
        assert "plain.jpg" not in words
        assert words.index("Not read: the file is no picture that can be read.") < words.index("unknown.tif")
        assert "Your browser cannot show this kind of file." in words
        assert words.count("1280 \u00d7 720 px. Faces: 1.") == 2
        assert max(abs(a - b) for a, b in zip(drawn(browser, 0.1, 0.1), upright, strict=True)) < 30, "turned upright"
        look_at(browser)
        assert violations(browser) == []

        data = base64.b64encode((files / "plain.jpg").read_bytes()).decode()
        driver.execute_script(DROP, data)
        shows(browser, "dropped.jpg")
        shows(browser, "Done.")
        assert "Faces: 1." in driver.find_element(By.TAG_NAME, "main").text
        assert browser.console() == []


def test_no_more_are_read_at_once_than_may_be(page, files):
    with Browser() as browser:
        browser.open(f"http://127.0.0.1:{page.port}/login")
        browser.driver.find_element(By.NAME, "name").send_keys("ann")
        browser.driver.find_element(By.NAME, "password").send_keys("correct horse")
        press(browser, "Log in")
        shows(browser, "satisfaction")
        browser.driver.find_element(By.LINK_TEXT, "Your pictures").click()
        choose(browser, files, *["notes.txt"] * 9)
        shows(browser, "1 more were left out: 8 at once are the most.")
        assert len(browser.driver.find_elements(By.CSS_SELECTOR, "section.own")) == 8
        assert browser.console() == []
