"""From the config to what the node tells of itself, and what follows from time and from a config read again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_fer import __version__
from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import CameraInfo, Health
from edge_fer.contract.topics import Topics
from edge_fer.daemon.health import health_of
from edge_fer.daemon.heat import HeatWatch
from edge_fer.daemon.machine import StartCounter
from edge_fer.mqtt.link import boot_id
from edge_fer.sinks.outlet import Outlet
from edge_fer.support.keeping import Keeper
from edge_fer.types import Instant
from edge_fer.wiring.broker import AnyLink
from edge_fer.wiring.info import config_hash, machine_info, model_info, privacy_info, refused_update
from edge_fer.wiring.reload import RuleChange
from edge_fer.wiring.watching import Watched

if TYPE_CHECKING:
    from edge_fer.homeassistant.announcer import Announcer

__all__ = ["Node", "Voice"]


@dataclass(frozen=True, slots=True)
class Voice:
    """How the node tells things.

    Attributes:
        link: leads to the broker.
        topics: of the node.
        composer: makes its messages.
        clock: the machine's.
    """

    link: AnyLink
    topics: Topics
    composer: Composer
    clock: SystemClock


class Node:
    """One node: tells `info` and `health`, and looks after what is not one camera's.

    Args:
        settings: the config.
        voice: how it tells things.
        outlet: hears what cameras say.
        watched: its cameras.
        keeper: keeps how often the node was started.
        heat: looks how hot the machine is.
        announcer: tells Home Assistant of it, where that is wanted.
        made: what was set over MQTT at the start.
        started: when the daemon was; None: now.
    """

    def __init__(
        self,
        settings: config.Config,
        voice: Voice,
        outlet: Outlet,
        watched: Watched,
        *,
        keeper: Keeper,
        heat: HeatWatch,
        announcer: Announcer | None,
        made: Mapping[str, Any],
        started: Instant | None = None,
    ) -> None:
        self._settings = settings
        self._voice = voice
        self._outlet = outlet
        self._watched = watched
        self._heat = heat
        self._announcer = announcer
        self._made = made
        self._model = model_info(settings.emotion)
        self._machine = machine_info(settings)
        self._refused = refused_update()
        self._certificates = voice.link.status().certificates
        self._starts = StartCounter(f"{boot_id()} {os.getpid()}")
        self._count_start = keeper.keep(
            "starts.json", "starts", snapshot=self._starts.snapshot, restore=self._starts.restore
        )
        self._rule_change = RuleChange(settings, watched)
        self.started = started or voice.clock()

    @property
    def settings(self) -> config.Config:
        """The config that the cameras go by now."""
        return self._rule_change.settings

    @property
    def infos(self) -> Mapping[str, CameraInfo]:
        """What is told of each camera, by its name."""
        return self._watched.infos

    @property
    def made(self) -> Mapping[str, Any]:
        """What was set by command and is in force, by key."""
        return self._made

    def announce(self) -> None:
        """Publishes what the node is, and how its cameras stand before their first frame."""
        self._count_start()
        self.tell_info(self._made)
        now = self._voice.clock()
        for name, camera in self._settings.cameras.items():
            self._outlet.begin(name, camera.alerts, now)
        if self._announcer:
            self._announcer.announce()

    def tell_info(self, made: Mapping[str, Any]) -> None:
        """Publishes what the node is; `made`: what was set over MQTT and is in force."""
        self._made, voice = made, self._voice
        now = voice.clock()
        info = voice.composer.info(
            now,
            version=__version__,
            model=self._model,
            detector=", ".join(dict.fromkeys(camera.detector for camera in self._watched.cameras.values())),
            cameras=self._watched.infos,
            privacy=privacy_info(self._outlet, now),
            commands=self._settings.commands == "on",
            settings=made,
            machine=self._machine,
            config_hash=config_hash(self.settings),
            starts=self._starts.count,
            certificates=self._certificates,
            update_refused=self._refused,
        )
        voice.link.retain(voice.topics.info, info, now)

    def tell_info_again(self) -> None:
        """Publishes what the node is, because what leaves the device has changed."""
        self.tell_info(self._made)

    def health(self) -> Health:
        """How the node is doing now."""
        voice = self._voice
        return health_of(
            list(self._watched.cameras.values()),
            voice.link.status(),
            voice.composer,
            heat=self._heat,
            started=self.started,
            now=voice.clock(),
            sinks=self._outlet.health(),
        )

    def tell_health(self) -> None:
        """Publishes how the node is doing."""
        self._voice.link.retain(self._voice.topics.health, self.health(), self._voice.clock())

    def tick(self, mono: float) -> None:
        """Looks at heat, at certificates that were renewed, and at what Home Assistant asks for."""
        self._heat.look(mono)
        if (certificates := self._voice.link.status().certificates) != self._certificates:
            self._certificates = certificates
            self.tell_info(self._made)
        if self._announcer:
            self._announcer.look(mono)

    def adopt(self, settings: config.Config) -> bool:
        """Lets the cameras go on by another config, where they can, and says whether they do."""
        adopted = self._rule_change.adopt(settings)
        if adopted and self._announcer:
            from edge_fer.wiring.discovery import described  # noqa: PLC0415 - with the announcer alone

            self._announcer.change(described(settings))
        return adopted
