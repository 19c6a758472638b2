"""Reads a source in a thread of its own, because a read that is stuck in a driver can only be left behind."""

from __future__ import annotations

import threading
from contextlib import closing

from edge_fer.capture.port import SourcePort
from edge_fer.capture.slot import FileSlot, SlotClosedError

__all__ = ["Reader"]


class Reader(threading.Thread):
    """Reads a source in a thread of its own, which may be left behind.

    Attributes:
        slot: where its frames go; closed when there will be no more.
        error: why there will be no more, unless the source came to its end; to be read once the slot is closed.
    """

    def __init__(self, name: str, source: SourcePort) -> None:
        super().__init__(name=f"read-{name}", daemon=True)
        self.slot = FileSlot()
        self.error: Exception | None = None
        self._source = source

    def run(self) -> None:
        """Hands over what comes until the source ends, fails, or is not wanted any more."""
        try:
            with closing(self._source.frames()) as frames:
                for frame in frames:
                    self.slot.put(frame)
        except SlotClosedError:
            pass  # left behind; the source is closed by now
        except Exception as error:  # noqa: BLE001  whatever a driver raises, the camera is lost, not its thread
            self.error = error
        finally:
            self.slot.close()

    def leave(self, grace: float) -> None:
        """Lets it end as soon as its read returns, and waits for that for `grace` seconds."""
        self.slot.close()
        if self.is_alive():
            self.join(grace)
