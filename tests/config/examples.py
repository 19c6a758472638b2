"""The examples of configs that come with edge-fer."""

from __future__ import annotations

import re

from tests.config.generated import PAGE

PAGES = (PAGE, PAGE.with_name("zones.md"), PAGE.with_name("quality.md"))


EXAMPLES = [
    example
    for page in PAGES
    for example in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
]
