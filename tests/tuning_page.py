"""Makes the part of `docs/tuning.md` that a replay prints, and its picture: `python -m tests.tuning_page`."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from tests.daemon import edge_fer
from tests.traces.make import FOLDER

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tuning.md"
PICTURE = PAGE.with_name("timeline.svg")
BLOCK = re.compile(r"<!-- tested: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)


def page() -> tuple[str, str]:
    """The page with what its replay prints made anew, and the picture that it draws."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = {found[1]: found for found in BLOCK.finditer(text)}
    command = blocks["replay"][2].partition("\n")[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for config in ("new.yaml", "old.yaml"):
            (folder / config).write_text(blocks[config][2], encoding="utf-8")
        shutil.copy(FOLDER / "ward.jsonl.gz", folder)
        ended = edge_fer(*command.removeprefix("$ edge-fer ").split(), cwd=folder)
        assert ended.returncode == 0, ended.stderr
        picture = (folder / "timeline.svg").read_text(encoding="utf-8")
    begin, end = blocks["replay"].span(2)
    return f"{text[:begin]}{command}\n{ended.stdout}{text[end:]}", picture


def main() -> None:
    """Writes both."""
    text, picture = page()
    PAGE.write_text(text, encoding="utf-8")
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
