"""Where a page that runs keeps its files, and what browsers call it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge_fer.errors import EdgeFerError
from edge_fer.support.files import read_file

__all__ = ["ADDRESS", "find_page"]

#: The file in which a page that runs says where it is.
ADDRESS: Final = "page.json"


def find_page(folders: Sequence[Path]) -> tuple[Path, str]:
    """The folder and the address of the first page that runs.

    Args:
        folders: where pages keep their files.

    Raises:
        EdgeFerError: none runs there.
    """
    for folder in folders:
        try:
            content = json.loads(read_file(folder / ADDRESS, 4096))
            os.kill(int(content["pid"]), 0)
            return folder, str(content["address"])
        except PermissionError:
            msg = f"the files of the page, in {folder}, are another user's"
            raise EdgeFerError(msg, remedy="Use sudo, or be the user that runs it") from None
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            continue
    msg = f"no page runs: there is no {ADDRESS} in {' or '.join(map(str, folders))}"
    raise EdgeFerError(msg, remedy="Start it: edge-fer web serve")
