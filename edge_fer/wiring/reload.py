"""From a config read again to cameras that go on with its alert rules, where nothing else in it has changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from edge_fer.config import tree as config
from edge_fer.daemon.camera import Camera
from edge_fer.rules.scene.trend import Trend
from edge_fer.wiring.meaning import alerts_alone_differ, build_rules

__all__ = ["RuleChange"]

log = logging.getLogger(__name__)


class RuleChange:
    """Hands new alert rules to cameras at work.

    Args:
        settings: the config that they go by.
        cameras: by name.
        trends: by camera, what is usual there; a rule that compares with it goes on only with the same one.
    """

    def __init__(self, settings: config.Config, cameras: Mapping[str, Camera], trends: Mapping[str, Trend]) -> None:
        self._settings = settings
        self._cameras = cameras
        self._trends = trends

    def adopt(self, settings: config.Config) -> bool:
        """Lets the cameras go by another config from their next frame on, where its alerts alone are other ones.

        Returns:
            Whether they do; if not, nothing has changed.
        """
        if not alerts_alone_differ(self._settings, settings):
            return False
        for name, trend in self._trends.items():
            if settings.cameras[name].paused:
                self._cameras[name].pause()
            else:
                self._cameras[name].resume()
            self._cameras[name].change_rules(build_rules(name, settings.cameras[name], settings, trend))
        self._settings = settings
        log.info("the alerts of the config are in force, and the cameras went on meanwhile")
        return True
