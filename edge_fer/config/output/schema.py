"""The JSON Schema of what people write, for editors: `edge-fer config schema`.

pydantic's own schema describes the loaded tree. A file may say less (any part alone), and in other words: values
with units, `${NAME}`, `false` for a named entry, a heading with nothing under it.
"""

from __future__ import annotations

from typing import Any, Final

from edge_fer.config.engine.walk import inner_section, keys_of, kinds_of
from edge_fer.config.output.writing import written
from edge_fer.config.tree import Config, Section

__all__ = ["json_schema"]

_FROM_ENVIRONMENT: Final = "FromEnvironment"


def json_schema() -> dict[str, Any]:
    """The schema, in JSON Schema draft 2020-12."""
    schema = Config.model_json_schema()
    parts = schema.pop("$defs")
    parts["Config"] = schema
    for section in _sections(Config):
        parts[section.__name__] = _as_written(section, parts[section.__name__])
    parts[_FROM_ENVIRONMENT] = {
        "description": "The value of an environment variable.",
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edge-fer",
        "anyOf": [{"$ref": "#/$defs/Config"}, {"type": "null"}],
        "$defs": parts,
    }


def _sections(section: type[Section]) -> set[type[Section]]:
    inner = {found for info in keys_of(section).values() if (found := inner_section(info)[0])}
    inner |= {kind for info in keys_of(section).values() for kind in kinds_of(info).values()}
    return {section}.union(*map(_sections, inner))


def _as_written(section: type[Section], schema: dict[str, Any]) -> dict[str, Any]:
    """A section's schema, with every part of it optional."""
    defaults = written(section.model_construct())
    properties: dict[str, Any] = {}
    for key, info in keys_of(section).items():
        inner, by_name = inner_section(info)
        part = {name: value for name, value in schema["properties"][key].items() if name not in {"title", "default"}}
        if by_name and inner:
            entry = [{"$ref": f"#/$defs/{inner.__name__}"}, {"type": ["boolean", "null"]}]
            properties[key] = {
                "description": info.description,
                "type": ["object", "null"],
                "propertyNames": {"pattern": r"^[A-Za-z0-9_-]{1,64}$"},
                "additionalProperties": {"anyOf": entry},
            }
        elif kinds := kinds_of(info):
            anyone = [{"$ref": f"#/$defs/{kind.__name__}"} for kind in kinds.values()]
            properties[key] = {"description": info.description, "anyOf": [*anyone, {"type": "null"}]}
        elif inner:
            anything = [{"$ref": f"#/$defs/{inner.__name__}"}, {"type": "null"}]
            properties[key] = {"description": info.description, "anyOf": anything}
        else:
            beside = {"description": part.pop("description")}
            if key in defaults and info.default_factory is None:
                beside["default"] = defaults[key]
            properties[key] = {**beside, "anyOf": [part, {"$ref": f"#/$defs/{_FROM_ENVIRONMENT}"}]}
    return {
        "type": "object",
        "description": schema["description"],
        "properties": properties,
        "additionalProperties": False,
    }
