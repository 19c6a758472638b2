"""The capture loop with a source that breaks in each of its ways; its waits pass in invented time."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import numpy as np
import pytest

from edge_fer.capture.loop import MOST_STUCK, CaptureLoop, CaptureState, LoopSettings
from edge_fer.capture.slot import FileSlot, LiveSlot
from edge_fer.errors import SourceError, SourceLostError
from edge_fer.support.backoff import Backoff
from tests.capture.broken import BrokenSource, Deliver, Fail, Garble, Stall
from tests.capture.helpers import InventedClock, flat
from tests.capture.recorded import RecordedSource
from tests.fakes.stage import Stage
from tests.mqtt.kit import until

ONLINE, LOST, ENDED = CaptureState.ONLINE, CaptureState.LOST, CaptureState.ENDED
GONE = SourceLostError("the camera is gone", remedy="Plug it in")


def frames(count):
    return lambda stage: stage.loop.frames >= count


@contextmanager
def background(loop, stop):
    thread = threading.Thread(target=loop.run, args=[stop])
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def test_recording_is_handed_over_whole_and_ends():
    stage = Stage([Deliver(50)], live=False).run()
    assert [frame.index for frame in stage.slot.kept] == list(range(50))
    assert stage.said == [(ONLINE, ""), (ENDED, "")]
    assert stage.slot.closed
    assert stage.loop.error is None
    assert stage.loop.frames == 50
    assert stage.loop.last_frame == stage.slot.kept[-1].at
    assert stage.source.closed == stage.source.opened == 1


def test_camera_not_there_at_first_is_tried_until_it_is():
    refused = [[Fail(GONE)]] * 4
    stage = Stage(*refused, [Deliver(3), Stall()], enough=frames(3)).run()
    assert stage.said == [(LOST, str(GONE)), (ONLINE, "")], "the same reason is told once"
    assert sum(stage.stop.waited) == pytest.approx(1 + 2 + 4 + 8)
    assert stage.source.opened == 5
    assert stage.loop.losses == 0, "what never worked is not lost"
    assert stage.passes > 100, "the watchdog is fed while waiting"


def test_camera_that_vanishes_is_found_again():
    stage = Stage([Deliver(5), Fail(GONE)], [Deliver(5), Stall()], enough=frames(10)).run()
    assert stage.said == [(ONLINE, ""), (LOST, "the camera is gone. Plug it in"), (ONLINE, "")]
    assert [frame.index for frame in stage.slot.kept] == list(range(10)), "numbered through"
    assert stage.loop.losses == 1
    assert stage.loop.stalls == 0
    assert stage.loop.error is None


def test_a_new_reason_is_told():
    stage = Stage([Fail(GONE)], [Fail(SourceLostError("another"))], [Deliver(), Stall()], enough=frames(1)).run()
    assert stage.said == [(LOST, str(GONE)), (LOST, "another"), (ONLINE, "")]


def test_camera_whose_stream_just_ends_is_lost():
    stage = Stage([Deliver(2)], [Deliver(1), Stall()], enough=frames(3)).run()
    assert stage.said[1] == (LOST, "camera front has stopped sending")
    assert stage.loop.losses == 1


@pytest.mark.parametrize(
    ("step", "match"),
    [
        (Fail(RuntimeError("bad cable")), "its driver failed with RuntimeError: bad cable"),
        (Garble(), "ValueError: a frame is RGB uint8"),
        (Garble((48, 64, 4)), "ValueError: a frame is RGB uint8"),
        (Fail(MemoryError("no room")), "MemoryError"),
    ],
)
def test_what_a_driver_should_not_do_loses_the_camera_and_not_the_loop(step, match):
    stage = Stage([Deliver(2), step], [Deliver(1), Stall()], enough=frames(3)).run()
    assert stage.states == [ONLINE, LOST, ONLINE]
    assert match in stage.said[1][1]


def test_silent_stall_is_noticed_and_the_camera_opened_anew():
    stage = Stage([Deliver(3), Stall()], [Deliver(3), Stall()], enough=frames(6), stall_after=10)
    # no time passes while frames are to come, however late their thread is
    stage.pass_takes = lambda: float(stage.loop.frames == 3 and not stage.loop.stalls)
    stage.run()
    assert stage.states == [ONLINE, LOST, ONLINE]
    assert "sent nothing for 11 s" in stage.said[1][1]
    assert stage.loop.stalls == 1
    assert stage.loop.losses == 1


def test_reads_that_never_return_are_left_behind_and_let_go_later():
    stage = Stage([Deliver(1), Stall()], enough=lambda stage: len(stage.loop._left_behind) == 2, stall_after=10)
    stage.pass_takes = lambda: float(stage.loop.frames > stage.loop.stalls)
    stuck = []
    stage.loop._on_state = lambda state, _reason: state is LOST and stuck.append(stage.loop.stuck)
    stage.run()
    assert stuck == [1, 2]
    for reader in stage.loop._left_behind:
        reader.join(5)
    assert stage.loop.stuck == 0
    assert stage.source.closed == stage.source.opened, "each let go of its device"


def test_reads_left_behind_are_bounded():
    stage = Stage(
        [Deliver(1), Stall()], stall_after=10, enough=lambda stage: "stuck in its driver" in stage.loop.reason
    )
    stage.pass_takes = lambda: float(stage.loop.frames > stage.loop.stalls)
    stage.run()
    assert stage.source.opened == MOST_STUCK
    assert "Restart the daemon" in stage.loop.reason
    assert stage.loop.stalls == MOST_STUCK


@pytest.mark.parametrize(("start_within", "states"), [(60, [ONLINE]), (20, [LOST])])
def test_first_frame_is_given_more_time(start_within, states):
    stage = Stage([Stall(), Deliver(1), Stall()], stall_after=5, start_within=start_within)
    stage.pass_takes = lambda: 1.0

    def enough(stage):
        if stage.passes == 30:
            stage.source.release()
            stage.pass_takes = lambda: 0.0  # however late the frame's thread is
        return stage.loop.frames or stage.loop.stalls

    stage.enough = enough
    stage.run()
    assert stage.states[:1] == states


def test_stills_far_apart_are_no_stall():
    stage = Stage([Deliver(1), Stall(0.3), Deliver(1)], live=False, stall_after=2)
    stage.pass_takes = lambda: 1.0
    stage.run()
    assert stage.loop.stalls == 0
    assert stage.loop.frames == 2


def test_camera_that_can_never_work_ends_the_loop():
    fault = SourceError("/dev/video0 may not be opened", remedy="Add the user to the group video")
    stage = Stage([Fail(fault)]).run()
    assert stage.loop.error is fault
    assert stage.said == [(ENDED, str(fault))]
    assert stage.slot.closed
    assert stage.stop.waited == []


def test_camera_that_worked_is_tried_again_whatever_is_wrong():
    denied = SourceError("/dev/video0 may not be opened")
    stage = Stage([Deliver(1), Fail(GONE)], [Fail(denied)], [Deliver(1), Stall()], enough=frames(2)).run()
    assert stage.states == [ONLINE, LOST, LOST, ONLINE]
    assert stage.loop.error is None


@pytest.mark.parametrize("fault", [GONE, SourceError("not a video"), RuntimeError("what")])
def test_recording_that_breaks_is_not_begun_anew(fault):
    stage = Stage([Deliver(3), Fail(fault)], live=False).run()
    assert stage.states == [ONLINE, ENDED]
    assert isinstance(stage.loop.error, SourceError)
    assert stage.source.opened == 1
    assert stage.loop.frames == 3


def test_waits_grow_for_a_camera_that_comes_and_goes():
    stage = Stage(*[[Deliver(1), Fail(GONE)]] * 4, [Stall()], enough=lambda stage: stage.source.opened == 5).run()
    assert sum(stage.stop.waited) == pytest.approx(1 + 2 + 4 + 8)


def test_waits_begin_anew_for_a_camera_that_worked_for_long():
    stage = Stage(
        [Fail(GONE)], [Fail(GONE)], [Deliver(2, late=0.05), Fail(GONE)], [Deliver(1), Stall()], stall_after=1e9
    )
    waits = []

    def enough(stage):
        if stage.loop.state is ONLINE and stage.loop.losses == 0:
            stage.clock.advance(31)
            waits[:] = stage.stop.waited
        return stage.loop.frames >= 3

    stage.enough = enough
    stage.run()
    assert sum(stage.stop.waited) - sum(waits) == pytest.approx(1)


def test_nobody_takes_the_frames():
    slot = FileSlot()
    stage = Stage([Deliver(10_000)], slot=slot, live=False, enough=lambda stage: stage.loop.frames and slot.close())
    stage.run()
    assert stage.loop.frames == 1
    assert stage.source.closed == 1
    assert stage.loop.state is ONLINE


def test_waiting_for_a_slow_pipeline_feeds_the_watchdog_and_heeds_stop():
    waited = []
    enough = lambda stage: stage.loop.frames and (waited.append(1) or len(waited) > 20)  # noqa: E731
    stage = Stage([Deliver(10)], slot=FileSlot(), live=False, enough=enough).run()
    assert stage.loop.frames == 1, "the second waited in vain"
    assert stage.slot.take(0) is not None
    assert stage.slot.closed


def test_live_frames_nobody_takes_in_time_are_counted():
    stage = Stage([Deliver(100), Stall()], slot=LiveSlot(), enough=frames(100)).run()
    assert stage.loop.dropped == 99
    last = stage.slot.take(0)
    assert last is not None
    assert last.index == 99


def test_stop_lets_go_of_the_camera():
    stage = Stage([Deliver(5), Stall(0.05), Deliver(1)], enough=frames(5)).run()
    assert stage.source.closed == 1
    assert stage.loop.stuck == 0
    assert stage.slot.closed
    assert stage.said == [(ONLINE, "")]


def test_stop_before_the_start():
    stage = Stage([Deliver(5)])
    stage.stop.set()
    stage.run()
    assert stage.source.opened == 0
    assert stage.slot.closed


def test_frames_that_come_late_keep_their_time():
    clock = InventedClock()
    source = BrokenSource("front", [[Deliver(1, late=0.05), Stall()]], clock=clock)
    stage = Stage(source=source, enough=frames(1))
    clock.advance(-100)
    stage.run()
    assert stage.slot.kept[0].at.mono == 900


def test_pictures_of_all_sorts_pass():
    stage = Stage([Deliver(1), Deliver(1, size=(32, 24)), Deliver(1, black=True)], live=False).run()
    assert [frame.image.shape for frame in stage.slot.kept] == [(48, 64, 3), (24, 32, 3), (48, 64, 3)]
    assert stage.slot.kept[2].image.max() == 0


def test_pictures_are_turned_and_mirrored():
    clock = InventedClock()
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    stage = Stage(source=RecordedSource("front", [image], clock=clock), rotate=90, flip="vertical").run()
    assert np.array_equal(stage.slot.kept[0].image, np.rot90(image, -1)[::-1])


def test_frames_that_the_source_left_out_are_counted():
    class Thinned:
        live = False

        def frames(self):
            for frame in BrokenSource("front", [[Deliver(30)]], clock=InventedClock()).frames():
                if frame.index % 3 == 2:
                    yield frame

    stage = Stage(source=Thinned()).run()
    assert stage.loop.frames == 10
    assert stage.loop.skipped == 20
    assert [frame.index for frame in stage.slot.kept] == list(range(10))


def test_recording_in_real_time_is_held_to_its_own_pace():
    stage = Stage(realtime=True)
    times = [0, 0.5, 1, 1.25, 7]
    came = []
    stage.loop._source = RecordedSource("front", [flat(9)] * 5, times=times, clock=stage.clock)
    stage.slot.put = lambda _frame, _timeout=None: came.append(stage.clock.mono) or True
    stage.run()
    assert [mono - came[0] for mono in came] == pytest.approx(times, abs=1e-5)
    assert stage.passes > 500, "the watchdog is fed while waiting"


def test_as_fast_as_it_goes_waits_for_nothing():
    stage = Stage()
    stage.loop._source = RecordedSource("front", [flat(9)] * 5, fps=0.001, clock=stage.clock)
    stage.run()
    assert stage.stop.waited == []
    assert stage.loop.frames == 5


def test_each_camera_is_lost_and_found_by_itself():
    clock = InventedClock()
    good = BrokenSource("good", [[Deliver(10_000_000, every=0.001)]], clock=clock)
    bad = BrokenSource("bad", [[Deliver(3), Fail(GONE)], [Fail(GONE)], [Deliver(5), Stall()]], clock=clock)
    never = BrokenSource("never", [[Fail(SourceError("not a camera"))]], clock=clock)
    stop = threading.Event()
    found = threading.Event()
    said = {"good": [], "bad": [], "never": []}

    def loop(source, name):
        def on_state(state, _reason):
            said[name].append(state)
            if said["bad"][-1:] == [ONLINE] and len(said["bad"]) == 3 and said["never"] and said["good"]:
                found.set()

        backoff = Backoff(first=0.02, most=0.02)
        return CaptureLoop(
            name, source, LiveSlot(), clock=clock, on_state=on_state, backoff=backoff, settings=LoopSettings(poll=0.01)
        )

    loops = [loop(good, "good"), loop(bad, "bad"), loop(never, "never")]
    with background(loops[0], stop), background(loops[1], stop), background(loops[2], stop):
        assert found.wait(60), said
        seen = loops[0].frames
        until(lambda: loops[0].frames > seen)  # the good one goes on
        stop.set()
        for source in (good, bad):
            source.release()
    assert said == {"good": [ONLINE], "bad": [ONLINE, LOST, ONLINE], "never": [ENDED]}
    assert loops[1].losses == 1
    assert loops[2].error is not None
