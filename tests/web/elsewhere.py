"""A browser on another host: `ip netns exec HOST python -m tests.web.elsewhere LINK PIN`; tells what it saw."""

from __future__ import annotations

import json
import sys

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import Browser


def main() -> None:
    link, pin = sys.argv[1:]
    told = {}
    with Browser() as browser:
        try:
            browser.open(link)
            told["stranger"] = browser.driver.page_source
        except WebDriverException as error:
            told["stranger"] = error.msg or ""
    # what trusting the certificate comes to
    with Browser(f"ignore-certificate-errors-spki-list={pin}") as browser:
        browser.open(link, screen="phone")
        browser.driver.find_element(By.CSS_SELECTOR, "main button").click()
        wait = WebDriverWait(browser.driver, 90, ignored_exceptions=[StaleElementReferenceException])
        # pushed to it
        wait.until(lambda driver: "happy" in driver.find_element(By.TAG_NAME, "main").text)
        told["secure"] = browser.ask("return isSecureContext")
        told["cookies"] = browser.driver.get_cookies()
        told["console"] = browser.console()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
