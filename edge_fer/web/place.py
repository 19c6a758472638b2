"""Where a page that runs keeps its files, and what browsers call it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge_fer.errors import EdgeFerError
from edge_fer.support.files import read_file

__all__ = ["ADDRESS", "PREPARED", "SERVICE", "SHOWN_CERTIFICATE", "SOCKET", "WANTED", "find_page"]

#: The file in which a page that runs says where it is.
ADDRESS: Final = "page.json"
#: The units of the installed page; docs/service.md says what each is for.
SOCKET: Final = "edge-fer-web.socket"
SERVICE: Final = "edge-fer-web.service"
PREPARED: Final = "edge-fer-web-prepare.service"
#: A file that is there while the installed page is to be served. Everybody may look for it.
WANTED: Final = Path("/run/edge-fer-web/wanted")
#: Beside it, a copy of the certificate that the page shows to browsers.
SHOWN_CERTIFICATE: Final = "page.pem"


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
