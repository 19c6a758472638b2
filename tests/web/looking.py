"""What somebody does with a page in a browser, and what can be measured of how easily it is read and used."""

from __future__ import annotations

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

__all__ = ["look_at", "press", "shows"]

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
    # by one script, because the page may be drawn anew between two questions
    text = "return document.querySelector('main')?.innerText ?? ''"
    WebDriverWait(browser.driver, timeout).until(lambda _: words in browser.ask(text))


def look_at(browser):
    """What can be measured of how easily a page is read and used."""
    assert browser.ask(CONTRAST) == []
    assert browser.ask(SIZES) == []
    assert browser.ask(NAMELESS) == []
    assert browser.ask("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.ask("return document.documentElement.lang") in {"en", "de"}
