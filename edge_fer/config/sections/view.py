"""The `view` section: when a camera's view is told as covered, dark, washed out or moved."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edge_fer.values.section import Section, Switch
from edge_fer.values.units import DURATION, Fraction, Seconds

__all__ = ["ViewSection"]


class ViewSection(Section):
    """When a camera's view is told as covered, dark, washed out or moved."""

    enabled: Switch = Field(default=True, description="Whether it is watched.")
    after: Annotated[Seconds, DURATION.within(0, 3600)] = Field(
        default=5.0, description="How long a view must be covered, dark, washed out, or clear again, before it is told."
    )
    frozen_after: Annotated[Seconds, DURATION.within(0, 86_400)] = Field(
        default=60.0,
        description="A picture that has not changed in a single pixel for so long, while somebody is in it, is a fault "
        "of the camera, and nobody is counted; 0 for the recording of a drawing or a screen.",
    )
    dark: Fraction = Field(
        default=0.1, description="Brightness up to which the brightest tenth of a picture leaves it dark."
    )
    covered: Fraction = Field(
        default=0.004, description="Contrast between neighbouring spots, on average, below which a lens is covered."
    )
    washed_out: Fraction = Field(
        default=0.6, description="Share of a picture from which on so much pure white leaves it washed out."
    )
    moved: Fraction = Field(
        default=0.45, description="Share of what stands still below which so much found in its place means moved."
    )
    moved_after: Annotated[Seconds, DURATION.within(1, 86_400)] = Field(
        default=120.0, description="How long that must hold; people who stand before the camera hide things too."
    )
    accept_after: Annotated[Seconds, DURATION.within(60, 31_536_000)] = Field(
        default=86_400.0, description="How long a view is told as moved before it is taken for the right one."
    )
