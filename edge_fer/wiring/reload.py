"""From a config read again to cameras that go on with its alert rules, where nothing else in it has changed."""

from __future__ import annotations

import logging

from edge_fer.config import tree as config
from edge_fer.daemon.camera import Camera
from edge_fer.types import Pause
from edge_fer.wiring.meaning import alerts_alone_differ, build_rules, pause_of
from edge_fer.wiring.watching import Watched

__all__ = ["RuleChange"]

log = logging.getLogger(__name__)


class RuleChange:
    """Hands new alert rules to cameras at work.

    Args:
        settings: the config that they go by at first.
        watched: the cameras; a rule that compares with what is usual there goes on only with the same trend.
    """

    def __init__(self, settings: config.Config, watched: Watched) -> None:
        #: the config that the cameras go by now
        self.settings = settings
        self._watched = watched

    def adopt(self, settings: config.Config) -> bool:
        """Lets the cameras go by another config from their next frame on, where its alerts alone are other ones.

        Returns:
            Whether they do; if not, nothing has changed.
        """
        if not alerts_alone_differ(self.settings, settings):
            return False
        for name, camera in self._watched.cameras.items():
            given, trend, past = settings.cameras[name], self._watched.trends[name], self._watched.pasts[name]
            _adopt_pause(camera, pause_of(given))
            camera.change_rules(build_rules(name, given, settings, trend, past))
        self.settings = settings
        log.info("the alerts of the config are in force, and the cameras went on meanwhile")
        return True


def _adopt_pause(camera: Camera, wanted: Pause | None) -> None:
    """Begins or ends a pause; one that goes on keeps what it knows of its end."""
    known = camera.pause_now
    if wanted is None:
        camera.resume()
    elif known is None or (known.until, known.reason) != (wanted.until, wanted.reason):
        camera.pause(wanted)
