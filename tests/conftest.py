"""What all tests share: how property-based tests run on machines that are noisy and slow."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# time says nothing about right or wrong; in CI, the same examples every time
settings.register_profile(
    "ours", deadline=None, derandomize=bool(os.environ.get("CI")), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")
# where each example takes ten times as long (tests/arm64)
settings.register_profile("emulated", settings.get_profile("ours"), max_examples=10)
