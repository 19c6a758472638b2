"""One camera at work: the same readings at any speed, people given up when it is lost, nothing hidden when it fails."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import cv2
import pytest

from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.capture.loop import CaptureState
from edge_fer.clock.system import SystemClock
from edge_fer.config.tree import CameraSection as CameraConfig
from edge_fer.errors import EdgeFerError, SourceLostError
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import Told
from edge_fer.sample import sample_path, sample_picture
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import Frame
from edge_fer.wiring import build_pipeline
from edge_fer.wiring.camera import make_camera as make_wired
from tests.capture.broken import BrokenSource, Deliver, Fail, Stall
from tests.capture.helpers import MjpegCamera
from tests.fakes.camera import Counting, Ear, make_camera
from tests.fetched import FOLDER
from tests.shared import shared_data


@pytest.fixture(scope="module")
def short_clip(tmp_path_factory):
    """Two seconds of the sample, with the face in view."""
    path = tmp_path_factory.mktemp("clip") / "short.mp4"
    whole = cv2.VideoCapture(str(sample_path()))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 15, (640, 360))
    for index in range(75):
        picture = whole.read()[1]
        if index >= 45:
            writer.write(picture)
    writer.release()
    whole.release()
    return path


def play(path, *, realtime):
    """Everything told of a recording, with random ids by order of appearance and times from the first frame on."""
    ear = Ear()
    camera = make_camera(VideoFile("front", path, clock=SystemClock()), ear, realtime=realtime)
    camera.start()
    ear.wait_for(lambda: ear.online and camera.loop.slot.closed)
    camera.join(30)
    assert camera.ended
    assert camera.error is None
    begin = ear.told[0].at.mono
    names: dict[str, int] = {}
    plain = [
        [
            (
                names.setdefault(r.track_id, len(names)),
                r.at.mono - begin,
                r.label,
                r.confidence,
                dict(r.scores),
                r.quality,
            )
            for r in told.readings or ()
        ]
        for told in ear.told
    ]
    events = [(str(e.kind), e.reading.label, e.at.mono - begin, e.duration) for told in ear.told for e in told.events]
    return plain, events


def test_a_recording_gives_the_same_readings_at_any_speed(short_clip):
    fast = play(short_clip, realtime=False)
    assert play(short_clip, realtime=False) == fast
    assert play(short_clip, realtime=True) == fast
    readings, events = fast
    assert sum(map(len, readings)) >= 15, "in every frame that moves, and now and then while the sample stands still"
    assert [event[0] for event in events][:: len(events) - 1] == ["appeared", "left"]


def test_so_does_a_real_clip():
    clip = shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    # side by side, because the one waits most of the time
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(play, clip, realtime=True)
        fast = play(clip, realtime=False)
        assert slow.result() == fast
    assert len(fast[0]) == 472 + 2, "every frame, the farewell, and the summaries that were begun"


def test_people_are_given_up_when_the_camera_is_lost_and_it_comes_back_by_itself():
    ear = Ear()
    script = [[Deliver(3), Stall(), Fail(SourceLostError("unplugged"))], [Deliver(10**6, every=0.01)]]
    source = BrokenSource("front", script, clock=SystemClock())

    class Watched(Counting):
        def step(self, frame):
            source.release()  # from now on somebody is in view, who can be given up
            return super().step(frame)

    pipeline = Watched()
    camera = make_camera(source, ear, pipeline)
    camera.start()
    ear.wait_for(lambda: pipeline.finished == 1 and ear.online == [True, False, True])
    assert camera.lost_since is None
    steps = pipeline.steps
    ear.wait_for(lambda: pipeline.steps > steps)
    camera.stop()
    camera.join(60)
    assert camera.ended
    assert pipeline.finished == 2, "and once more at the end"
    assert ear.online[-1] is False


class FreezingSource:
    """Sends the sample's best picture for ever, from the second time on with another one now and then."""

    live = True

    def __init__(self):
        self.opened = 0
        self.thaws = threading.Event()

    def frames(self):
        self.opened += 1
        for number in itertools.count():
            image = sample_picture()
            if self.thaws.is_set():
                image[number % 99, :50] = number % 200
            yield Frame("front", number, image, SystemClock()())
            time.sleep(0.02)


def test_a_camera_whose_picture_has_frozen_is_offline_and_nobody_is_in_it(caplog):
    ear, source = Ear(), FreezingSource()
    view = CameraConfig().view.model_copy(update={"frozen_after": 1.0})
    settings = CameraConfig().model_copy(update={"view": view})
    camera = make_camera(source, ear, build_pipeline("front", settings, store=Store(FOLDER), time=Stopwatch()))
    camera.start()
    try:
        ear.wait_for(lambda: ear.online == [True, False])
        ear.wait_for(lambda: any(told.left for told in ear.told))
        assert any(told.people for told in ear.told)
        assert "its picture has frozen, so nobody is counted in it" in caplog.text
        ear.wait_for(lambda: source.opened > 1)
        told = len(ear.told)
        time.sleep(0.3)
        assert ear.online == [True, False]
        assert not any(one.people for one in ear.told[told:])
        source.thaws.set()
        ear.wait_for(lambda: ear.online == [True, False, True])
        ear.wait_for(lambda: any(one.people for one in ear.told[told:]))
    finally:
        camera.stop()
        camera.join(60)


def test_a_fault_of_the_pipeline_is_kept_and_ends_its_thread(caplog):
    ear = Ear()
    camera = make_camera(BrokenSource("front", [[Deliver(10**6, every=0.01)]], clock=SystemClock()), ear, Counting(3))
    camera.start()
    ear.wait_for(lambda: ear.online[-1:] == [False])
    assert str(camera.error) == "a fault of ours"
    assert "its pipeline failed" in caplog.text
    camera.stop()
    camera.join(10)
    assert camera.ended


def test_it_moves_while_frames_or_retries_do_and_not_when_the_pipeline_hangs():
    ear, hang, hung = Ear(), threading.Event(), threading.Event()

    class Hanging(Counting):
        def step(self, frame):
            hung.set()
            hang.wait(30)
            return super().step(frame)

    source = BrokenSource("front", [[Deliver(1), Stall()]], clock=SystemClock())
    camera = make_camera(source, ear, Hanging())
    camera.start()
    now = SystemClock()
    assert camera.moving(now().mono, within=5)
    assert hung.wait(10)
    later = now().mono + 5
    assert not camera.moving(later, within=4)
    hang.set()
    source.release()
    camera.stop()
    camera.join(10)
    assert camera.moving(later + 1000, within=4), "what has ended is not stuck"


def test_rules_are_changed_by_the_pipelines_own_thread(short_clip):
    ear = Ear()
    camera = make_camera(VideoFile("front", short_clip, clock=SystemClock()), ear, Counting())
    camera.change_rules(["a", "b"])
    camera.start()
    ear.wait_for(lambda: ear.told)
    camera.stop()
    camera.join(30)
    assert list(ear.told[0].alerts) == ["a", "b"]


def paused_scenes(ear):
    return [told.scene for told in ear.told if told.scene and told.scene.paused]


def test_a_paused_camera_is_let_go_of_and_no_frame_is_looked_at_until_it_is_resumed():
    ear, pipeline = Ear(), Counting()
    source = BrokenSource("front", [[Deliver(100_000, every=0.01)]], clock=SystemClock())
    camera = make_camera(source, ear, pipeline)
    camera.start()
    ear.wait_for(lambda: pipeline.steps > 3)
    camera.pause()
    camera.ask(lambda _, at: (Told(at), None)).result(5)
    steps = pipeline.steps
    ear.wait_for(lambda: paused_scenes(ear))
    ear.wait_for(lambda: camera.loop.state is CaptureState.PAUSED)
    time.sleep(0.3)
    assert (pipeline.steps, pipeline.finished) == (steps, 1)
    assert ear.online[-1] is False
    assert camera.lost_since is None, "it is not lost, and nobody need restart it"
    assert camera.moving(SystemClock()().mono, 20.0)
    assert len(paused_scenes(ear)) == 1
    opened = source.opened
    camera.resume()
    ear.wait_for(lambda: pipeline.steps > steps)
    assert source.opened == opened + 1
    assert (camera.loop.losses, camera.loop.stalls) == (0, 0)
    camera.stop()
    camera.join(5)
    assert camera.ended


def test_a_camera_paused_from_the_start_is_not_opened():
    ear, pipeline = Ear(), Counting()
    source = BrokenSource("front", [[Deliver(100_000, every=0.01)]], clock=SystemClock())
    camera = make_camera(source, ear, pipeline)
    camera.pause()
    camera.start()
    ear.wait_for(lambda: paused_scenes(ear))
    time.sleep(0.2)
    assert (source.opened, pipeline.steps, pipeline.finished) == (0, 0, 0)
    camera.stop()
    camera.join(5)


def test_a_paused_recording_goes_on_unseen(short_clip):
    ear, pipeline = Ear(), Counting()
    camera = make_camera(VideoFile("front", short_clip, clock=SystemClock()), ear, pipeline)
    camera.pause()
    camera.start()
    camera.join(60)
    assert camera.ended
    assert pipeline.steps == 0
    assert camera.loop.frames == 30


def test_calls_are_made_between_frames_bounded_and_never_forgotten():
    ear = Ear()
    camera = make_camera(BrokenSource("front", [[Deliver(100_000, every=0.01)]], clock=SystemClock()), ear, Counting())
    camera.start()
    assert camera.ask(lambda pipeline, at: (Told(at), pipeline.rules)).result(5) == ()
    with pytest.raises(ZeroDivisionError):
        camera.ask(lambda _, at: (Told(at), 1 / 0)).result(5)
    held, go = threading.Event(), threading.Event()

    def hold(_, at):
        held.set()
        go.wait(5)
        return Told(at), None

    camera.ask(hold)
    assert held.wait(5)
    futures = [camera.ask(lambda _, at: (Told(at), "done")) for _ in range(17)]
    with pytest.raises(EdgeFerError, match="too much to do"):
        futures[-1].result(0)
    go.set()
    assert [future.result(5) for future in futures[:-1]] == ["done"] * 16
    camera.stop()
    camera.join(5)
    with pytest.raises(EdgeFerError, match="has ended"):
        camera.ask(lambda _, at: (Told(at), None)).result(5)
    assert camera.error is None


def test_a_camera_that_is_looked_at_less_often_than_it_may_be_silent_is_not_taken_for_stalled():
    network, ear, seen = MjpegCamera(), Ear(), []

    class Seeing(Counting):
        def step(self, frame):
            seen.append(frame.at.mono)
            return super().step(frame)

    settings = CameraConfig(source=network.url, fps=2, stall_after=3.0)
    camera = make_wired(
        "front",
        settings,
        SimpleNamespace(
            online=lambda _name, online, at: ear.tell_online(online, at), tell=lambda _name, told: ear.tell(told)
        ),
        SystemClock(),
        heat=SimpleNamespace(share=0.125, least=0.125),
        make_pipeline=lambda **_: Seeing(),
    )
    camera.start()
    try:
        ear.wait_for(lambda: len(seen) >= 2 or camera.loop.stalls)
    finally:
        camera.stop()
        camera.join(10)
        network.die()
    assert (camera.loop.stalls, camera.loop.losses) == (0, 0)
    assert seen[1] - seen[0] > settings.stall_after
