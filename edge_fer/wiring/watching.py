"""From the config to all cameras, each with what it keeps over restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from edge_fer.capture.sources import SAMPLE, kind_of
from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.contract.messages import CameraInfo
from edge_fer.daemon.camera import Camera
from edge_fer.daemon.heat import HeatWatch
from edge_fer.inference.store import Store
from edge_fer.remote.signals import Signals
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.past import Past
from edge_fer.rules.scene.trend import Trend
from edge_fer.sample import RECORDINGS
from edge_fer.sinks.outlet import Outlet
from edge_fer.sinks.state_files import StateFiles
from edge_fer.wiring.camera import find_source, make_camera
from edge_fer.wiring.info import camera_info
from edge_fer.wiring.meaning import build_rules, build_summaries
from edge_fer.wiring.vision import build_pipeline

__all__ = ["Watched", "make_cameras"]

#: What a camera's rules know of the past: by its name, its part of the config, and its trend, which learns of it.
Recall: TypeAlias = Callable[[str, config.CameraSection, Trend], Past]


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched.

    Attributes:
        cameras: by name, not yet started.
        trends: by camera, what is usual there.
        pasts: by camera, what happened there before.
        infos: by camera, what is told of it.
    """

    cameras: dict[str, Camera] = field(default_factory=dict)
    trends: dict[str, Trend] = field(default_factory=dict)
    pasts: dict[str, Past] = field(default_factory=dict)
    infos: dict[str, CameraInfo] = field(default_factory=dict)


def make_cameras(
    settings: config.Config,
    *,
    demo: bool,
    signals: Signals,
    state: StateFiles,
    outlet: Outlet,
    clock: SystemClock,
    heat: HeatWatch,
    kept: bool = True,
) -> Watched:
    """All cameras of the config.

    Args:
        settings: the config.
        demo: whether a recording of the demo, played for ever, will do where there is no camera.
        signals: gives the newest of each outside number that a rule asks for.
        state: keeps what must be known after a restart.
        outlet: hears what they say.
        clock: the machine's.
        heat: says what share of the frame rate heat leaves.
        kept: whether there is a history, where the config asks for one.

    Raises:
        EdgeFerError: something that one of them needs is missing or wrong.
    """
    watched = Watched()
    store = Store(settings.models_dir)
    windows, recall = _of_history(settings, clock) if kept else ((), None)
    for name, given in settings.cameras.items():
        source = find_source(name, given.source, sample=_demo_recording(settings.profile) if demo else None)
        loop = given.loop or (demo and kind_of(source) is SAMPLE)
        camera = given.model_copy(update={"source": source, "loop": loop})
        summaries = build_summaries(name, camera, settings, also=windows)
        past = recall(name, camera, summaries.trend) if recall else Past()
        rules = build_rules(name, camera, settings, summaries.trend, past)
        make_pipeline = partial(
            build_pipeline,
            name,
            camera,
            store=store,
            rules=rules,
            summaries=summaries,
            samples=signals.samples,
        )
        now = partial(_rules_of, watched.cameras, name)
        state.keep(name, summaries, rules, now)
        watched.cameras[name] = make_camera(name, camera, outlet, clock, heat=heat, make_pipeline=make_pipeline)
        watched.trends[name] = summaries.trend
        watched.pasts[name] = past
        watched.infos[name] = camera_info(camera)
    return watched


def _of_history(settings: config.Config, clock: SystemClock) -> tuple[Iterable[int], Recall | None]:
    """The windows that the history needs, and what gives rules the past; nothing, where there is no history."""
    if settings.history.record == "off":
        return (), None
    # the history takes memory, which whoever wants none need not spend
    from edge_fer.wiring.recall import recall, windows_of  # noqa: PLC0415

    return windows_of(settings), partial(recall, settings, clock())


def _demo_recording(profile: str) -> str:
    """The recording in which something happens that the profile's alerts are for."""
    return f"{SAMPLE.name}:{profile if profile in RECORDINGS else 'counter'}"


def _rules_of(cameras: Mapping[str, Camera], name: str) -> Sequence[AlertRule]:
    return cameras[name].rules
