"""The `metrics` section: numbers for Prometheus."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edge_fer.values.section import Count, Section

__all__ = ["MetricsSection"]


class MetricsSection(Section):
    """Numbers for Prometheus, which fetches them from this device alone."""

    port: Annotated[Count, Field(ge=0, le=65535)] = Field(
        default=0, description="The port of 127.0.0.1 on which they can be fetched; 0: they cannot."
    )
