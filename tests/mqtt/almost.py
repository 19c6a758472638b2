"""Requests that are almost right."""

from __future__ import annotations

import json

from hypothesis import strategies as st

ALMOST = st.fixed_dictionaries(
    {"id": st.text(min_size=1, max_size=70)},
    optional={
        name: st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.text())
        for name in ("camera", "rule", "alert_id", "for", "key", "value")
    },
).map(lambda value: json.dumps(value).encode())
