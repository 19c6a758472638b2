"""`edge-fer-notify SPOOL`: the sender, a process of its own that alone loads Apprise and alone reads the addresses."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from edge_fer.errors import EdgeFerError, NotifyError
from edge_fer.notify.delivery import INSTALL, AppriseDelivery, is_installed
from edge_fer.notify.sender import Deliver, Delivered, NotifySender, SenderTarget
from edge_fer.notify.spool import FILE, Prepared, Spool
from edge_fer.support.harmless import harmless
from edge_fer.support.redact import redacted_text
from edge_fer.support.signal_flag import SignalFlag

#: Seconds that what is under way has to come to its end.
_GRACE = 20.0

_DESCRIPTION = """\
Sends the notifications that the daemon has put into its spool, and ends when none waits. The daemon or systemd starts
it; there is no need to do so by hand.
"""


class _SenderLines(logging.Formatter):
    """One harmless line, with the priority before it that the journal heeds."""

    def format(self, record: logging.LogRecord) -> str:
        text = redacted_text(harmless(super().format(record)))
        urgency = 3 if record.levelno >= logging.ERROR else 4 if record.levelno >= logging.WARNING else 6
        return f"<{urgency}>{text}" if os.environ.get("JOURNAL_STREAM") else f"edge-fer-notify: {text}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Sends until nothing waits; the exit status: 1 where the spool cannot be used."""
    parser = argparse.ArgumentParser(prog="edge-fer-notify", description=_DESCRIPTION)
    parser.add_argument("spool", metavar="SPOOL", type=Path, help="the folder of what waits")
    spool = Spool(parser.parse_args(arguments).spool)
    handler = logging.StreamHandler()
    handler.setFormatter(_SenderLines("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    try:
        if _is_alone(spool):
            _send(spool)
    except EdgeFerError as error:
        logging.getLogger(__name__).error("%s", error)  # noqa: TRY400 - says all there is to say
        return error.exit_code
    return 0


def _send(spool: Spool) -> None:
    if not (spool.folder / FILE).is_file():
        spool.clear_wake()
        return
    noted = spool.noted("settings") or {}
    deliver: Deliver = AppriseDelivery(str(noted.get("node", ""))) if is_installed() else _without_apprise
    sender = NotifySender(spool, deliver, time.time)

    asked = SignalFlag()

    def stop(_number: int, _frame: FrameType | None) -> None:
        sender.stop()
        asked.set()

    def end() -> None:
        asked.wait()
        # a server that hangs must not hold up the end: what was not taken goes out again, with the same id
        time.sleep(_GRACE)
        os._exit(0)

    # before it is needed, because a handler must not start a thread
    threading.Thread(target=end, name="ending", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    sender.run()


def _without_apprise(_target: SenderTarget, _prepared: Prepared) -> Delivered:
    return Delivered(taken=False, problem=f"Apprise is not installed. {INSTALL}", slow=True)


def _is_alone(spool: Spool) -> bool:
    """Whether no other sender works on this spool; holds that until the process ends.

    Raises:
        NotifyError: the folder cannot be used.
    """
    try:
        handle = os.open(spool.folder / "sender.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        msg = f"the spool {spool.folder} cannot be used: {error.strerror}"
        raise NotifyError(msg, remedy="Name the folder that the daemon puts notifications into") from None
    return True


if __name__ == "__main__":
    sys.exit(main())
