"""All checks, in the order in which somebody would look: what all else needs comes first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from edge_fer.config.engine.plain_secrets import REMEDY
from edge_fer.config.tree import Config
from edge_fer.contract.topics import Topics
from edge_fer.doctor import machine, vision
from edge_fer.doctor.broker import broker
from edge_fer.doctor.finding import CheckResult, fault, of_error, skipped, warning
from edge_fer.doctor.notify import notifications
from edge_fer.doctor.page import page
from edge_fer.doctor.service import running_daemon, service
from edge_fer.errors import EdgeFerError
from edge_fer.inference.store import Store
from edge_fer.wiring import broker_settings
from edge_fer.wiring.alert_rules import sources_in

__all__ = ["checkup"]

Check: TypeAlias = Callable[[], CheckResult | Iterable[CheckResult]]


def checkup(config: Config, with_secrets: Collection[str] = ()) -> Iterator[CheckResult]:
    """Every finding, as soon as it is there. Each check is bounded in time.

    Args:
        config: what is to be run.
        with_secrets: the cameras in whose `source` a password or key is written.
    """
    for name, check in _checks(config, with_secrets):
        try:
            found = check()
        except EdgeFerError as error:
            found = of_error(name, error)
        except Exception as error:  # noqa: BLE001 - one check that fails is no reason to leave out the others
            what = f"the check itself failed with {type(error).__name__}: {error}"
            found = fault(name, what, "This is a fault of edge-fer: please report it")
        yield from [found] if isinstance(found, CheckResult) else found


def _checks(config: Config, with_secrets: Collection[str]) -> Iterator[tuple[str, Check]]:
    """Each check by name; a new one is a function and a row."""
    daemon = running_daemon()
    devices = [device for camera in config.cameras.values() if (device := vision.device_of(camera.source))]
    first, of_first = next(iter(config.cameras.items()))
    yield "service", service
    yield "user", partial(machine.user, devices)
    yield "disk", partial(machine.disk, config.state_dir, config.mqtt.outbox.max_size)
    yield "memory ceiling", machine.memory
    yield "temperature", machine.warmth
    yield "throttling", machine.power
    yield "clock", machine.clock
    yield "model", partial(vision.model, config.emotion)
    yield "detector", partial(vision.detector, first, of_first, Store(config.models_dir))
    for name, camera in config.cameras.items():
        yield f"camera {name}", partial(vision.camera, name, camera, daemon)
        if name in with_secrets:
            what = f"a password or key is written in cameras.{name}.source"
            yield f"camera {name}", partial(warning, f"camera {name}", what, REMEDY)
    yield "broker", partial(_broker, config, daemon)
    if config.notify.targets:
        yield "notify", partial(notifications, config)
    yield "page", partial(page, config.web)


def _broker(config: Config, daemon: int | None) -> list[CheckResult]:
    if config.mqtt.is_embedded:
        return [skipped("broker", "the embedded one is part of the daemon")]
    node = Topics(config.node.id, config.mqtt.topic_prefix)
    signals = {source.topic for source in sources_in(config.cameras)}
    found = []
    for settings in broker_settings(config):
        of_one = broker(settings, node, config.cameras, signals, daemon=daemon is not None)
        if config.mqtt.brokers:
            of_one = [replace(one, what=f"{settings.address}: {one.what}") for one in of_one]
        found += of_one
    return found
