"""Makes the end of `docs/control.md`, the fields of the state and of live views: run `python -m tests.control_page`."""

from __future__ import annotations

from pathlib import Path

from edge_fer.contract.messages.base import Part
from edge_fer.control.live import LiveFrame
from edge_fer.control.state import NodeNow
from tests.mqtt_page import rows

PAGE = Path(__file__).resolve().parents[1] / "docs" / "control.md"
BEGIN = "## The state\n"
LIVE = "## A frame of a live view\n"


def page() -> str:
    """The page with its generated part made anew."""
    text = PAGE.read_text(encoding="utf-8")
    return f"{text[: text.index(BEGIN)]}{BEGIN}{_fields(NodeNow)}\n{LIVE}{_fields(LiveFrame)}"


def _fields(model: type[Part]) -> str:
    schema = model.model_json_schema(mode="serialization", by_alias=True)
    told = [row for row in rows(schema, schema, "") if not row[0].startswith("health.")]
    table = "".join(f"| `{name}` | {kind} | {what} |\n" for name, kind, what in told)
    words = schema["description"].replace("\n", " ")
    return f"\n{words}\n\n| field | type | |\n|---|---|---|\n{table}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
