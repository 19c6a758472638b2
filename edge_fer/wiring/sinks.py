"""From the config to the sinks that take part."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge_fer.config import tree as config
from edge_fer.contract.messages import Health
from edge_fer.sinks.board import Board
from edge_fer.sinks.outlet import Outlet
from edge_fer.sinks.registry import Asked, Surroundings, make_policy, make_sinks
from edge_fer.sinks.state_files import StateFiles
from edge_fer.support.keeping import Keeper
from edge_fer.types import SignalKey, SignalValue
from edge_fer.wiring.node import Voice

__all__ = ["WayOut"]


class WayOut:
    """Everything that hears what cameras say: made before them, because they need it, and connected after.

    Args:
        settings: the config.
        asked: what the command line asks for.
        voice: how the node tells things.
        keeper: keeps what must be known after a restart.

    Attributes:
        outlet: what cameras talk to.
        state: keeps their state.
        board: keeps what they said last, for the control socket.
    """

    def __init__(self, settings: config.Config, asked: Asked, voice: Voice, keeper: Keeper) -> None:
        self._settings = settings
        self._asked = asked
        self._voice = voice
        self.outlet = Outlet(make_policy(settings))
        self.board = asked.board or Board()
        self.state = StateFiles(keeper, voice.clock, self.outlet.tell)

    def connect(self, health: Callable[[], Health], samples: Callable[[], Mapping[SignalKey, SignalValue]]) -> None:
        """Makes the sinks and connects them.

        Args:
            health: how the node is doing.
            samples: gives the newest of outside numbers.

        Raises:
            ConfigError: what one of them needs is not installed.
        """
        voice = self._voice
        self.outlet.connect(
            make_sinks(
                Surroundings(
                    settings=self._settings,
                    asked=self._asked,
                    link=voice.link,
                    topics=voice.topics,
                    composer=voice.composer,
                    state=self.state,
                    board=self.board,
                    health=health,
                    clock=voice.clock,
                    samples=samples,
                )
            )
        )
