"""Profiles: the defaults for one kind of place, kept as YAML files in `profiles/`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_fer.config.engine.entries import Entry
from edge_fer.config.engine.layers import Layer
from edge_fer.config.tree import Config
from edge_fer.rules.conditions.when import KINDS, PARTS
from edge_fer.types import LABEL_SETS

__all__ = ["fitted", "profile_layer"]

#: The keys of conditions that name emotions.
_NAMING_LABELS: Final = frozenset(kind.labels for kind in KINDS.values() if kind.labels)
_PROFILES: Final = Path(__file__).parents[1] / "profiles"


def profile_layer(said: Entry) -> Layer:
    """The layer of the profile that is named; of the default one, where the name is wrong."""
    named = said.at("profile")
    known = {path.stem for path in _PROFILES.glob("*.yaml")}
    name = str(named.value) if named else ""
    name = name if name in known else Config.model_fields["profile"].default
    return Layer.file(_PROFILES / f"{name}.yaml", required=True, name=f"profile {name}")


def fitted(section: Entry, profile: str) -> Entry:
    """The whole, or one camera, with the profile's alerts brought down to the label set that was chosen.

    A profile is written for all seven labels; who chooses fewer should not have to rewrite its alerts. What people
    write themselves is left as it is, and checked.

    Args:
        section: complete, as `filled` leaves it.
        profile: the name of the profile's layer.
    """
    labels, alerts, cameras = (section.at(*path) for path in (("emotion", "labels"), ("alerts",), ("cameras",)))
    known = LABEL_SETS.get(str(labels.value)) if labels else None
    if alerts and alerts.children and known:
        fit = {name: _fitted_alert(alert, profile, known) for name, alert in alerts.children.items()}
        section = section.with_children({"alerts": alerts.with_children(fit)})
    if cameras and cameras.children:
        fit = {name: fitted(camera, profile) for name, camera in cameras.children.items()}
        section = section.with_children({"cameras": cameras.with_children(fit)})
    return section


def _fitted_alert(alert: Entry, profile: str, known: tuple[str, ...]) -> Entry:
    when = alert.at("when")
    return alert.with_children({"when": _fitted_when(when, profile, known)}) if when else alert


def _fitted_when(when: Entry, profile: str, known: tuple[str, ...]) -> Entry:
    fit: dict[str, Entry] = {}
    for key, entry in when.children.items():
        if entry.layer != profile or not isinstance(entry.value, tuple):
            continue
        if key in _NAMING_LABELS:
            fit[key] = replace(entry, value=tuple(item for item in entry.value if item.value in known))
        elif key in PARTS:
            fit[key] = replace(entry, value=tuple(_fitted_when(part, profile, known) for part in entry.value))
    return when.with_children(fit) if fit else when
