"""The table of emotions: one row a label, with everything that belongs to it. A new emotion is a new row.

Label sets, the config's keys (`emotion.prior`, `mood.weights`, `mood.distress.emotion`), colours and prompts are made
from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["LABELS", "LABEL_NAMES", "LABEL_SETS", "UNCERTAIN", "Label", "label_sets"]

#: The label of a reading that quality or confidence does not carry.
UNCERTAIN = "uncertain"

#: What a set of so many labels is called.
_SET_NAMES: Mapping[int, str] = {
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One emotion.

    Attributes:
        name: as the model's sidecar, the config and all messages write it.
        smallest_set: the size of the smallest label set that has it. All larger sets have it, too.
        colour: where emotions are drawn, `#rrggbb`.
        dark_colour: the same on a dark page; empty: no other.
        place: in legends and stacked charts; the lowest is the most pleasant.
        weight: what it adds to satisfaction by default, -1 (as dissatisfied as can be) to 1 (as satisfied).
        weight_note: what the config's docs add to that, after "From -1 to 1".
        distress: whether it counts as distress by default.
        look: completes "people look ...".
        ask: how somebody is asked to show it, after "Please".
        share: an example of the share of moments in which it is shown at a place.
    """

    name: str
    smallest_set: int
    colour: str
    dark_colour: str = ""
    place: int
    weight: float
    weight_note: str = ""
    distress: bool
    look: str
    ask: str
    share: float


#: The emotions in the order of the model's outputs. The colours can be told apart by people with the common colour
#: blindnesses (Okabe and Ito, 2008).
LABELS: tuple[Label, ...] = (
    Label(
        name="angry",
        smallest_set=3,
        colour="#d55e00",
        place=7,
        weight=-1.0,
        weight_note="; -1 is as dissatisfied as can be",
        distress=True,
        look="angry",
        ask="look angry",
        share=0.05,
    ),
    Label(
        name="disgust",
        smallest_set=7,
        colour="#009e73",
        place=6,
        weight=-1.0,
        distress=False,
        look="disgusted",
        ask="look disgusted",
        share=0.02,
    ),
    Label(
        name="fear",
        smallest_set=7,
        colour="#cc79a7",
        place=5,
        weight=-1.0,
        distress=True,
        look="afraid",
        ask="look afraid",
        share=0.03,
    ),
    Label(
        name="happy",
        smallest_set=3,
        colour="#f0e442",
        place=1,
        weight=1.0,
        weight_note="; 1 is as satisfied as can be",
        distress=False,
        look="happy",
        ask="smile",
        share=0.2,
    ),
    Label(
        name="sad",
        smallest_set=3,
        colour="#0072b2",
        dark_colour="#2f8fd0",
        place=4,
        weight=-1.0,
        distress=True,
        look="sad",
        ask="look sad",
        share=0.05,
    ),
    Label(
        name="surprise",
        smallest_set=5,
        colour="#56b4e9",
        place=2,
        weight=0.0,
        weight_note="; it may be a good one or a bad one",
        distress=False,
        look="surprised",
        ask="look surprised",
        share=0.05,
    ),
    Label(
        name="neutral",
        smallest_set=4,
        colour="#e6e6e6",
        dark_colour="#c2c5c9",
        place=3,
        weight=0.0,
        weight_note="; where it is 0, all neutral is 50",
        distress=False,
        look="neutral",
        ask="look neutral",
        share=0.6,
    ),
)


def label_sets(labels: tuple[Label, ...]) -> Mapping[str, tuple[str, ...]]:
    """The label sets that the rows make, the largest first, each in the order of the rows.

    Raises:
        ValueError: a row is wrong; the word names its label and what is wrong.
    """
    names = [label.name for label in labels]
    for label in labels:
        if names.count(label.name) > 1 or label.name == UNCERTAIN:
            msg = f"the label {label.name} is there twice" if label.name != UNCERTAIN else f"{UNCERTAIN} is no emotion"
            raise ValueError(msg)
        if not -1 <= label.weight <= 1 or not 0 < label.share < 1:
            msg = f"the label {label.name} has a weight outside -1 to 1, or a share outside 0 to 1"
            raise ValueError(msg)
    found = {}
    for size in sorted({label.smallest_set for label in labels}, reverse=True):
        members = tuple(label.name for label in labels if label.smallest_set <= size)
        if size not in _SET_NAMES or len(members) != size:
            newest = next(label.name for label in labels if label.smallest_set == size)
            msg = f"the label {newest} is in a set of {size}, but {len(members)} labels are: {', '.join(members)}"
            raise ValueError(msg)
        found[_SET_NAMES[size]] = members
    return MappingProxyType(found)


LABEL_NAMES: tuple[str, ...] = tuple(label.name for label in LABELS)
#: The emotions by label set, each in the model's order: fewer of them for places where some only confuse.
LABEL_SETS = label_sets(LABELS)
