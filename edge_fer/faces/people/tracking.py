"""Following people from frame to frame by where their faces are, and by nothing else.

In the manner of SORT (Bewley et al., "Simple online and realtime tracking", ICIP 2016): predict where each face
should be, pair predictions with the faces found, start tracks for those left over. Faces are never compared by looks,
so that nobody can be recognised when they come again.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge_fer.faces.people.assignment import assign
from edge_fer.faces.people.motion import Motion, SteadyMotion
from edge_fer.types import Box, Face, Instant, Track

__all__ = ["MAX_GAP", "Tracker", "TrackingStep", "box_distance", "random_id"]

#: The longest time between two frames of a camera that is not slow over which people are followed, seconds.
MAX_GAP = 2.0
#: So many times the usual time between two frames, and at least so many seconds, is a gap in the stream.
GAP_TIMES, SHORTEST_GAP = 4.0, 0.3
#: What is usual is learned from about so many frames.
USUAL_OVER = 10
#: How much further a face may be from where it should be, for each second of a gap: somebody who walks past moves by
#: six widths of their face a second, and the distance of each is a half.
GAP_REACH = 3.0
#: How many times larger or smaller the area of a face may be after a gap.
GAP_SIZE = 4.0


@dataclass(frozen=True, slots=True)
class TrackingStep:
    """What one frame did to the people followed.

    Attributes:
        visible: confirmed and found or followed in this frame, longest in view first.
        coasting: confirmed, not found in this frame, still waited for.
        appeared: confirmed by this frame; also in `visible`.
        left: given up with this frame, as last found; in neither of the above, and never seen again under this id.
        unconfirmed: how many faces were found that may yet become persons.
    """

    visible: tuple[Track, ...] = ()
    coasting: tuple[Track, ...] = ()
    appeared: tuple[Track, ...] = ()
    left: tuple[Track, ...] = ()
    unconfirmed: int = 0


def random_id() -> str:
    """Eight hexadecimal digits that say nothing about anybody."""
    return secrets.token_hex(4)


def box_distance(predicted: Box, found: Box) -> float:
    """How unlike two boxes are: 0 for the same one, 1 for neighbours side by side, more beyond.

    Half of it is 1 - IoU, which minds the size too, half the distance of the centres in sides of the mean box, which
    still tells near from far where boxes no longer overlap: at few frames a second, a face moves by its own width.
    """
    width, height, other_width, other_height = predicted.width, predicted.height, found.width, found.height
    right = found.x - predicted.x + (other_width - width) / 2
    down = found.y - predicted.y + (other_height - height) / 2
    side = math.sqrt((width * height + other_width * other_height) / 2)
    return (1 - predicted.iou(found) + math.hypot(right, down) / side) / 2


class _TrackState:
    """A track in the making, or made: the one mutable thing here."""

    def __init__(self, face: Face, at: Instant, motion: Motion) -> None:
        self.id: str | None = None
        self.face = face
        self.since = self.seen = at
        self.found_at = at.mono
        self.hits = 1
        self.missed_since: float | None = None
        self.unseen = 0.0  # seconds of gaps since the face was seen last
        self.motion = motion

    def found(self, face: Face, at: Instant) -> None:
        self.followed(face, at)
        self.found_at = at.mono
        self.hits += 1

    def followed(self, face: Face, at: Instant) -> None:
        self.motion.observe(face.box, at.mono)
        self.face = face
        self.seen = at
        self.missed_since = None
        self.unseen = 0.0

    def missed(self, mono: float) -> None:
        if self.missed_since is None:
            self.missed_since = mono

    def out_of_sight(self, mono: float) -> float:
        """Seconds since the first frame in a row that missed the face."""
        return 0.0 if self.missed_since is None else mono - self.missed_since

    def track(self) -> Track:
        assert self.id is not None  # noqa: S101  only confirmed people are told about
        return Track(self.id, self.face, self.since, self.seen)


class Tracker:
    """Gives each person in view one id for as long as they stay.

    A face becomes a person once it was found `confirm` times, and one leaves after being missed for longer than
    `max_missed`. Time out of sight counts from the first frame that missed the face, so that slow and uneven frame
    rates lose nobody; but where there was no frame at all for longer than `max_gap`, whoever is seen afterwards is
    somebody new. After a shorter gap in the stream, as damaged pictures leave it, a person may have moved far: where
    one face alone could be theirs, and it could be nobody else's, it is taken for theirs. Time is `Instant.mono` and
    nothing else; should it run backward, it stands still.

    Between two searches, and where a search misses a person, their face may have been followed by other means; that
    keeps a person who was found within the last `max_followed` in view, but makes nobody a person.

    No more than `max_tracks` faces are followed. Beyond that, those not yet confirmed are dropped, the least confident
    first and of equals the newest; a person once confirmed is never dropped for another.

    Args:
        confirm: how many times a face must be found before it counts as a person, from 1 on.
        max_missed: how long a person who is not found is waited for, seconds.
        max_missed_unconfirmed: the same for a face not yet confirmed, seconds.
        max_followed: how long a person may stay in view by being followed alone, seconds.
        max_gap: the longest time between two frames over which people are followed, seconds; at least `max_missed`.
        max_distance: how far a face may be from where it should be, in the unit of `distance`.
        max_tracks: how many faces are followed at most.
        distance: how unlike a predicted and a found box are; 0 is the same, more than `max_distance` somebody else.
        motion: what guesses the next box of a face found first at (box, mono).
        new_id: makes the id of a person; must never give one twice.
    """

    def __init__(
        self,
        *,
        confirm: int = 3,
        max_missed: float = 1.0,
        max_missed_unconfirmed: float = 0.25,
        max_followed: float = 10.0,
        max_gap: float = MAX_GAP,
        max_distance: float = 0.8,
        max_tracks: int = 32,
        distance: Callable[[Box, Box], float] = box_distance,
        motion: Callable[[Box, float], Motion] = SteadyMotion,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._confirm = confirm
        self._max_missed = max_missed
        self._max_missed_unconfirmed = max_missed_unconfirmed
        self._max_followed = max_followed
        # who is to be waited for while others are seen, is also waited for while nobody can be
        self._max_gap = max(max_gap, max_missed)
        self._max_distance = max_distance
        self._max_tracks = max_tracks
        self._distance = distance
        self._motion = motion
        self._new_id = new_id
        self._people: list[_TrackState] = []
        self._last: Instant | None = None
        self._usual: float | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many faces were not followed because there were too many, counted anew in each frame."""
        return self._dropped

    def expected(self, at: Instant) -> dict[str, Box]:
        """Where the faces of persons should be in the frame of `at`, by id."""
        return {person.id: person.motion.predict(at.mono) for person in self._people if person.id is not None}

    def update(
        self, faces: Sequence[Face] | None, at: Instant, followed: Mapping[str, Face] | None = None
    ) -> TrackingStep:
        """Takes in a frame.

        Args:
            faces: found in it, in any order; None, where it was not searched.
            at: when it was captured.
            followed: faces of persons that were followed into it, by id.
        """
        if self._last is not None and at.mono < self._last.mono:
            at = self._last
        left = self._give_up(at.mono)
        self._notice_gap(at.mono)
        self._last = at

        confirmed = [person for person in self._people if person.id is not None]
        unconfirmed = [person for person in self._people if person.id is None]
        # whoever is known chooses first, so that a passing false alarm takes nobody's face away
        rest = self._pair(confirmed, faces or (), at)
        rest = self._pair_over_gap(confirmed, rest, at)
        if faces is not None:  # who is not sought is not missed, and nobody but persons is followed
            rest = self._pair(unconfirmed, rest, at)
        self._keep_followed(followed or {}, faces or (), at)
        self._people += [_TrackState(face, at, self._motion(face.box, at.mono)) for face in rest]
        self._drop_surplus()
        appeared = self._confirm_found()

        known = [(person, person.track()) for person in self._people if person.id is not None]
        return TrackingStep(
            visible=tuple(track for person, track in known if person.missed_since is None),
            coasting=tuple(track for person, track in known if person.missed_since is not None),
            appeared=tuple(person.track() for person in appeared),
            left=tuple(person.track() for person in left),
            unconfirmed=len(self._people) - len(known),
        )

    def rest(self, at: Instant) -> None:
        """Takes in a frame in which nothing has moved: everybody stands where they were seen last."""
        if self._last is None or at.mono > self._last.mono:
            self._notice_gap(at.mono)
            self._last = at
            for person in self._people:
                person.motion.observe(person.face.box, at.mono)

    def clear(self) -> tuple[Track, ...]:
        """Gives up everybody, and returns those who were confirmed; whoever is seen afterwards is somebody new."""
        left = tuple(person.track() for person in self._people if person.id is not None)
        self._people = []
        self._last = None
        return left

    def _give_up(self, mono: float) -> list[_TrackState]:
        """Forgets those out of sight for too long, and returns those of them who were confirmed."""
        lost_all = self._last is not None and mono - self._last.mono > self._max_gap
        stay: list[_TrackState] = []
        gone: list[_TrackState] = []
        for person in self._people:
            patience = self._max_missed_unconfirmed if person.id is None else self._max_missed
            overdue = lost_all or person.out_of_sight(mono) > patience
            (gone if overdue else stay).append(person)
        self._people = stay
        return [person for person in gone if person.id is not None]

    def _pair(self, people: Sequence[_TrackState], faces: Sequence[Face], at: Instant) -> list[Face]:
        """Gives each of the people their face of this frame, or none; returns the faces left over."""
        expected = [person.motion.predict(at.mono) for person in people]
        costs = [[self._distance(box, face.box) for face in faces] for box in expected]
        pairs = dict(assign(costs, limit=self._max_distance))
        for index, person in enumerate(people):
            if index in pairs:
                person.found(faces[pairs[index]], at)
            else:
                person.missed(at.mono)
        taken = set(pairs.values())
        return [face for index, face in enumerate(faces) if index not in taken]

    def _notice_gap(self, mono: float) -> None:
        """Adds an unusually long time without a frame to how long each person could not be seen."""
        if self._last is None:
            return
        elapsed = mono - self._last.mono
        if self._usual is not None and elapsed >= max(SHORTEST_GAP, GAP_TIMES * self._usual):
            for person in self._people:
                person.unseen += elapsed
        # a gap counts as little as a frame does, so that what is slow from now on is usual soon
        usual = elapsed if self._usual is None else self._usual
        self._usual = usual + (min(elapsed, 2 * usual) - usual) / USUAL_OVER if usual else elapsed

    def _pair_over_gap(self, people: Sequence[_TrackState], faces: Sequence[Face], at: Instant) -> list[Face]:
        """Gives those whom a gap hid their face where there is no choice; returns the faces left over."""
        hidden = [person for person in people if person.unseen and person.missed_since is not None]
        near = [[face for face in faces if self._may_be(person, face, at)] for person in hidden]
        taken = []
        for person, found in zip(hidden, near, strict=True):
            if len(found) == 1 and sum(found[0] in others for others in near) == 1:
                person.found(found[0], at)
                taken.append(found[0])
        return [face for face in faces if face not in taken]

    def _may_be(self, person: _TrackState, face: Face, at: Instant) -> bool:
        area, before = face.box.area, person.face.box.area
        if not before <= GAP_SIZE * area <= GAP_SIZE**2 * before:
            return False
        limit = self._max_distance + GAP_REACH * person.unseen
        return self._distance(person.motion.predict(at.mono), face.box) <= limit

    def _keep_followed(self, followed: Mapping[str, Face], faces: Sequence[Face], at: Instant) -> None:
        """Keeps those in view who were followed and not found, unless their face was found as somebody else's."""
        for person in self._people:
            face = followed.get(person.id or "")
            if face is None or person.found_at == at.mono or at.mono - person.found_at > self._max_followed:
                continue
            if all(self._distance(face.box, other.box) > self._max_distance / 2 for other in faces):
                person.followed(face, at)

    def _drop_surplus(self) -> None:
        surplus = len(self._people) - self._max_tracks
        if surplus <= 0:
            return
        # people are kept oldest first, and the sort keeps the order of equals
        unconfirmed = [person for person in reversed(self._people) if person.id is None]
        worst = sorted(unconfirmed, key=lambda person: person.face.confidence)[:surplus]
        self._people = [person for person in self._people if person not in worst]
        self._dropped += len(worst)

    def _confirm_found(self) -> list[_TrackState]:
        """Makes persons of the faces found often enough, and returns them."""
        appeared = [person for person in self._people if person.id is None and person.hits >= self._confirm]
        for person in appeared:
            person.id = self._new_id()
        return appeared
