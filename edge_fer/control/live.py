"""A live view: what one person gets to see of one camera for a limited time, over the connection that asked for it."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any, Final, Literal

from pydantic import Field

from edge_fer.contract.messages import rfc3339
from edge_fer.contract.messages.base import Count, Fraction, Moment, Number, Part
from edge_fer.control.pixels import jpeg_of, pixelated
from edge_fer.faces.reading.quality import grey_levels, light, sharpness
from edge_fer.pipeline.step import Search, Told
from edge_fer.types import Box, Doubt, Face, Frame, Image, Instant, QualityFault, Reading, View

__all__ = ["FaceSeen", "LiveEnd", "LiveFrame", "LiveNeeds", "LiveView"]

log = logging.getLogger(__name__)

#: Seconds between two frames that are shown, at the least.
SHOW_EVERY: Final = 0.2
#: Seconds for which a place stays pixelated after a face was last found there.
STAYS_HIDDEN: Final = 2.0
#: A face that is found again is still at the same place from this overlap (IoU) on.
SAME_PLACE: Final = 0.5
#: A face that was found is the one that was read from this overlap (IoU) on.
SAME_FACE: Final = 0.3
#: Faces that are told of one frame; places that are kept in mind.
MOST_FACES, MOST_PLACES = 32, 128


class LiveEnd(StrEnum):
    """Why a live view ended."""

    ASKED = "asked"
    TIME = "time"
    GONE = "gone"
    ELSEWHERE = "elsewhere"
    RESTART = "restart"
    FAULT = "fault"


class FaceSeen(Part):
    """A face in a frame of a live view."""

    box: list[Number] = Field(description="x, y, width and height in pixels of the camera's picture.")
    state: Literal["read", "unreadable", "unconfirmed", "lifeless", "missed"] = Field(
        description="read; unreadable, see `faults`; unconfirmed: not found often enough yet to be a person; lifeless: "
        "it never changes, as on a poster; missed: somebody who was not found in this very frame, where they were last."
    )
    pixels: Count = Field(description="Width of the face in pixels, the smaller of its two sides.")
    brightness: Count | None = Field(description="Grey level of its bright parts, 0 to 255; null: not measured.")
    sharpness: Number | None = Field(description="Share of its contrast that is in its edges; null: not measured.")
    faults: list[QualityFault] = Field(description="Why it cannot be read; empty: it can be, or nobody tried.")
    emotion: str | None = Field(description="Leading emotion, or `uncertain`; null: nobody tried.")
    confidence: Fraction | None = Field(description="Score of the leading emotion; null: nobody tried.")
    doubt: Doubt | None = Field(description="Why a face that can be read is `uncertain`; null: it is not.")


class LiveFrame(Part):
    """One frame of a live view."""

    camera: str = Field(description="The camera.")
    ts: Moment = Field(description="Time of capture: RFC 3339, UTC, milliseconds.")
    size: list[Count] = Field(description="Width and height of the camera's picture in pixels.")
    picture: str | None = Field(
        description="The picture as JPEG in Base64, at most 640 pixels wide and high, faces pixelated; null: "
        "`privacy.live` is boxes."
    )
    searched: bool = Field(description="Whether this very frame was searched for faces; else they were followed.")
    view: View | None = Field(description="What the camera gets to see at all; null: not watched, or not known.")
    brightness: Count = Field(description="Mean grey level of the whole picture, 0 to 255.")
    faces: list[FaceSeen] = Field(description="Faces that were found, whatever became of them.")


class LiveNeeds(Part):
    """What a face must have so that it is read, by the config."""

    pixels: Number = Field(description="Width in pixels (`faces.min_size`).")
    brightness: Count = Field(description="Grey level that its bright parts must reach (`faces.quality`).")
    sharpness: Number = Field(description="Share of its contrast that must be in its edges (`faces.quality`).")


@dataclass(slots=True)
class _HiddenPlace:
    """Where a face was, and when it was last found there."""

    box: Box
    seen: float


class LiveView:
    """Shows frames of one camera to one connection, until its time is up or somebody ends it.

    Frames come from the pipeline's thread. Everything else may come from any other.

    Args:
        camera: its name.
        name: who looks.
        until: when it ends, in monotonic seconds.
        pictures: whether it shows pictures, and not boxes alone.
        clock: the machine's.
        allowed: whether the privacy policy allows it still.
        take: gets what is to be shown; must return at once.

    Attributes:
        camera: as given.
        name: as given.
        began: when it began, in monotonic seconds.
        shown: how many frames were shown.
    """

    def __init__(
        self,
        camera: str,
        name: str,
        *,
        until: float,
        pictures: bool,
        clock: Callable[[], Instant],
        allowed: Callable[[float], bool],
        take: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self.camera = camera
        self.name = name
        self.began = clock().mono
        self.shown = 0
        self._until = until
        self._pictures = pictures
        self._clock = clock
        self._allowed = allowed
        self._take = take
        self._lock = Lock()
        self._ended: LiveEnd | None = None
        self._due = self.began
        self._readings: tuple[Reading, ...] = ()
        self._places: list[_HiddenPlace] = []

    @property
    def over(self) -> LiveEnd | None:
        """Why it is over; None while it is not."""
        if self._ended is None and self._clock().mono >= self._until:
            self.end(LiveEnd.TIME)
        return self._ended

    def end(self, why: LiveEnd) -> bool:
        """Ends it: nothing is shown any more. Says whether it was not over before."""
        with self._lock:
            first = self._ended is None
            self._ended = self._ended or why
        return first

    def offer(self, frame: Frame, told: Told, search: Search | None) -> None:
        """Shows a frame, if it is time for one. Never fails."""
        if self.over:
            return
        try:
            searched = search if search is not None and search.at == frame.at else None
            self._note(told, searched, frame.at.mono)
            now = self._clock().mono
            # a little early will do: cameras do not keep time exactly
            if now < self._due - SHOW_EVERY / 10:
                return
            self._due = max(self._due, now - SHOW_EVERY) + SHOW_EVERY
            shown = self._shown(frame, told, searched).model_dump(mode="json")
        except Exception:
            log.exception("camera %s: its live view failed", self.camera)
            self.end(LiveEnd.FAULT)
            return
        with self._lock:
            # what was made while it ended is shown to nobody
            if self._ended is None and now < self._until and self._allowed(now):
                self.shown += 1
                self._take(shown)

    def _note(self, told: Told, searched: Search | None, now: float) -> None:
        """Keeps in mind where faces are: one that is not found for a moment must stay pixelated."""
        if told.readings is None:
            # nothing moved, so everybody is where they were
            for place in self._places:
                place.seen = max(place.seen, now - STAYS_HIDDEN / 2)
            return
        self._readings = told.readings
        boxes = [reading.box for reading in told.readings if reading.box]
        boxes += [track.face.box for track in told.missed]
        boxes += [face.box for face in searched.found] if searched else []
        # the margin around a face hides where it just was
        kept = [
            place
            for place in self._places
            if 0 <= now - place.seen <= STAYS_HIDDEN and all(place.box.iou(box) < SAME_PLACE for box in boxes)
        ]
        self._places = [*kept, *(_HiddenPlace(box, now) for box in boxes)][-MOST_PLACES:]

    def _shown(self, frame: Frame, told: Told, searched: Search | None) -> LiveFrame:
        height, width = frame.image.shape[:2]
        picture = None
        if self._pictures:
            hidden = pixelated(frame.image, (place.box for place in self._places))
            picture = base64.b64encode(jpeg_of(hidden)).decode()
        return LiveFrame(
            camera=self.camera,
            ts=rfc3339(frame.at.utc),
            size=[width, height],
            picture=picture,
            searched=searched is not None,
            view=told.view,
            brightness=round(float(frame.overview[::8, ::8].mean())),
            faces=list(self._faces(frame.image, told, searched))[:MOST_FACES],
        )

    def _faces(self, image: Image, told: Told, searched: Search | None) -> Iterator[FaceSeen]:
        known: list[Box] = []
        for reading in self._readings:
            if reading.box:
                known.append(reading.box)
                yield _face_read(image, reading, reading.box)
        for track in told.missed:
            known.append(track.face.box)
            yield _face_found(image, track.face, "missed")
        for face in searched.found if searched else ():
            if searched and face in searched.lifeless:
                yield _face_found(image, face, "lifeless")
            elif all(face.box.iou(box) < SAME_FACE for box in known):
                yield _face_found(image, face, "unconfirmed")


def _face_read(image: Image, reading: Reading, box: Box) -> FaceSeen:
    return FaceSeen(
        **_measured(image, box),
        state="unreadable" if reading.quality.faults else "read",
        faults=list(reading.quality.faults),
        emotion=reading.label,
        confidence=reading.confidence,
        doubt=reading.doubt,
    )


def _face_found(image: Image, face: Face, state: Literal["unconfirmed", "lifeless", "missed"]) -> FaceSeen:
    return FaceSeen(**_measured(image, face.box), state=state, faults=[], emotion=None, confidence=None, doubt=None)


def _measured(image: Image, box: Box) -> dict[str, Any]:
    height, width = image.shape[:2]
    left, top = max(0, int(box.x)), max(0, int(box.y))
    right, bottom = min(width, int(box.x + box.width)), min(height, int(box.y + box.height))
    part = image[top : max(top, bottom), left : max(left, right)]
    measured: dict[str, Any] = {"brightness": None, "sharpness": None}
    if min(part.shape[:2]) > 1:
        levels = grey_levels(part)
        measured = {"brightness": round(light(levels)[1]), "sharpness": sharpness(levels)}
    return {
        "box": [box.x, box.y, box.width, box.height],
        "pixels": round(min(box.width, box.height)),
        **measured,
    }
