"""The `heat` section: what is done when the machine gets hot."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edge_fer.values.section import Section
from edge_fer.values.units import TEMPERATURE, Celsius, PositiveFraction

__all__ = ["HeatSection"]


class HeatSection(Section):
    """What is done when the machine gets hot, or its firmware slows it down."""

    limit: Annotated[Celsius, TEMPERATURE.within(30, 110)] = Field(
        default=80.0, description="From this temperature of the processor on, cameras are looked at less often."
    )
    slowest: PositiveFraction = Field(
        default=0.25, description="The lowest share of `fps` that is left to a camera then; 1 never takes less."
    )
