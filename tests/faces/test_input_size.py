from __future__ import annotations

import re

import pytest

from edge_fer.faces.detectors.input_size import buffered, inlined, with_constants


def test_vectors_are_counted_in_numbers_or_in_bytes():
    assert inlined(1, 512, 16).hex(" ", 4) == "03000000 01000000 00020000 10000000"
    assert buffered(24, 48).hex(" ", 4) == "08000000 18000000 30000000"


def test_constants_are_replaced_where_they_are_and_nothing_else():
    content = b"head" + buffered(48, 48) + b"between" + buffered(24, 24) + b"end"
    # the first comes to look like what the second was
    changed = with_constants(content, [buffered(48, 48), buffered(24, 24)], [buffered(24, 24), buffered(12, 24)])
    assert changed == b"head" + buffered(24, 24) + b"between" + buffered(12, 24) + b"end"


@pytest.mark.parametrize("content", [b"none of it", 2 * buffered(48, 48)], ids=["missing", "twice"])
def test_what_is_not_there_exactly_once_is_no_such_file(content: bytes):
    with pytest.raises(ValueError, match=re.escape(buffered(48, 48).hex())):
        with_constants(content, [buffered(48, 48)], [buffered(24, 48)])
