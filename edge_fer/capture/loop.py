"""Keeps one camera's frames coming: reads, hands over, notices losses and stalls, and tries again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from edge_fer.capture.port import SourcePort
from edge_fer.capture.reader import Reader
from edge_fer.capture.slot import Slot, SlotClosedError
from edge_fer.capture.transform import Flip, Rotation, transform
from edge_fer.capture.view.freeze import StillPicture
from edge_fer.capture.zones import EVERYWHERE, Zones
from edge_fer.clock.system import Clock
from edge_fer.errors import SourceError, SourceLostError, SourceStalledError, SourceStuckError
from edge_fer.support.backoff import Backoff
from edge_fer.types import Frame, Image, Instant

__all__ = ["CaptureLoop", "CaptureState", "LoopSettings", "OnState"]

log = logging.getLogger(__name__)

#: Reads that never came back and may be left behind before the source is not opened again: each holds a thread, and
#: often the device too.
MOST_STUCK = 4
#: Seconds that a reader which is not known to be stuck is given to let go of its device.
GRACE = 2.0


class CaptureState(StrEnum):
    """How a camera is."""

    STARTING = "starting"
    ONLINE = "online"
    LOST = "lost"
    PAUSED = "paused"
    ENDED = "ended"


#: Told of every change of state, with the reason: empty for `online` and for a recording that is over.
OnState: TypeAlias = Callable[[CaptureState, str], None]


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How a loop treats its source and its pictures.

    Attributes:
        stall_after: seconds without a frame after which a live source that worked counts as stalled; more than it takes
            from one frame to the next.
        start_within: seconds in which its first frame must come; streams take long to open.
        realtime: hold each frame back until its own time has come; for recordings.
        rotate: degrees clockwise to turn the pictures by.
        flip: how to mirror them after that.
        zones: what of them may be looked at, after that; the rest is blanked before anybody gets to see it.
        poll: longest wait within a pass, in seconds.
    """

    stall_after: float = 10.0
    start_within: float = 30.0
    realtime: bool = False
    rotate: Rotation = 0
    flip: Flip = "none"
    zones: Zones = EVERYWHERE
    poll: float = 0.25


class CaptureLoop:
    """Runs one source for as long as it is wanted.

    The source is read in a thread of its own, because a read that is stuck inside a driver can neither be seen nor
    ended from its own thread. The loop waits for that thread with a time limit, and when it is silent for too long
    leaves it behind (it ends by itself if its read ever returns) and opens the source anew.

    A live source that is lost, stalls, or whose driver raises something unforeseen, is tried again for ever, with
    growing waits. One that can never work, and did not work before, ends the loop, and so does one that hangs in its
    driver for good. So does any fault of a recording, which could only be begun anew, and would tell everything twice.

    Args:
        name: the camera's name in the config.
        source: where its frames come from.
        slot: where they go; closed when the loop ends.
        clock: the machine's.
        settings: how it treats source and pictures.
        on_state: called from the loop's thread on every change of state, and when the reason of a loss changes.
        on_pass: called from the loop's thread on every pass, while waiting too, at least about every `poll` seconds
            (a few seconds apart only while an old reader lets go); for a watchdog.
        backoff: how long to wait before trying again.

    Attributes:
        state: how the camera is.
        reason: why, where it is lost or ended with a fault.
        error: the fault that ended the loop, if one did.
        frames: frames put into the slot.
        skipped: frames that the source left out because fewer a second are wanted.
        stalls: how often it fell silent without a word.
        losses: how often it was lost after it had worked, stalls among them.
        last_frame: when the latest frame was captured.
    """

    def __init__(
        self,
        name: str,
        source: SourcePort,
        slot: Slot,
        *,
        clock: Clock,
        settings: LoopSettings | None = None,
        on_state: OnState = lambda _state, _reason: None,
        on_pass: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
    ) -> None:
        self.name = name
        self.slot = slot
        self.state = CaptureState.STARTING
        self.reason = ""
        self.error: SourceError | None = None
        self.frames = 0
        self.skipped = 0
        self.stalls = 0
        self.losses = 0
        self.last_frame: Instant | None = None
        self._source = source
        self._clock = clock
        self._settings = settings or LoopSettings()
        self._on_state = on_state
        self._on_pass = on_pass
        self._backoff = backoff or Backoff(most=30.0)
        self._paused = threading.Event()
        self._refused: StillPicture | None = None
        self._worked = False
        self._heard = 0.0  # seconds on the monotonic clock when something last came, or was begun
        self._online_since = 0.0
        self._left_behind: list[Reader] = []

    @property
    def dropped(self) -> int:
        """Frames that the pipeline was too slow to take."""
        return self.slot.dropped

    @property
    def stuck(self) -> int:
        """Reads that never came back, and drivers that hang; while there are any, end the process with os._exit."""
        hangs = isinstance(self.error, SourceStuckError)
        return sum(reader.is_alive() for reader in self._left_behind) + hangs

    def pause(self) -> None:
        """Lets go of a live source until `resume`; from any thread. A recording goes on: it could only begin anew."""
        self._paused.set()

    def resume(self) -> None:
        """Ends a pause; from any thread."""
        self._paused.clear()

    def refuse(self, picture: StillPicture) -> None:
        """Takes a live source for lost that sends this picture again and again, until it sends another; any thread."""
        if self._source.live:
            self._refused = picture

    def run(self, stop: threading.Event) -> None:
        """Captures until the recording is over, the source failed for good, the slot is closed, or `stop` is set."""
        try:
            while not stop.is_set():
                if self._resting:
                    self._rest(stop)
                    continue
                try:
                    over = self._capture(stop)
                except SourceError as error:
                    if stop.is_set():  # what breaks while everything is being put away is no loss
                        return
                    if self._final(error):
                        self.error = error
                        self._report(CaptureState.ENDED, str(error))
                        return
                    self._lose(error)
                    self._wait(self._backoff.failed(), stop)
                else:
                    if over:
                        return
        except SlotClosedError:
            log.debug("camera %s: nobody takes its frames any more", self.name)
        finally:
            self.slot.close()

    @property
    def _resting(self) -> bool:
        return self._source.live and self._paused.is_set()

    def _rest(self, stop: threading.Event) -> None:
        self._report(CaptureState.PAUSED, "")
        while self._resting and not stop.wait(self._settings.poll):
            self._on_pass()

    def _capture(self, stop: threading.Event) -> bool:
        """One run of the source, from opening it until it ends, fails, or is not wanted any more.

        Returns:
            Whether it came to its end.
        """
        reader = self._open()
        grace = GRACE
        try:
            patience = self._settings.start_within
            upcoming = 0
            while not (stop.is_set() or self._resting):
                frame = reader.slot.take(self._settings.poll)
                if frame is not None:
                    frame = self._prepared(frame)
                    if self._is_refused(frame):
                        self._on_pass()
                        continue
                    self._came_online()
                    patience = self._settings.stall_after
                    self.skipped += frame.index - upcoming
                    upcoming = frame.index + 1
                    self._hand_over(frame, stop)
                    self._heard = self._clock().mono
                elif reader.slot.closed:
                    self._over(reader)
                    return True
                elif self._source.live and (silent := self._clock().mono - self._heard) > patience:
                    self.stalls += 1
                    grace = 0.0
                    msg = f"camera {self.name} has sent nothing for {silent:.0f} s"
                    raise SourceStalledError(msg, remedy="Check its cable, power and network")
                self._on_pass()
            return False
        finally:
            reader.leave(grace)
            if reader.is_alive():
                self._left_behind.append(reader)

    def _is_refused(self, frame: Frame) -> bool:
        """Whether it is the picture that nobody wants to see again."""
        if self._refused is None:
            return False
        if not self._refused.is_in(frame):
            self._refused = None
            return False
        if self.state is CaptureState.ONLINE or self._clock().mono - self._heard > self._settings.start_within:
            msg = f"camera {self.name} sends the very same picture again and again"
            raise SourceLostError(msg, remedy="Switch it off and on; its picture has frozen")
        return True

    def _open(self) -> Reader:
        self._left_behind = [reader for reader in self._left_behind if reader.is_alive()]
        if len(self._left_behind) >= MOST_STUCK:
            msg = f"camera {self.name}: {MOST_STUCK} reads are stuck in its driver"
            raise SourceStalledError(msg, remedy="Restart the daemon; if that does not help, the camera")
        self._heard = self._clock().mono
        reader = Reader(self.name, self._source)
        reader.start()
        return reader

    def _over(self, reader: Reader) -> None:
        match reader.error:
            case None if self._source.live:
                msg = f"camera {self.name} has stopped sending"
                raise SourceLostError(msg)
            case None:
                self._report(CaptureState.ENDED, "")
            case SourceStalledError() as error:
                self.stalls += 1
                raise error
            case SourceError() as error:
                raise error
            case error:
                msg = f"camera {self.name}: its driver failed with {type(error).__name__}: {error}"
                raise SourceLostError(msg) from error

    def _hand_over(self, frame: Frame, stop: threading.Event) -> None:
        # numbered through, however often the source was opened
        frame = replace(frame, index=self.frames)
        if self._settings.realtime:
            self._wait(frame.at.mono - self._clock().mono, stop)
        while not stop.is_set():
            if self.slot.put(frame, self._settings.poll):
                self.frames += 1
                self.last_frame = frame.at
                return
            self._on_pass()

    def _prepared(self, frame: Frame) -> Frame:
        """Turned, mirrored and blanked."""
        settings = self._settings
        if not settings.rotate and settings.flip == "none" and settings.zones == EVERYWHERE:
            return frame

        def seen(image: Image) -> Image:
            return settings.zones.blank(transform(image, rotate=settings.rotate, flip=settings.flip))

        small = None if frame.small is None else seen(frame.small)
        return replace(frame, pixels=seen(frame.image), small=small)

    def _wait(self, seconds: float, stop: threading.Event) -> None:
        while seconds > 0 and not stop.wait(min(seconds, self._settings.poll)):
            seconds -= self._settings.poll
            self._on_pass()

    def _final(self, error: SourceError) -> bool:
        # a camera that worked may be there again with other rights: udev sets them a moment after the device appears
        # one that hangs can only be opened by another process
        stuck = isinstance(error, SourceStuckError)
        return stuck or not self._source.live or not (self._worked or isinstance(error, SourceLostError))

    def _came_online(self) -> None:
        if self.state is not CaptureState.ONLINE:
            self._worked = True
            self._online_since = self._clock().mono
            self._report(CaptureState.ONLINE, "")

    def _lose(self, error: SourceError) -> None:
        if self.state is CaptureState.ONLINE:
            self.losses += 1
            # one that comes and goes within seconds is not asked more and more often
            if self._clock().mono - self._online_since > self._backoff.most:
                self._backoff.succeeded()
        self._report(CaptureState.LOST, str(error))

    def _report(self, state: CaptureState, reason: str) -> None:
        if (state, reason) == (self.state, self.reason):
            return
        self.state, self.reason = state, reason
        level = logging.WARNING if reason else logging.INFO
        what = reason and f": {reason}"
        log.log(level, "camera %s is %s%s", self.name, state, what, extra={"camera": self.name})
        self._on_state(state, reason)
