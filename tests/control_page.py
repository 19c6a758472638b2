"""Makes the end of `docs/control.md`, the fields of the state: `python -m tests.control_page` after changing them."""

from __future__ import annotations

from pathlib import Path

from edge_fer.control.state import NodeNow
from tests.mqtt_page import rows

PAGE = Path(__file__).resolve().parents[1] / "docs" / "control.md"
BEGIN = "## The state\n"


def page() -> str:
    """The page with its generated part made anew."""
    text = PAGE.read_text(encoding="utf-8")
    schema = NodeNow.model_json_schema(mode="serialization", by_alias=True)
    told = [row for row in rows(schema, schema, "") if not row[0].startswith("health.")]
    table = "".join(f"| `{name}` | {kind} | {what} |\n" for name, kind, what in told)
    words = schema["description"].replace("\n", " ")
    return f"{text[: text.index(BEGIN)]}{BEGIN}\n{words}\n\n| field | type | |\n|---|---|---|\n{table}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
