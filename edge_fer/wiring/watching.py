"""From the config to all cameras, each with what it keeps over restarts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.config.values.source import SourceKind
from edge_fer.contract.messages import CameraInfo
from edge_fer.daemon.camera import Camera
from edge_fer.daemon.heat import HeatWatch
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import Told
from edge_fer.publishing import Publisher
from edge_fer.remote.signals import Signals
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.scene.trend import Trend
from edge_fer.support.keeping import Keeper
from edge_fer.wiring.camera import find_source, make_camera
from edge_fer.wiring.info import camera_info
from edge_fer.wiring.keeping import keep_alerts, keep_numbers
from edge_fer.wiring.meaning import build_rules, build_summaries
from edge_fer.wiring.vision import build_pipeline

__all__ = ["Watched", "make_cameras"]


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched.

    Attributes:
        cameras: by name, not yet started.
        trends: by camera, what is usual there.
        infos: by camera, what is told of it.
    """

    cameras: dict[str, Camera] = field(default_factory=dict)
    trends: dict[str, Trend] = field(default_factory=dict)
    infos: dict[str, CameraInfo] = field(default_factory=dict)


def make_cameras(
    settings: config.Config,
    *,
    demo: bool,
    show: Callable[[str, Told], None] | None,
    signals: Signals,
    keeper: Keeper,
    publisher: Publisher,
    clock: SystemClock,
    heat: HeatWatch,
) -> Watched:
    """All cameras of the config; arguments as of `build_service`.

    Raises:
        EdgeFerError: something that one of them needs is missing or wrong.
    """
    watched = Watched()
    store = Store(settings.models_dir)
    for name, given in settings.cameras.items():
        source = find_source(name, given.source, or_sample=demo)
        loop = given.loop or (demo and source == SourceKind.SAMPLE)
        camera = given.model_copy(update={"source": source, "loop": loop})
        summaries = build_summaries(name, camera, settings)
        rules = build_rules(name, camera, settings, summaries.trend)
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
        keeps = [
            keep_numbers(keeper, name, summaries),
            keep_alerts(keeper, name, rules, now=now, publisher=publisher, clock=clock),
        ]
        watched.cameras[name] = make_camera(
            name, camera, publisher, clock, heat=heat, show=show, keeps=keeps, make_pipeline=make_pipeline
        )
        watched.trends[name] = summaries.trend
        watched.infos[name] = camera_info(camera)
    return watched


def _rules_of(cameras: Mapping[str, Camera], name: str) -> Sequence[AlertRule]:
    return cameras[name].rules
