"""Recordings and streams that are damaged at random: nothing crashes or hangs, and nobody is invented.

`make test-mutations` reads 2,000 of each kind; here it is a few.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.capture.mutations import KINDS, base, mutated
from tests.capture.tried import tried
from tests.faults.trace import dice

COUNT = int(os.environ.get("EDGE_FER_TEST_MUTATIONS", "12"))
#: The share of copies in which the person may be counted twice because of pictures that are away.
MOST_TWICE = 0.02
#: The share of the pictures that may be read although they are damaged, and one more, where the codec cannot always
#: notice it.
MOST_UNLIKE = {"mjpeg": 0.02, "hevc": 0.1, "mp4": 0.0}
#: The share of the copies in which somebody may be seen who is not there, because the codec has nothing by which wrong
#: bits could be noticed: H.265.
MOST_INVENTED = {"hevc": 0.001}
#: Copies that one process reads: what it needs of memory must not grow with them.
BATCH = 100
#: MB that damaged files may take more than the whole one; the largest picture that is decoded has 100 MB.
MOST_MEMORY = 600


@tried(
    "pictures, recordings, streams",
    "pictures of six formats, MJPEG, MP4 and MPEG-TS (H.264), Matroska (H.265) with random damage: bits, cuts, bytes"
    " too many or too few, zeros",
    "no crash, no hang, bounded memory; nobody is counted who is not in the whole file, but with H.265 in 1 of 2,000;"
    " in fewer than 2 % of the recordings the same person is counted as another one who has moved far while pictures"
    " were left out",
)
@pytest.mark.parametrize("kind", KINDS)
def test_damage_at_random(tmp_path, kind):
    path = base(tmp_path, kind)
    found = {}
    for first in range(0, COUNT + 1, BATCH):
        count = min(BATCH, COUNT + 1 - first)
        command = [sys.executable, "-m", "tests.capture.mutations", str(path), str(first), str(count)]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        lines = [json.loads(line) for line in ran.stdout.splitlines()]
        assert ran.returncode == 0, f"number {first + len(lines)} ended the process"
        found |= {line["number"]: line for line in lines}
    whole = found[0]
    assert (whole["at_once"], whole["people"]) == (1, 1)
    assert len(found) == COUNT + 1
    # whoever moves far while pictures are away comes back as somebody else
    more = [one for one in found.values() if max(one["at_once"], one["people"]) > 1 + one["gaps"]]
    assert len(more) <= MOST_INVENTED.get(kind, 0) * COUNT, more
    assert sum(one["people"] > 1 for one in found.values()) <= MOST_TWICE * COUNT + 1
    unlike, pictures = (sum(one[what] for one in found.values()) for what in ("unlike", "pictures"))
    assert unlike <= MOST_UNLIKE.get(kind, 0) * pictures + (kind in MOST_UNLIKE)
    assert max(one["memory"] for one in found.values()) < whole["memory"] + MOST_MEMORY
    if kind == "pictures":
        read = sum(one["pictures"] for one in found.values())
    else:
        read = sum(0 < one["pictures"] < whole["pictures"] for one in found.values())
    # of a dozen, it may be one
    assert read > COUNT / 8 - 1, "damage that leaves nothing to read tells nothing"
    totals = [f"{what} {sum(one[what] for one in found.values())}" for what in ("pictures", "unlike", "gaps")]
    twice = sum(one["people"] > 1 for one in found.values())
    memory = max(one["memory"] for one in found.values())
    print(f"{kind}: {COUNT} copies, {', '.join(totals)}, counted twice in {twice}, {memory} MB")


def test_copies_differ_and_are_the_same_each_time():
    whole = bytes(range(256)) * 400
    copies = [mutated(whole, dice(number)) for number in range(50)]
    assert copies == [mutated(whole, dice(number)) for number in range(50)]
    assert len({*copies, whole}) == 51
