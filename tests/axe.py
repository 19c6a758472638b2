"""axe-core from npm, which finds what keeps people with disabilities from using a page."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.browser import Browser
from tests.missing import missing

__all__ = ["violations"]

VERSION = "4.14.1"
FOLDER = Path(sys.prefix) / "axe"
#: Rules of WCAG 2.2, levels A and AA, and what axe thinks good beyond them.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: arguments[0]}).then(
  found => done(found.violations.map(
    one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 120)).join(" | ")}`)),
  error => done([String(error)]));
"""


@cache
def _script() -> str:
    file = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    if not file.exists():
        npm = shutil.which("npm")
        command = [npm or "", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(FOLDER)]
        ended = subprocess.run([*command, f"axe-core@{VERSION}"], check=False, timeout=300) if npm else None
        if ended is None or ended.returncode or not file.exists():
            missing("needs npm, and its registry, for axe-core (apt install npm)")
    return file.read_text(encoding="utf-8")


def violations(browser: Browser) -> list[str]:
    """What axe finds on the page that is open: rule and parts of the page."""
    browser.driver.execute_script(_script())
    found: list[str] = browser.driver.execute_async_script(RUN, TAGS)
    return found
