from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.faces.people.assignment import assign

LIMIT = 1.0


def total(costs: list[list[float]], pairs: list[tuple[int, int]]) -> float:
    return sum(costs[row][column] for row, column in pairs) + LIMIT * (len(costs) - len(pairs))


def exhaustive(costs: list[list[float]]) -> float:
    """The least total there is, by trying everything."""
    rows, columns = range(len(costs)), range(len(costs[0]))
    places = [*columns, *(None for _ in rows)]
    choices = (
        [(row, column) for row, column in zip(rows, chosen, strict=True) if column is not None]
        for chosen in set(itertools.permutations(places, len(costs)))
    )
    return min(total(costs, pairs) for pairs in choices if all(costs[row][column] <= LIMIT for row, column in pairs))


tables = st.integers(1, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.floats(0, 2) | st.just(math.inf), min_size=columns, max_size=columns), min_size=1, max_size=4
    )
)


@given(tables)
def test_nothing_is_cheaper(costs: list[list[float]]):
    pairs = assign(costs, limit=LIMIT)
    assert all(costs[row][column] <= LIMIT for row, column in pairs)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert total(costs, pairs) == pytest.approx(exhaustive(costs))


def test_the_nearest_pair_is_not_taken_first():
    # greedy would pair (0, 0) and then have to pair (1, 1)
    assert assign([[0.1, 0.2], [0.2, 0.9]], limit=LIMIT) == [(0, 1), (1, 0)]


def test_two_bad_pairs_are_worse_than_a_good_one_and_a_loner():
    assert assign([[0.0, 0.9], [0.3, 2.0]], limit=LIMIT) == [(0, 0)]


@pytest.mark.parametrize("costs", [[], [[]], [[], []], [[math.nan]], [[math.inf]], [[1.1]]])
def test_nobody_to_pair(costs: list[list[float]]):
    assert assign(costs, limit=LIMIT) == []


def test_a_crowd_finds_itself():
    count = 60
    costs = [[abs(row - (7 * column) % count) / 10 for column in range(count)] for row in range(count)]
    pairs = assign(costs, limit=LIMIT)
    assert [row for row, _ in pairs] == list(range(count))
    assert all(row == 7 * column % count for row, column in pairs)
