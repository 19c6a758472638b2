"""Makes text of others harmless to read: whatever comes from a payload, a file, a broker or a name on disk.

A line break in it could begin a line of its own in the log, and an escape could take over the terminal. The log, the
commands and the errors all show such text by these functions, and by no others.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, Final

__all__ = ["harmless", "harmless_cell", "harmless_json", "harmless_lines"]

#: What JSON leaves as it is, and a terminal may heed, or a reader be misled by.
_CONTROLS: Final = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
#: With one of these, a spreadsheet takes a cell for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full width, as meant
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def harmless(text: object) -> str:
    r"""A text in one line, with an escape such as `\n` or `\x1b` for each sign that cannot be seen."""
    shown = str(text)
    with suppress(UnicodeEncodeError):
        # a name on disk may be no text: its bytes show as they are
        shown = shown.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if shown.isprintable():
        return shown
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in shown)


def harmless_lines(text: object) -> str:
    """A text of ours in lines, such as a traceback: its line breaks stay, and each line is made `harmless`."""
    return "\n".join(harmless(line) for line in str(text).split("\n"))


def harmless_json(content: Any, **options: Any) -> str:
    """JSON that people may read in a terminal: the same content, with escapes for what cannot be seen."""
    text = json.dumps(content, ensure_ascii=False, **options)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def harmless_cell(text: str) -> str:
    """A cell of a CSV file that no spreadsheet takes for a formula: an apostrophe comes before what would be one."""
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
