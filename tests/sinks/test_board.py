"""What the board keeps of each camera."""

from __future__ import annotations

from edge_fer.pipeline.step import Told
from edge_fer.sinks.board import Board, Seen
from edge_fer.types import AlertChange, Standing
from tests.invented import at
from tests.sinks.outputs import alert


def test_of_a_camera_that_begins_anew_only_the_alerts_that_are_over_stay_known():
    board, over = Board(), AlertChange(True, alert(at(1)), at(1))
    began = AlertChange(False, alert(at(1)), at(1))
    board.tell("cam", Told(at(1), changes=(over, began), alerts={"unhappy": Standing()}))
    assert board.of("cam").standings
    board.begin("cam", ["unhappy"], at(2))
    assert board.of("cam") == Seen(ended=(over,))
